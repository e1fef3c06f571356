"""The Chinese networks of short posts, videos and questions. Pure."""

from services.registry.platforms.platform import Form, Name, Platform, words
from services.registry.platforms.shapes import NUMBER, ROUTES, SHOWN, SHOWN_ACCEPTED, TABS, shown

WEIBO_UID = Name(shape=r"[1-9][0-9]{0,10}", accepted="up to 11 digits", folds=False)
WEIBO_NAME = Name(shape=r"(?!\d+$)(?=.*\w)[\w\-]{1,30}", accepted="up to 30 letters, digits, _ and -")
WEIBO_PAGE = Name(shape=r"(?!100505|100808)100[0-9]{10,17}", accepted="a page's number", folds=False)
DOUYIN_ID = Name(
    shape=r"(?!\d+\.\d+$)(?=.*[A-Za-z0-9])[A-Za-z0-9._]{2,24}",
    accepted="a Douyin id: A-Z, a-z, 0-9, . and _",
    folds=False,
)
SEC_ID = Name(shape=r"[A-Za-z0-9][A-Za-z0-9._\-]{0,149}", accepted="the id in the address of its page", folds=False)
TOKEN = Name(shape=r"[A-Za-z0-9][A-Za-z0-9._=\-]{0,199}", accepted="the token in the address of its page", folds=False)
ZHIHU = Name(shape=r"(?=.*\w)[\w.\-]{1,80}", accepted="the name in the address of its page", folds=False)
NOTE_USER = Name(shape=r"[0-9a-f]{24}", accepted="24 of 0-9 and a-f")
NOTE_ID = Name(shape=rf"{SHOWN}{{2,24}}", accepted=SHOWN_ACCEPTED, folds=False)

FAMILY = (
    Platform(
        name="weibo",
        accepted="the address of its page, its number or its name",
        forms=(
            Form(name=WEIBO_UID, gives="{}", at=("u/{}", "profile/{}", "{}", "p/100505{}"), text=("100505{}",)),
            Form(name=WEIBO_PAGE, gives="p/{}", at=("p/{}",)),
            Form(name=WEIBO_NAME, gives="n/{}", at=("n/{}",)),
            Form(name=WEIBO_NAME, gives="{}", at=("{}",), text=("@{}",)),
        ),
        domains=("weibo.com", "weibo.cn"),
        gbk=True,
        routes=ROUTES
        | words(
            "u n p profile status detail statuses tv ttarticle hot feed d topic ajax mygroups newlogin newregister",
            "visitor at comment message signup video story article k page_not_found sorry fav messages friends",
            "fans live index set like",
            "aj s c a l i p searchall custom page find lists reg signup.php verify verified",
        ),
        tabs=TABS | words("home profile follow fans info photos album video article weibo"),
        posts=words("layerid"),
        usual=(
            "微博|新浪微博|sina weibo|weibo sina|政务微博|官方微博|微博号|新浪政务微博|微博账号|官微"
            "|微博客|新浪|新浪网微博|微博客户端"
        ),
    ),
    Platform(
        name="douyin",
        accepted="a Douyin id, or the address of its page",
        forms=(
            Form(
                name=SEC_ID,
                gives="user/{}",
                at=("user/{}", "//iesdouyin.com/share/user/{}", "//www.iesdouyin.com/share/user/{}"),
            ),
            Form(name=DOUYIN_ID, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("douyin.com", "iesdouyin.com"),
        routes=ROUTES,
        posts=words("modal_id vid aweme_id"),
        usual="抖音|抖音蓝v|抖音火山版|抖音号|抖音短视频|抖音政务号|抖音账号|政务抖音号",
    ),
    Platform(
        name="toutiao",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=TOKEN, gives="c/user/token/{}", at=("c/user/token/{}",)),
            Form(name=NUMBER, gives="c/user/{}", at=("c/user/{}",)),
            Form(name=NUMBER, gives="profile/{}", at=("profile/{}", "//profile.zjurl.cn/rogue/ugc/profile?user_id={}")),
            Form(name=shown(30), gives="{}", at=(), text=("@{}",)),
        ),
        domains=("toutiao.com", "profile.zjurl.cn"),
        routes=ROUTES,
        usual=("今日头条|头条号|今日头条号|头条|头条新闻|今日头条政务号|头条政务号|政务头条号|jinri toutiao"),
    ),
    Platform(
        name="bilibili",
        accepted="the number of its space, or its name",
        forms=(
            Form(
                name=NUMBER,
                gives="{}",
                at=("//space.bilibili.com/{}", "space/{}"),
                text=("space/{}", "uid:{}", "uid{}"),
            ),
            Form(name=shown(30), gives="{}", at=(), text=("@{}",)),
        ),
        domains=("bilibili.com",),
        subs=words("www m space") | {""},
        routes=ROUTES | words("space video bangumi read opus live v"),
        tabs=TABS | words("dynamic video article upload favlist channel fans album audio season lists follow relation"),
        usual=(
            "哔哩哔哩|b站|哔哩哔哩弹幕网|哔哩哔哩号|哔哩哔哩b站|b站哔哩哔哩|bilibili哔哩哔哩"
            "|哔哩哔哩bilibili|bilibilib站|哔站|哔哩哔哩视频"
        ),
    ),
    Platform(
        name="kuaishou",
        accepted="the address of its page, or its id",
        forms=(
            Form(name=SEC_ID, gives="profile/{}", at=("//www.kuaishou.com/profile/{}", "//m.kuaishou.com/profile/{}")),
            Form(
                name=SEC_ID, gives="live/profile/{}", at=("//live.kuaishou.com/profile/{}",)
            ),  # another id may be there
            Form(name=SEC_ID, gives="u/{}", at=("//live.kuaishou.com/u/{}",)),
            Form(name=shown(30), gives="{}", at=(), text=("@{}",)),
        ),
        domains=("kuaishou.com", "chenzhongtech.com", "gifshow.com", "kuaishouapp.com"),
        subs=words("www m live") | {""},
        routes=ROUTES,
        posts=words("photoId"),
        usual="快手|快手号|快手短视频|快手政务号|政务快手号|kwai",
    ),
    Platform(
        name="zhihu",
        accepted="the address of its page",
        forms=(
            Form(name=ZHIHU, gives="org/{}", at=("org/{}",)),
            Form(name=ZHIHU, gives="people/{}", at=("people/{}",)),
            Form(name=shown(30), gives="{}", at=(), text=("@{}",)),
        ),
        domains=("zhihu.com",),
        routes=ROUTES | words("org people question answer p zhuanlan column topic special zvideo pin market"),
        tabs=TABS
        | words(
            "activities posts answers by_votes by_votes_num asks columns pins zvideos collections following followers"
        ),
        usual="知乎|知乎号|知乎机构号|知乎专栏",
    ),
    Platform(
        name="xiaohongshu",
        accepted="the address of its page, or its number",
        forms=(
            Form(name=NOTE_USER, gives="user/profile/{}", at=("user/profile/{}",)),
            Form(name=NOTE_ID, gives="{}", at=(), text=("@{}",)),
        ),
        domains=("xiaohongshu.com",),
        routes=ROUTES | words("user profile discovery explore"),
        usual="小红书|小红书号|rednote|red|little red book",
    ),
)
