"""The networks of the world outside China. Pure."""

from services.registry.platforms.platform import Form, Name, Platform, words
from services.registry.platforms.shapes import ROUTES, TABS

HANDLE = Name(shape=r"[a-z0-9_]{1,15}", accepted="1 to 15 of a-z, 0-9 and _")
GRAM = Name(shape=r"(?=.*[a-z0-9_])[a-z0-9_.]{1,30}(?<!\.)", accepted="1 to 30 of a-z, 0-9, _ and .")
TOK = Name(shape=r"(?=.*[a-z0-9_])[a-z0-9_.]{2,24}(?<!\.)", accepted="2 to 24 of a-z, 0-9, _ and .")
FB_NUMBER = Name(shape=r"[1-9][0-9]{0,19}|pfbid[A-Za-z0-9]{10,100}", accepted="the page's number", folds=False)
FB_NAME = Name(
    shape=r"(?!\d+$|\d+\.\d+(?:e\+?\d+)?$)(?=.*\w)[\w.\-]{1,75}(?<!\.)", accepted="letters, digits and full stops"
)
FB_LONG = Name(shape=r"[1-9][0-9]{5,19}", accepted="the page's number", folds=False)
FB_GROUP = Name(shape=r"(?=.*\w)[\w.\-]{1,75}", accepted="a group's name or number")
CHANNEL = Name(shape=r"UC[A-Za-z0-9_-]{22}", accepted="UC and 22 of A-Z, a-z, 0-9, _ and -", folds=False)
TUBE_HANDLE = Name(shape=r"(?=.*\w)[\w.\-·]{1,30}(?<!\.)", accepted="up to 30 letters, digits, _, -, . and ·")
TUBE_NAME = Name(shape=r"(?=.*\w)[\w.\-]{1,100}", accepted="letters and digits")
# A blank in a name may be meant or a slip: real lists have some, so the report points it out.
SLUG = Name(shape=r"(?!unavailable$)(?=.*\w)[\w\-.'’&+ ]{1,150}", accepted="letters, digits and hyphens")
FLICKR = Name(shape=r"(?=.*[a-z0-9])[a-z0-9_@\-]{1,50}", accepted="a-z, 0-9, _, - and @")
SNAP = Name(shape=r"[a-z][a-z0-9._\-]{2,14}", accepted="3 to 15 of a-z, 0-9, ., _ and -")
SNAP_PAGE = Name(shape=r"[a-z0-9][a-z0-9._\-]{0,79}", accepted="the page's id")
REDDITOR = Name(shape=r"[a-z0-9_\-]{3,20}", accepted="3 to 20 of a-z, 0-9, _ and -")
SUBREDDIT = Name(shape=r"[a-z0-9_]{2,21}", accepted="2 to 21 of a-z, 0-9 and _")

FAMILY = (
    Platform(
        name="x",
        accepted="a name of 1 to 15 of a-z, 0-9 and _, or the address of its page",
        forms=(Form(name=HANDLE, gives="{}", at=("{}", "@{}"), text=("@{}",)),),
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
        usual="twitter|推特x|x推特|twitter/x|x/twitter|x.com|推特",
    ),
    Platform(
        name="facebook",
        accepted="the address of its page, its user name or its number",
        forms=(
            Form(
                name=FB_NUMBER,
                gives="{}",
                at=("profile.php?id={}", "people/*/{}", "pages/*/{}", "pages/category/*/{}", "{}", "pg/{}"),
            ),
            Form(
                name=FB_LONG,
                gives="{}",
                at=("p/*-{}", "p/{}", "pages/category/*/*-{}", "pages/*-{}", "*-{}", "pg/*-{}", "people/*-{}"),
            ),
            Form(name=FB_GROUP, gives="groups/{}", at=("groups/{}",)),
            Form(name=FB_NAME, gives="{}", at=("{}", "@{}", "pg/{}"), text=("@{}",)),
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
        usual="fb|facebook page|facebook group|meta facebook|脸谱网|面书|脸书|脸谱",
    ),
    Platform(
        name="instagram",
        accepted="a name of 1 to 30 of a-z, 0-9, _ and ., or the address of its page",
        forms=(Form(name=GRAM, gives="{}", at=("{}", "@{}", "_u/{}"), text=("@{}",)),),
        domains=("instagram.com",),
        routes=ROUTES
        | words(
            "p reel reels tv stories direct web challenge developer emails session api graphql threads",
            "your_activity archive lite nametag qr create about ar push reels_home fragment popular topics",
            "locations s share",
            "invites fxcal data oauth consent",
        ),
        tabs=TABS | words("reels tagged guides channel feed"),
        usual="intagram|instragram|insta|ig|ins|照片墙",
    ),
    Platform(
        name="youtube",
        accepted="the address of its channel, or @ and its name",
        forms=(
            Form(name=CHANNEL, gives="channel/{}", at=("channel/{}",)),
            Form(name=TUBE_NAME, gives="user/{}", at=("user/{}",)),
            Form(name=TUBE_NAME, gives="c/{}", at=("c/{}",)),
            Form(name=TUBE_HANDLE, gives="@{}", at=("@{}",)),
            Form(name=TUBE_NAME, gives="{}", at=("{}",)),
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
        usual="油管|yt",
    ),
    Platform(
        name="linkedin",
        accepted="the address of the page of a company, showcase, school or person",
        forms=tuple(
            Form(name=SLUG, gives=f"{head}/{{}}", at=at)
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
        usual="领英|领英中国",
    ),
    Platform(
        name="flickr",
        accepted="the address of its photos, or its name",
        forms=(
            Form(name=FLICKR, gives="{}", at=("photos/{}", "people/{}", "{}")),
            Form(name=FLICKR, gives="groups/{}", at=("groups/{}",)),
        ),
        kinds=("account", "group"),
        domains=("flickr.com",),
        routes=ROUTES | words("photos people groups map commons services photo cameras events tags"),
        tabs=TABS | words("albums sets favorites galleries groups faves with tags stats"),
    ),
    Platform(
        name="snapchat",
        accepted="a name of 3 to 15 of a-z, 0-9, ., _ and -, or the address of its page",
        forms=(
            Form(name=SNAP_PAGE, gives="p/{}", at=("p/{}",)),
            Form(name=SNAP, gives="{}", at=("add/{}", "@{}", "{}"), text=("@{}",)),
        ),
        domains=("snapchat.com",),
        routes=ROUTES | words("add p spotlight discover lens t unlock stories topic web chat ads explore"),
    ),
    Platform(
        name="reddit",
        accepted="the address of its page, or its name",
        forms=(
            Form(name=SUBREDDIT, gives="r/{}", at=("r/{}",)),
            Form(name=REDDITOR, gives="{}", at=("user/{}", "u/{}", "{}"), text=("@{}",)),
        ),
        kinds=("account", "group"),
        domains=("reddit.com",),
        subs=words("www m old new np") | {""},
        routes=ROUTES | words("r u user comments gallery wiki popular all submit message poll rising top new hot"),
        tabs=TABS | words("submitted comments overview posts new hot top"),
    ),
    Platform(
        name="tiktok",
        accepted="@ and its name of 2 to 24 of a-z, 0-9, _ and .",
        forms=(Form(name=TOK, gives="{}", at=("@{}", "{}"), text=("@{}",)),),
        domains=("tiktok.com",),
        routes=ROUTES
        | words(
            "t v tag music video foryou following live embed discover channel topics upload messages friends",
            "shop business",
            "effect sticker place node share legal creators forgood transparency community-guidelines coin",
            "belong inbox activity",
        ),
        tabs=words("live"),
        usual="tik tok",
    ),
)
