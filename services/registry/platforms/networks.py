"""The table of the networks and messengers: whose accounts and groups stand where, and how they are named. Pure.

What a line says is how the platform itself shows its addresses; where that could not be seen, two spellings are kept
apart, since a split is seen and a merge is not. A word under `routes` is a page of the platform and nobody's name.
"""

from services.registry.platforms.platform import Form, Name, Platform, words
from services.registry.platforms.publishers import NUMBER, PUBLISHERS, ROUTES, SHOWN, SHOWN_ACCEPTED, TABS, shown

HANDLE = Name(r"[a-z0-9_]{1,15}", "1 to 15 of a-z, 0-9 and _")
GRAM = Name(r"(?=.*[a-z0-9_])[a-z0-9_.]{1,30}(?<!\.)", "1 to 30 of a-z, 0-9, _ and .")
TOK = Name(r"(?=.*[a-z0-9_])[a-z0-9_.]{2,24}(?<!\.)", "2 to 24 of a-z, 0-9, _ and .")
FB_NUMBER = Name(r"[1-9][0-9]{0,19}|pfbid[A-Za-z0-9]{10,100}", "the page's number", folds=False)
FB_NAME = Name(r"(?!\d+$|\d+\.\d+(?:e\+?\d+)?$)(?=.*\w)[\w.\-]{1,75}(?<!\.)", "letters, digits and full stops")
FB_LONG = Name(r"[1-9][0-9]{5,19}", "the page's number", folds=False)
FB_GROUP = Name(r"(?=.*\w)[\w.\-]{1,75}", "a group's name or number")
CHANNEL = Name(r"UC[A-Za-z0-9_-]{22}", "UC and 22 of A-Z, a-z, 0-9, _ and -", folds=False)
TUBE_HANDLE = Name(r"(?=.*\w)[\w.\-·]{1,30}(?<!\.)", "up to 30 letters, digits, _, -, . and ·")
TUBE_NAME = Name(r"(?=.*\w)[\w.\-]{1,100}", "letters and digits")
# A blank is no slip that can be told from the name: real lists have one, which is pointed out.
SLUG = Name(r"(?!unavailable$)(?=.*\w)[\w\-.'’&+ ]{1,150}", "letters, digits and hyphens")
FLICKR = Name(r"(?=.*[a-z0-9])[a-z0-9_@\-]{1,50}", "a-z, 0-9, _, - and @")
SNAP = Name(r"[a-z][a-z0-9._\-]{2,14}", "3 to 15 of a-z, 0-9, ., _ and -")
SNAP_PAGE = Name(r"[a-z0-9][a-z0-9._\-]{0,79}", "the page's id")
REDDITOR = Name(r"[a-z0-9_\-]{3,20}", "3 to 20 of a-z, 0-9, _ and -")
SUBREDDIT = Name(r"[a-z0-9_]{2,21}", "2 to 21 of a-z, 0-9 and _")
WEIBO_UID = Name(r"[1-9][0-9]{0,10}", "up to 11 digits", folds=False)
WEIBO_NAME = Name(r"(?!\d+$)(?=.*\w)[\w\-]{1,30}", "up to 30 letters, digits, _ and -")
WEIBO_PAGE = Name(r"(?!100505|100808)100[0-9]{10,17}", "a page's number", folds=False)
WECHAT_ID = Name(
    r"[A-Za-z][A-Za-z0-9_\-]{5,19}",
    "a WeChat id: 6 to 20 of A-Z, a-z, 0-9, _ and -, a letter first",
    folds=False,
)
BIZ = Name(r"[A-Za-z0-9_=-]{1,64}", "the __biz of its page", folds=False)
DOUYIN_ID = Name(
    r"(?!\d+\.\d+$)(?=.*[A-Za-z0-9])[A-Za-z0-9._]{2,24}", "a Douyin id: A-Z, a-z, 0-9, . and _", folds=False
)
SEC_ID = Name(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,149}", "the id in the address of its page", folds=False)
TOKEN = Name(r"[A-Za-z0-9][A-Za-z0-9._=\-]{0,199}", "the token in the address of its page", folds=False)
ZHIHU = Name(r"(?=.*\w)[\w.\-]{1,80}", "the name in the address of its page", folds=False)
NOTE_USER = Name(r"[0-9a-f]{24}", "24 of 0-9 and a-f")
NOTE_ID = Name(rf"{SHOWN}{{2,24}}", SHOWN_ACCEPTED, folds=False)
QQ_NUMBER = Name(r"[1-9][0-9]{4,11}", "5 to 12 digits", folds=False)
DING_CODE = Name(r"[A-Za-z0-9,+/=_\- ]{5,300}", "the code of an invitation", folds=False)
QQ_KEY = Name(r"[A-Za-z0-9_\-]{5,100}", "the key of an invitation", folds=False)

NETWORKS = (
    Platform(
        "x",
        "a name of 1 to 15 of a-z, 0-9 and _, or the address of its page",
        (Form(HANDLE, "{}", ("{}", "@{}"), ("@{}",)),),
        domains=("x.com", "twitter.com"),
        subs=words("www m mobile") | {""},
        hash="!",
        routes=ROUTES
        | words(
            "i tos messages notifications compose lists communities topics spaces events live",
            "who_to_follow connect_people bookmarks newtwitter favorites mentions personalization sessions",
            "trends widgets",
            "goodies invitations tweet tweets grok premium chat status statuses messages_requests logged_out moments",
            "similar_to verified-choose verified-orgs-signup import creators hashtags following followers",
        ),
        tabs=TABS
        | words(
            "with_replies media likes highlights articles following followers verified_followers affiliates",
            "header_photo superfollows",
        ),
    ),
    Platform(
        "facebook",
        "the address of its page, its user name or its number",
        (
            Form(
                FB_NUMBER,
                "{}",
                ("profile.php?id={}", "people/*/{}", "pages/*/{}", "pages/category/*/{}", "{}", "pg/{}"),
            ),
            Form(
                FB_LONG,
                "{}",
                ("p/*-{}", "p/{}", "pages/category/*/*-{}", "pages/*-{}", "*-{}", "pg/*-{}", "people/*-{}"),
            ),
            Form(FB_GROUP, "groups/{}", ("groups/{}",)),
            Form(FB_NAME, "{}", ("{}", "@{}", "pg/{}"), ("@{}",)),
        ),
        kinds=("account", "group"),
        domains=("facebook.com", "fb.com"),
        subs=words("www m mbasic web touch mobile free 0") | {""},
        locales=r"[a-z]{2}-[a-z]{2}",
        routes=ROUTES
        | words(
            "events groups pages people pg p profile media permalink photo photos reel reels sharer story stories",
            "watch videos video marketplace gaming messages notifications bookmarks places public dialog",
            "hashtag plugins n recover me friends saved memories fundraisers games live feed lite checkpoint",
            "latest ajax composer",
            "tr find-friends notes donate campaign game_invites fantasy_games news offers pokes legal business_help",
            "gaming-video ad_center adsmanager ads_manager careers portal instantgames crisisresponse emotional_health",
            "votinginformationcenter climatescienceinfo coronavirus_info wellbeing safety community_standards",
            "communitystandards",
            "onthisday allactivity l reg mobile fundraiser login_alerts confirmemail badges facebook.com facebook",
        ),
        tabs=TABS
        | words(
            "photos videos posts community events reviews info timeline live services shop notes likes followers",
            "following mentions reels photos_stream photos_albums videos_by about_details groups members",
            "friends map home",
            "about_contact_and_basic_info about_profile_transparency about_privacy_and_legal_info",
            "about_work_and_education",
            "about_life_events about_places about_overview reels_tab photos_by directory_intro",
            "directory_contact_info wall",
            "directory_basic_info directory_privacy_and_legal_info directory_profile_transparency",
            "past_hosted_events menu jobs offers",
            "photos_all photos_of media discussion featured",
        ),
        posts=words("story_fbid fbid"),
    ),
    Platform(
        "instagram",
        "a name of 1 to 30 of a-z, 0-9, _ and ., or the address of its page",
        (Form(GRAM, "{}", ("{}", "@{}", "_u/{}"), ("@{}",)),),
        domains=("instagram.com",),
        routes=ROUTES
        | words(
            "p reel reels tv stories direct web challenge developer emails session api graphql threads",
            "your_activity archive lite nametag qr create about ar push reels_home fragment popular topics",
            "locations s share",
            "invites fxcal data oauth consent",
        ),
        tabs=TABS | words("reels tagged guides channel feed"),
    ),
    Platform(
        "youtube",
        "the address of its channel, or @ and its name",
        (
            Form(CHANNEL, "channel/{}", ("channel/{}",)),
            Form(TUBE_NAME, "user/{}", ("user/{}",)),
            Form(TUBE_NAME, "c/{}", ("c/{}",)),
            Form(TUBE_HANDLE, "@{}", ("@{}",)),
            Form(TUBE_NAME, "{}", ("{}",)),
        ),
        domains=("youtube.com",),
        routes=ROUTES
        | words(
            "embed feed live playlist results shorts watch channel user c v clip post hashtag gaming premium music",
            "movies playables trending redirect attribution_link oembed ads creators kids attribution howyoutubeworks",
            "reporthistory subscription_center view_play_list new upload my_videos sports news learning",
            "podcasts channels tv",
            "testtube static yt intl trends browse videos members profile source show shows p e t s api",
            "subscriptions logout",
            "reportabuse supported_browsers premium_benefits fashion red paid_memberships purchases myaccount",
            "iframe_api youtubei",
            "history library you comment activate pair handle create_channel channel_switcher",
        ),
        tabs=TABS
        | words(
            "featured videos shorts streams live playlists community channels podcasts releases posts store discussion",
            "membership courses",
        ),
    ),
    Platform(
        "linkedin",
        "the address of the page of a company, showcase, school or person",
        tuple(
            Form(SLUG, f"{head}/{{}}", at)
            for head, at in (
                ("company", ("company/{}", "company-beta/{}")),
                ("showcase", ("showcase/{}",)),
                ("school", ("school/{}",)),
                ("in", ("in/{}",)),
            )
        ),
        domains=("linkedin.com",),
        locales=r"[a-z]{2}",
        routes=ROUTES,
        tabs=TABS
        | words(
            "admin feed posts updates mycompany people life insights products services events videos images documents",
            "ads published dashboard page-posts analytics",
        ),
    ),
    Platform(
        "flickr",
        "the address of its photos, or its name",
        (
            Form(FLICKR, "{}", ("photos/{}", "people/{}", "{}")),
            Form(FLICKR, "groups/{}", ("groups/{}",)),
        ),
        kinds=("account", "group"),
        domains=("flickr.com",),
        routes=ROUTES | words("photos people groups map commons services photo cameras events tags"),
        tabs=TABS | words("albums sets favorites galleries groups faves with tags stats"),
    ),
    Platform(
        "snapchat",
        "a name of 3 to 15 of a-z, 0-9, ., _ and -, or the address of its page",
        (Form(SNAP_PAGE, "p/{}", ("p/{}",)), Form(SNAP, "{}", ("add/{}", "@{}", "{}"), ("@{}",))),
        domains=("snapchat.com",),
        routes=ROUTES | words("add p spotlight discover lens t unlock stories topic web chat ads explore"),
    ),
    Platform(
        "reddit",
        "the address of its page, or its name",
        (
            Form(SUBREDDIT, "r/{}", ("r/{}",)),
            Form(REDDITOR, "{}", ("user/{}", "u/{}", "{}"), ("@{}",)),
        ),
        kinds=("account", "group"),
        domains=("reddit.com",),
        subs=words("www m old new np") | {""},
        routes=ROUTES | words("r u user comments gallery wiki popular all submit message poll rising top new hot"),
        tabs=TABS | words("submitted comments overview posts new hot top"),
    ),
    Platform(
        "tiktok",
        "@ and its name of 2 to 24 of a-z, 0-9, _ and .",
        (Form(TOK, "{}", ("@{}", "{}"), ("@{}",)),),
        domains=("tiktok.com",),
        routes=ROUTES
        | words(
            "t v tag music video foryou following live embed discover channel topics upload messages friends",
            "shop business",
            "effect sticker place node share legal creators forgood transparency community-guidelines coin",
            "belong inbox activity",
        ),
        tabs=words("live"),
    ),
    Platform(
        "weibo",
        "the address of its page, its number or its name",
        (
            Form(WEIBO_UID, "{}", ("u/{}", "profile/{}", "{}", "p/100505{}"), ("100505{}",)),
            Form(WEIBO_PAGE, "p/{}", ("p/{}",)),
            Form(WEIBO_NAME, "n/{}", ("n/{}",)),
            Form(WEIBO_NAME, "{}", ("{}",), ("@{}",)),
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
    ),
    Platform(
        "wechat",
        "a WeChat id of 6 to 20 of A-Z, a-z, 0-9, _ and -, or the address of its profile with __biz",
        (
            Form(
                BIZ,
                "biz/{}",
                ("//mp.weixin.qq.com/mp/profile_ext?__biz={}", "//mp.weixin.qq.com/mp/getmasssendmsg?__biz={}"),
            ),
            Form(WECHAT_ID, "{}", ("//open.weixin.qq.com/qr/code?username={}",), ("@{}",)),
        ),
        kinds=("account", "group"),
        domains=("weixin.qq.com",),
        subs=words("mp open"),
        routes=ROUTES,
    ),
    Platform(
        "wechat-channels",
        "its name as WeChat shows it",
        (Form(shown(30), "{}", (), ("@{}",)),),
        domains=("channels.weixin.qq.com",),
    ),
    Platform(
        "wecom",
        "the group's name",
        kinds=("account", "group"),
        domains=("work.weixin.qq.com",),
        free=True,
    ),
    Platform(
        "qq",
        "a number of 5 to 12 digits, or the address of an invitation",
        (
            Form(QQ_NUMBER, "{}"),
            Form(
                QQ_KEY,
                "k/{}",
                (
                    "//jq.qq.com/?k={}",
                    "//qm.qq.com/cgi-bin/qm/qr?k={}",
                    "//qm.qq.com/q/{}",
                    "//shang.qq.com/wpa/qunwpa?idkey={}",
                ),
            ),
        ),
        kinds=("group", "account"),
        domains=("jq.qq.com", "qm.qq.com", "shang.qq.com"),
        subs=frozenset({""}),
    ),
    Platform(
        "dingtalk",
        "the group's number or name, or its invitation",
        (Form(DING_CODE, "join/{}", ("//qr.dingtalk.com/action/joingroup?code={}",)),),
        kinds=("group", "account"),
        domains=("dingtalk.com",),
        subs=words("www qr h5 t m") | {""},
        free=True,
    ),
    Platform(
        "feishu",
        "the group's number or name",
        kinds=("group", "account"),
        domains=("feishu.cn", "larksuite.com"),
        subs=words("www applink m") | {""},
        free=True,
    ),
    Platform(
        "douyin",
        "a Douyin id, or the address of its page",
        (
            Form(SEC_ID, "user/{}", ("user/{}", "//iesdouyin.com/share/user/{}", "//www.iesdouyin.com/share/user/{}")),
            Form(DOUYIN_ID, "{}", (), ("@{}",)),
        ),
        domains=("douyin.com", "iesdouyin.com"),
        routes=ROUTES,
        posts=words("modal_id vid aweme_id"),
    ),
    Platform(
        "toutiao",
        "the address of its page, or its name",
        (
            Form(TOKEN, "c/user/token/{}", ("c/user/token/{}",)),
            Form(NUMBER, "c/user/{}", ("c/user/{}",)),
            Form(NUMBER, "profile/{}", ("profile/{}", "//profile.zjurl.cn/rogue/ugc/profile?user_id={}")),
            Form(shown(30), "{}", (), ("@{}",)),
        ),
        domains=("toutiao.com", "profile.zjurl.cn"),
        routes=ROUTES,
    ),
    Platform(
        "bilibili",
        "the number of its space, or its name",
        (
            Form(
                NUMBER,
                "{}",
                ("//space.bilibili.com/{}", "space/{}"),
                ("space/{}", "uid:{}", "uid{}"),
            ),
            Form(shown(30), "{}", (), ("@{}",)),
        ),
        domains=("bilibili.com",),
        subs=words("www m space") | {""},
        routes=ROUTES | words("space video bangumi read opus live v"),
        tabs=TABS | words("dynamic video article upload favlist channel fans album audio season lists follow relation"),
    ),
    Platform(
        "kuaishou",
        "the address of its page, or its id",
        (
            Form(SEC_ID, "profile/{}", ("//www.kuaishou.com/profile/{}", "//m.kuaishou.com/profile/{}")),
            Form(SEC_ID, "live/profile/{}", ("//live.kuaishou.com/profile/{}",)),  # another id may stand there
            Form(SEC_ID, "u/{}", ("//live.kuaishou.com/u/{}",)),
            Form(shown(30), "{}", (), ("@{}",)),
        ),
        domains=("kuaishou.com", "chenzhongtech.com", "gifshow.com", "kuaishouapp.com"),
        subs=words("www m live") | {""},
        routes=ROUTES,
        posts=words("photoId"),
    ),
    Platform(
        "zhihu",
        "the address of its page",
        (
            Form(ZHIHU, "org/{}", ("org/{}",)),
            Form(ZHIHU, "people/{}", ("people/{}",)),
            Form(shown(30), "{}", (), ("@{}",)),
        ),
        domains=("zhihu.com",),
        routes=ROUTES | words("org people question answer p zhuanlan column topic special zvideo pin market"),
        tabs=TABS
        | words(
            "activities posts answers by_votes by_votes_num asks columns pins zvideos collections following followers"
        ),
    ),
    Platform(
        "xiaohongshu",
        "the address of its page, or its number",
        (Form(NOTE_USER, "user/profile/{}", ("user/profile/{}",)), Form(NOTE_ID, "{}", (), ("@{}",))),
        domains=("xiaohongshu.com",),
        routes=ROUTES | words("user profile discovery explore"),
    ),
    *PUBLISHERS,
)
