"""The Chinese networks that publish articles: Baidu, Tencent, Netease, Sohu, the papers. Pure."""

from services.registry.platforms.platform import Form, Name, Platform, words
from services.registry.platforms.shapes import NUMBER, TITLE, shown

BAIDU_APP = Name(shape=r"[1-9][0-9]{0,19}", accepted="the app_id of its page", folds=False)
BAIDU_CONTEXT = Name(
    shape=r'\{ ?(?:"from": ?(?:"\w*"|\d+), ?)?"app_id": ?"?([1-9][0-9]{0,19})"?(?:, ?"from": ?(?:"\w*"|\d+))? ?\}',
    accepted="the app_id",
    folds=False,
)
BAIDU_UK = Name(
    shape=r'\{ ?(?:"from": ?(?:"\w*"|\d+), ?)?"uk": ?"([\w\-]{1,60})"(?:, ?"from": ?(?:"\w*"|\d+))? ?\}',
    accepted="the uk",
    folds=False,
)
BAIDU_UK_TEXT = Name(shape=r"[\w\-]{1,60}", accepted="the uk", folds=False)
MEDIA = Name(shape=r"T[0-9]{10,16}", accepted="T and the number in the address of its page", folds=False)
PAGE_ID = Name(shape=r"[A-Za-z0-9][A-Za-z0-9_\-=]{2,99}", accepted="the id in the address of its page", folds=False)

FAMILY = (
    Platform(
        name="baijiahao",
        accepted="the address of its page with app_id, or its name",
        forms=(
            Form(
                name=BAIDU_APP,
                gives="{}",
                at=(
                    "//baijiahao.baidu.com/u?app_id={}",
                    "//author.baidu.com/home?app_id={}",
                ),
            ),
            Form(name=BAIDU_CONTEXT, gives="{}", at=("//author.baidu.com/home?context={}",)),
            Form(name=BAIDU_UK, gives="uk/{}", at=("//author.baidu.com/home?context={}",)),
            Form(name=BAIDU_UK_TEXT, gives="uk/{}"),
            Form(name=BAIDU_APP, gives="home/{}", at=("//author.baidu.com/home/{}",)),
            Form(name=shown(30), gives="{}", at=(), text=("@{}",)),
        ),
        domains=("author.baidu.com", "baijiahao.baidu.com"),
        subs=frozenset({""}),
        usual="百家号|百度号|百度动态|百度app百家号|百度百家号|百度百家",
    ),
    Platform(
        name="penguin",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=PAGE_ID, gives="author/{}", at=("//new.qq.com/omn/author/{}",)),
            Form(name=PAGE_ID, gives="media/{}", at=("//view.inews.qq.com/media/{}",)),
            Form(name=PAGE_ID, gives="page/{}", at=("//page.om.qq.com/page/{}",)),
            Form(name=TITLE, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("new.qq.com", "view.inews.qq.com", "page.om.qq.com"),
        subs=frozenset({""}),
        usual="企鹅号|腾讯新闻|腾讯新闻企鹅号|腾讯号|企鹅媒体平台|腾讯内容开放平台|天天快报|企鹅",
    ),
    Platform(
        name="netease",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=MEDIA, gives="dy/media/{}", at=("dy/media/{}.html",)),
            Form(name=TITLE, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("163.com",),
        usual="网易号|网易|网易媒体|网易号媒体|网易新闻网易号|网易新闻|网易政务号",
    ),
    Platform(
        name="sohu",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=PAGE_ID, gives="profile/{}", at=("//mp.sohu.com/profile?xpt={}",)),
            Form(name=NUMBER, gives="media/{}", at=("//m.sohu.com/media/{}",)),
            Form(name=TITLE, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("sohu.com",),
        subs=words("www m mp") | {""},
        usual="搜狐号|搜狐|搜狐公众平台|搜狐媒体平台|搜狐新闻|搜狐政务号",
    ),
    Platform(
        name="thepaper",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=NUMBER, gives="gov_{}", at=("gov_{}",)),
            Form(name=NUMBER, gives="user_{}", at=("user_{}",)),
            Form(name=TITLE, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("thepaper.cn",),
        usual="澎湃号|澎湃新闻|澎湃政务|澎湃问政|澎湃",
    ),
    Platform(
        name="xigua",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=NUMBER, gives="home/{}", at=("home/{}",)),
            Form(name=TITLE, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("ixigua.com",),
        usual="西瓜视频|西瓜|西瓜号",
    ),
    Platform(
        name="xuexi",
        accepted="its name as the platform shows it",
        forms=(Form(name=TITLE, gives="{}"),),
        usual="学习强国|学习强国号|强国号|学习强国平台|学习强国融媒号|学习强国强国号",
    ),
    Platform(
        name="peoples-daily",
        accepted="its name as the platform shows it",
        forms=(Form(name=TITLE, gives="{}"),),
        usual=(
            "人民号|人民日报人民号|人民日报客户端|人民日报号|人民日报客户端人民号|人民网人民号|人民日报|人民日报政务号"
        ),
    ),
    Platform(
        name="xinhua",
        accepted="its name as the platform shows it",
        forms=(Form(name=TITLE, gives="{}"),),
        usual="新华号|新华社新华号|新华社现场云|新华社现场新闻|新华社|新华社客户端|新华网|现场云",
    ),
)
