"""The table of the app stores and of what runs inside another app: where an app stands, and what names it. Pure."""

from services.registry.platforms.platform import Form, Name, Platform

PACKAGE = Name(
    r"(?=.{3,150}$)[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+", "a package name such as cn.gov.example", folds=False
)
TRACK = Name(r"[1-9][0-9]{5,11}", "a number of 6 to 12 digits", folds=False)
BUNDLE = Name(r"(?=.{3,155}$)[A-Za-z][A-Za-z0-9\-]*(?:\.[A-Za-z0-9\-]+)+", "a bundle id", folds=False)
C_NUMBER = Name(r"[0-9]{3,20}", "C and a number", folds=False)
STORE_NUMBER = Name(r"[1-9][0-9]{0,19}", "a number", folds=False)
WX_APP = Name(r"wx[0-9a-f]{16}", "wx and 16 of 0-9 and a-f")
WX_ORIGINAL = Name(r"gh_[0-9a-z]{6,20}", "gh_ and its id")
MINI_NUMBER = Name(r"[1-9][0-9]{4,19}", "5 to 20 digits", folds=False)
SMART_KEY = Name(r"[A-Za-z0-9]{16,40}", "the app key", folds=False)

STORES = (
    Platform(
        "android",
        "the address in a store or the package name, such as cn.gov.example",
        (
            Form(
                PACKAGE,
                "{}",
                (
                    "//play.google.com/store/apps/details?id={}",
                    "//play.google.com/store/apps/details/*?id={}",
                    "//play.google.com/web/store/apps/details?id={}",
                    "//a.app.qq.com/o/simple.jsp?pkgname={}",
                    "//sj.qq.com/myapp/detail.htm?apkName={}",
                    "//sj.qq.com/appdetail/{}",
                    "//android.myapp.com/myapp/detail.htm?apkName={}",
                    "//app.mi.com/details?id={}",
                    "//m.app.mi.com/details?id={}",
                    "//app.xiaomi.com/details?id={}",
                ),
            ),
        ),
        kinds=("app",),
        domains=("play.google.com", "a.app.qq.com", "sj.qq.com", "android.myapp.com", "app.mi.com", "app.xiaomi.com"),
    ),
    Platform(
        "ios",
        "the address in the App Store, or its number such as id123456789",
        (
            Form(
                TRACK,
                "id{}",
                (
                    "app/id{}",
                    "app/*/id{}",
                    "??/app/id{}",
                    "??/app/*/id{}",
                    "//itunes.apple.com/WebObjects/MZStore.woa/wa/viewSoftware?id={}",
                ),
                ("{}",),
            ),
            Form(BUNDLE, "{}"),
        ),
        kinds=("app",),
        domains=("apps.apple.com", "itunes.apple.com"),
        subs=frozenset({"", "www", "geo"}),
    ),
    Platform(
        "huawei",
        "the address in AppGallery, its number such as C100200, or the package name",
        (
            Form(C_NUMBER, "C{}", ("app/C{}", "ag/n/app/C{}")),
            Form(PACKAGE, "{}", ("app/detail?id={}",)),
        ),
        kinds=("app",),
        hash="",
        domains=("appgallery.huawei.com", "appgallery.cloud.huawei.com"),
    ),
    *(
        Platform(
            name,
            "the address of its page in the store, its number there or the package name",
            (Form(STORE_NUMBER, "{}"), Form(PACKAGE, "{}")),
            kinds=("app",),
        )
        for name in ("oppo", "vivo", "honor")
    ),
    Platform(
        "wechat-mini-program",
        "an AppID such as wx0123456789abcdef",
        (Form(WX_APP, "{}"), Form(WX_ORIGINAL, "{}")),
        kinds=("app",),
    ),
    Platform(
        "alipay-mini-program",
        "an AppID of digits",
        (Form(MINI_NUMBER, "{}"),),
        kinds=("app",),
    ),
    Platform(
        "baidu-mini-program",
        "an AppID of digits or the app key",
        (Form(MINI_NUMBER, "{}"), Form(SMART_KEY, "{}")),
        kinds=("app",),
    ),
    Platform(
        "douyin-mini-program",
        "an AppID such as tt0123456789abcdef",
        (Form(Name(r"tt[0-9a-f]{8,20}", "tt and its id"), "{}"),),
        kinds=("app",),
    ),
    Platform(
        "quick-app",
        "the package name",
        (Form(PACKAGE, "{}"),),
        kinds=("app",),
    ),
)
