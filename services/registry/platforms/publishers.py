"""The table of the networks that publish articles: Baidu, Tencent, Netease, Sohu, the papers. Pure.

What the tables of all networks share stands here, too: `networks.py` has the rest, and puts them together.
"""

from services.registry.platforms.platform import Form, Name, Platform, words

# Pages that stand alone in the path of most sites.
ROUTES = words(
    "http https www home index search explore login logout signin signup signout register help about account accounts",
    "settings share privacy terms tos legal policies download app apps jobs ads business developers intent hashtag",
    "directory oauth sso passport auth sitemap robots.txt favicon.ico undefined null none nan",
)
TABS = words("about")
# A name as people show it: letters and digits of any script, and what the Chinese networks allow between them.
SHOWN = r"(?=.*\w)[\w·.\-]"
SHOWN_ACCEPTED = "the account's name as the platform shows it, without blanks and punctuation"


def shown(most: int) -> Name:
    return Name(rf"(?!\d+$){SHOWN}{{2,{most}}}", SHOWN_ACCEPTED, folds=False)


NUMBER = Name(r"[1-9][0-9]{0,19}", "a number", folds=False)
BAIDU_APP = Name(r"[1-9][0-9]{0,19}", "the app_id of its page", folds=False)
BAIDU_CONTEXT = Name(
    r'\{ ?(?:"from": ?(?:"\w*"|\d+), ?)?"app_id": ?"?([1-9][0-9]{0,19})"?(?:, ?"from": ?(?:"\w*"|\d+))? ?\}',
    "the app_id",
    folds=False,
)
BAIDU_UK = Name(
    r'\{ ?(?:"from": ?(?:"\w*"|\d+), ?)?"uk": ?"([\w\-]{1,60})"(?:, ?"from": ?(?:"\w*"|\d+))? ?\}',
    "the uk",
    folds=False,
)
BAIDU_UK_TEXT = Name(r"[\w\-]{1,60}", "the uk", folds=False)
# Rules for names are not published, and these platforms show quotation marks and signs in them.
TITLE = Name(r"(?!\d+$)(?=.*\w)[\w·.\-“”‘’'\"《》「」+&!()]{2,40}", SHOWN_ACCEPTED, folds=False)
MEDIA = Name(r"T[0-9]{10,16}", "T and the number in the address of its page", folds=False)
PAGE_ID = Name(r"[A-Za-z0-9][A-Za-z0-9_\-=]{2,99}", "the id in the address of its page", folds=False)

PUBLISHERS = (
    Platform(
        "baijiahao",
        "the address of its page with app_id, or its name",
        (
            Form(
                BAIDU_APP,
                "{}",
                (
                    "//baijiahao.baidu.com/u?app_id={}",
                    "//author.baidu.com/home?app_id={}",
                ),
            ),
            Form(BAIDU_CONTEXT, "{}", ("//author.baidu.com/home?context={}",)),
            Form(BAIDU_UK, "uk/{}", ("//author.baidu.com/home?context={}",)),
            Form(BAIDU_UK_TEXT, "uk/{}"),
            Form(BAIDU_APP, "home/{}", ("//author.baidu.com/home/{}",)),
            Form(shown(30), "{}", (), ("@{}",)),
        ),
        domains=("author.baidu.com", "baijiahao.baidu.com"),
        subs=frozenset({""}),
    ),
    Platform(
        "penguin",
        "the address of its page, or its name",
        (
            Form(PAGE_ID, "author/{}", ("//new.qq.com/omn/author/{}",)),
            Form(PAGE_ID, "media/{}", ("//view.inews.qq.com/media/{}",)),
            Form(PAGE_ID, "page/{}", ("//page.om.qq.com/page/{}",)),
            Form(TITLE, "{}", (), ("@{}",)),
        ),
        domains=("new.qq.com", "view.inews.qq.com", "page.om.qq.com"),
        subs=frozenset({""}),
    ),
    Platform(
        "netease",
        "the address of its page, or its name",
        (
            Form(MEDIA, "dy/media/{}", ("dy/media/{}.html",)),
            Form(TITLE, "{}", (), ("@{}",)),
        ),
        domains=("163.com",),
    ),
    Platform(
        "sohu",
        "the address of its page, or its name",
        (
            Form(PAGE_ID, "profile/{}", ("//mp.sohu.com/profile?xpt={}",)),
            Form(NUMBER, "media/{}", ("//m.sohu.com/media/{}",)),
            Form(TITLE, "{}", (), ("@{}",)),
        ),
        domains=("sohu.com",),
        subs=words("www m mp") | {""},
    ),
    Platform(
        "thepaper",
        "the address of its page, or its name",
        (
            Form(NUMBER, "gov_{}", ("gov_{}",)),
            Form(NUMBER, "user_{}", ("user_{}",)),
            Form(TITLE, "{}", (), ("@{}",)),
        ),
        domains=("thepaper.cn",),
    ),
    Platform(
        "xigua",
        "the address of its page, or its name",
        (
            Form(NUMBER, "home/{}", ("home/{}",)),
            Form(TITLE, "{}", (), ("@{}",)),
        ),
        domains=("ixigua.com",),
    ),
    # Whose accounts have no address that says whose they are: known by the name that the platform shows.
    *(
        Platform(name, "its name as the platform shows it", (Form(TITLE, "{}"),))
        for name in ("xuexi", "peoples-daily", "xinhua")
    ),
)
