"""Programs that run inside another app. Pure."""

from services.registry.platforms.platform import Form, Name, Platform
from services.registry.platforms.shapes import PACKAGE

WX_APP = Name(shape=r"wx[0-9a-f]{16}", accepted="wx and 16 of 0-9 and a-f")
WX_ORIGINAL = Name(shape=r"gh_[0-9a-z]{6,20}", accepted="gh_ and its id")
MINI_NUMBER = Name(shape=r"[1-9][0-9]{4,19}", accepted="5 to 20 digits", folds=False)
SMART_KEY = Name(shape=r"[A-Za-z0-9]{16,40}", accepted="the app key", folds=False)

FAMILY = (
    Platform(
        name="wechat-mini-program",
        accepted="an AppID such as wx0123456789abcdef",
        forms=(Form(name=WX_APP, gives="{}"), Form(name=WX_ORIGINAL, gives="{}")),
        kinds=("app",),
        usual=(
            "微信小程序|腾讯小程序|微信端小程序|微信小程式|wechat mini programme|wechat mini program"
            "|weixin mini program"
        ),
    ),
    Platform(
        name="alipay-mini-program",
        accepted="an AppID of digits",
        forms=(Form(name=MINI_NUMBER, gives="{}"),),
        kinds=("app",),
        usual="支付宝小程序|支付宝|支付宝端|支付宝app|alipay|alipay mini program",
    ),
    Platform(
        name="baidu-mini-program",
        accepted="an AppID of digits or the app key",
        forms=(Form(name=MINI_NUMBER, gives="{}"), Form(name=SMART_KEY, gives="{}")),
        kinds=("app",),
        usual="百度小程序|百度智能小程序|智能小程序|baidu smart program|baidu mini program",
    ),
    Platform(
        name="douyin-mini-program",
        accepted="an AppID such as tt0123456789abcdef",
        forms=(Form(name=Name(shape=r"tt[0-9a-f]{8,20}", accepted="tt and its id"), gives="{}"),),
        kinds=("app",),
        usual="抖音小程序",
    ),
    Platform(
        name="quick-app",
        accepted="the package name",
        forms=(Form(name=PACKAGE, gives="{}"),),
        kinds=("app",),
        usual="快应用|快应用华为|quick app",
    ),
)
