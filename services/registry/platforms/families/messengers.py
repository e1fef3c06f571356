"""The Chinese messengers: their public accounts and their groups. Pure."""

from services.registry.platforms.platform import Form, Name, Platform, words
from services.registry.platforms.shapes import ROUTES, shown

WECHAT_ID = Name(
    shape=r"[A-Za-z][A-Za-z0-9_\-]{5,19}",
    accepted="a WeChat id: 6 to 20 of A-Z, a-z, 0-9, _ and -, a letter first",
    folds=False,
)
BIZ = Name(shape=r"[A-Za-z0-9_=-]{1,64}", accepted="the __biz of its page", folds=False)
QQ_NUMBER = Name(shape=r"[1-9][0-9]{4,11}", accepted="5 to 12 digits", folds=False)
DING_CODE = Name(shape=r"[A-Za-z0-9,+/=_\- ]{5,300}", accepted="the code of an invitation", folds=False)
QQ_KEY = Name(shape=r"[A-Za-z0-9_\-]{5,100}", accepted="the key of an invitation", folds=False)

FAMILY = (
    Platform(
        name="wechat",
        accepted="a WeChat id of 6 to 20 of A-Z, a-z, 0-9, _ and -, or the address of its profile with __biz",
        forms=(
            Form(
                name=BIZ,
                gives="biz/{}",
                at=("//mp.weixin.qq.com/mp/profile_ext?__biz={}", "//mp.weixin.qq.com/mp/getmasssendmsg?__biz={}"),
            ),
            Form(name=WECHAT_ID, gives="{}", at=("//open.weixin.qq.com/qr/code?username={}",), text=("@{}",)),
        ),
        kinds=("account", "group"),
        domains=("weixin.qq.com",),
        subs=words("mp open"),
        routes=ROUTES,
        usual=(
            "微信|微信公众号|公众号|微信订阅号|订阅号|微信服务号|服务号|微信公众平台|微信公众账号"
            "|微信公众帐号|微信公号|政务微信|官方微信|微信号|政务微信公众号|公众平台|微信群|微信工作群"
            "|weixin|微信公众|微信官方公众号|微信企业号|微信群聊|微信群组|wechat oa"
            "|wechat public account|wechat subscription account|wechat service account"
            "|wechat official account|we chat"
        ),
    ),
    Platform(
        name="wechat-channels",
        accepted="its name as WeChat shows it",
        forms=(Form(name=shown(30), gives="{}", at=(), text=("@{}",)),),
        domains=("channels.weixin.qq.com",),
        usual="视频号|微信视频号|视频号微信|微信短视频|wechat channels|wechat channel|weixin channels",
    ),
    Platform(
        name="wecom",
        accepted="the group's name",
        kinds=("account", "group"),
        domains=("work.weixin.qq.com",),
        free=True,
        usual="企业微信|企微|企业微信群|企业微信工作群|wework|wechat work",
    ),
    Platform(
        name="qq",
        accepted="a number of 5 to 12 digits, or the address of an invitation",
        forms=(
            Form(name=QQ_NUMBER, gives="{}"),
            Form(
                name=QQ_KEY,
                gives="k/{}",
                at=(
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
        usual="qq群|qq工作群|腾讯qq|腾讯qq群|qq号|qq群聊|qq群组|qq group",
    ),
    Platform(
        name="dingtalk",
        accepted="the group's number or name, or its invitation",
        forms=(Form(name=DING_CODE, gives="join/{}", at=("//qr.dingtalk.com/action/joingroup?code={}",)),),
        kinds=("group", "account"),
        domains=("dingtalk.com",),
        subs=words("www qr h5 t m") | {""},
        free=True,
        usual="钉钉|钉钉群|钉钉工作群|ding talk|浙政钉|专有钉钉|钉钉工作群组",
    ),
    Platform(
        name="feishu",
        accepted="the group's number or name",
        kinds=("group", "account"),
        domains=("feishu.cn", "larksuite.com"),
        subs=words("www applink m") | {""},
        free=True,
        usual="飞书|飞书群|lark",
    ),
)
