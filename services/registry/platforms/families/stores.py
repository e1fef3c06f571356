"""The app stores: the page of an app, and its identity. Pure."""

from services.registry.platforms.platform import Form, Name, Platform
from services.registry.platforms.shapes import PACKAGE

TRACK = Name(shape=r"[1-9][0-9]{5,11}", accepted="a number of 6 to 12 digits", folds=False)
BUNDLE = Name(shape=r"(?=.{3,155}$)[A-Za-z][A-Za-z0-9\-]*(?:\.[A-Za-z0-9\-]+)+", accepted="a bundle id", folds=False)
C_NUMBER = Name(shape=r"[0-9]{3,20}", accepted="C and a number", folds=False)
STORE_NUMBER = Name(shape=r"[1-9][0-9]{0,19}", accepted="a number", folds=False)

FAMILY = (
    Platform(
        name="android",
        accepted="the address in a store or the package name, such as cn.gov.example",
        forms=(
            Form(
                name=PACKAGE,
                gives="{}",
                at=(
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
        usual=(
            "安卓|安卓app|安卓应用|安卓客户端|google play|google play store|谷歌应用商店|谷歌商店"
            "|应用宝|腾讯应用宝|谷歌市场|谷歌play|play store|腾讯应用市场|安卓系统|安卓手机|安卓版"
            "|安卓端|安卓应用市场|android系统|小米商店|小米应用|小米应用商城|miui应用商店|getapps"
            "|mi getapps|小米|小米应用市场|小米应用商店|android app"
        ),
    ),
    Platform(
        name="ios",
        accepted="the address in the App Store, or its number such as id123456789",
        forms=(
            Form(
                name=TRACK,
                gives="id{}",
                at=(
                    "app/id{}",
                    "app/*/id{}",
                    "??/app/id{}",
                    "??/app/*/id{}",
                    "//itunes.apple.com/WebObjects/MZStore.woa/wa/viewSoftware?id={}",
                ),
                text=("{}",),
            ),
            Form(name=BUNDLE, gives="{}"),
        ),
        kinds=("app",),
        domains=("apps.apple.com", "itunes.apple.com"),
        subs=frozenset({"", "www", "geo"}),
        usual=(
            "苹果|app store|苹果应用商店|苹果app store|苹果app|苹果商店|苹果客户端|apple app store"
            "|apple|itunes|iphone|ipad|ios系统|苹果系统|苹果手机|苹果版|苹果端|苹果应用市场|ios客户端"
            "|ios app|app商店|apple store|应用商店苹果"
        ),
    ),
    Platform(
        name="huawei",
        accepted="the address in AppGallery, its number such as C100200, or the package name",
        forms=(
            Form(name=C_NUMBER, gives="C{}", at=("app/C{}", "ag/n/app/C{}")),
            Form(name=PACKAGE, gives="{}", at=("app/detail?id={}",)),
        ),
        kinds=("app",),
        hash="",
        domains=("appgallery.huawei.com", "appgallery.cloud.huawei.com"),
        usual=(
            "华为|华为应用市场|华为应用商店|appgallery|huawei appgallery|鸿蒙应用市场|鸿蒙|鸿蒙系统"
            "|鸿蒙应用|鸿蒙版|harmonyos|hms|华为市场|华为应用|华为手机|华为应用商城|华为appgallery"
        ),
    ),
    Platform(
        name="oppo",
        accepted="the address of its page in the store, its number there or the package name",
        forms=(Form(name=STORE_NUMBER, gives="{}"), Form(name=PACKAGE, gives="{}")),
        kinds=("app",),
        usual=("oppo应用市场|oppo软件商店|oppo应用商店|oppo应用|oppo手机|oppo软件市场|欢太软件商店|oppo app market"),
    ),
    Platform(
        name="vivo",
        accepted="the address of its page in the store, its number there or the package name",
        forms=(Form(name=STORE_NUMBER, gives="{}"), Form(name=PACKAGE, gives="{}")),
        kinds=("app",),
        usual="vivo应用市场|vivo应用商店|vivo软件商店|vivo应用|vivo app store",
    ),
    Platform(
        name="honor",
        accepted="the address of its page in the store, its number there or the package name",
        forms=(Form(name=STORE_NUMBER, gives="{}"), Form(name=PACKAGE, gives="{}")),
        kinds=("app",),
        usual="荣耀|荣耀应用市场|荣耀应用商店|honor app market",
    ),
)
