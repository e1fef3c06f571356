"""What lists and circulars call each platform, in Chinese, English and French: many names, one platform. Pure."""

import re
import unicodedata

from services.registry.platforms.networks import NETWORKS
from services.registry.platforms.platform import Platform, lowered, simple
from services.registry.platforms.stores import STORES

WEB = "web"
TABLE: dict[str, Platform] = {platform.name: platform for platform in (*NETWORKS, *STORES)}
# Blanks and signs between the words of a name are read over: `X (Twitter)`, `微信(公众号)`, `You Tube`.
USUAL = {
    "x": "twitter|推特x|x推特|twitter/x|x/twitter|x.com|推特",
    "facebook": "fb|facebook page|facebook group|meta facebook|脸谱网|面书|脸书|脸谱",
    "instagram": "intagram|instragram|insta|ig|ins|照片墙",
    "youtube": "油管|yt",
    "linkedin": "领英|领英中国",
    "tiktok": "tik tok",
    "weibo": "微博|新浪微博|sina weibo|weibo sina|政务微博|官方微博|微博号|新浪政务微博|微博账号|官微|微博客"
    "|新浪|新浪网微博|微博客户端",
    "wechat": "微信|微信公众号|公众号|微信订阅号|订阅号|微信服务号|服务号|微信公众平台|微信公众账号|微信公众帐号"
    "|微信公号|政务微信|官方微信|微信号|政务微信公众号|公众平台|微信群|微信工作群|weixin"
    "|微信公众|微信官方公众号|微信企业号|微信群聊|微信群组|wechat oa|wechat public account|wechat subscription account"
    "|wechat service account|wechat official account|we chat",
    "wechat-channels": "视频号|微信视频号|视频号微信|微信短视频|wechat channels|wechat channel|weixin channels",
    "wecom": "企业微信|企微|企业微信群|企业微信工作群|wework|wechat work",
    "qq": "qq群|qq工作群|腾讯qq|腾讯qq群|qq号|qq群聊|qq群组|qq group",
    "dingtalk": "钉钉|钉钉群|钉钉工作群|ding talk|浙政钉|专有钉钉|钉钉工作群组",
    "feishu": "飞书|飞书群|lark",
    "douyin": "抖音|抖音蓝v|抖音火山版|抖音号|抖音短视频|抖音政务号|抖音账号|政务抖音号",
    "toutiao": "今日头条|头条号|今日头条号|头条|头条新闻|今日头条政务号|头条政务号|政务头条号|jinri toutiao",
    "bilibili": "哔哩哔哩|b站|哔哩哔哩弹幕网|哔哩哔哩号|哔哩哔哩b站|b站哔哩哔哩|bilibili哔哩哔哩"
    "|哔哩哔哩bilibili|bilibilib站|哔站|哔哩哔哩视频",
    "kuaishou": "快手|快手号|快手短视频|快手政务号|政务快手号|kwai",
    "zhihu": "知乎|知乎号|知乎机构号|知乎专栏",
    "xiaohongshu": "小红书|小红书号|rednote|red|little red book",
    "baijiahao": "百家号|百度号|百度动态|百度app百家号|百度百家号|百度百家",
    "penguin": "企鹅号|腾讯新闻|腾讯新闻企鹅号|腾讯号|企鹅媒体平台|腾讯内容开放平台|天天快报|企鹅",
    "netease": "网易号|网易|网易媒体|网易号媒体|网易新闻网易号|网易新闻|网易政务号",
    "sohu": "搜狐号|搜狐|搜狐公众平台|搜狐媒体平台|搜狐新闻|搜狐政务号",
    "thepaper": "澎湃号|澎湃新闻|澎湃政务|澎湃问政|澎湃",
    "xinhua": "新华号|新华社新华号|新华社现场云|新华社现场新闻|新华社|新华社客户端|新华网|现场云",
    "xigua": "西瓜视频|西瓜|西瓜号",
    "xuexi": "学习强国|学习强国号|强国号|学习强国平台|学习强国融媒号|学习强国强国号",
    "peoples-daily": "人民号|人民日报人民号|人民日报客户端|人民日报号|人民日报客户端人民号|人民网人民号"
    "|人民日报|人民日报政务号",
    "android": "安卓|安卓app|安卓应用|安卓客户端|google play|google play store|谷歌应用商店|谷歌商店|应用宝|腾讯应用宝"
    "|谷歌市场|谷歌play|play store|腾讯应用市场|安卓系统|安卓手机|安卓版|安卓端|安卓应用市场|android系统"
    "|小米商店|小米应用|小米应用商城"
    "|miui应用商店|getapps|mi getapps|小米|小米应用市场|小米应用商店|android app",
    "ios": "苹果|app store|苹果应用商店|苹果app store|苹果app|苹果商店|苹果客户端|apple app store|apple|itunes"
    "|iphone|ipad|ios系统|苹果系统|苹果手机|苹果版|苹果端|苹果应用市场|ios客户端|ios app|app商店|apple store"
    "|应用商店苹果",
    "huawei": "华为|华为应用市场|华为应用商店|appgallery|huawei appgallery|鸿蒙应用市场|鸿蒙|鸿蒙系统|鸿蒙应用"
    "|鸿蒙版|harmonyos|hms|华为市场|华为应用|华为手机|华为应用商城|华为appgallery",
    "oppo": "oppo应用市场|oppo软件商店|oppo应用商店|oppo应用|oppo手机|oppo软件市场|欢太软件商店|oppo app market",
    "vivo": "vivo应用市场|vivo应用商店|vivo软件商店|vivo应用|vivo app store",
    "honor": "荣耀|荣耀应用市场|荣耀应用商店|honor app market",
    "wechat-mini-program": "微信小程序|腾讯小程序|微信端小程序|微信小程式|wechat mini programme"
    "|wechat mini program|weixin mini program",
    "alipay-mini-program": "支付宝小程序|支付宝|支付宝端|支付宝app|alipay|alipay mini program",
    "baidu-mini-program": "百度小程序|百度智能小程序|智能小程序|baidu smart program|baidu mini program",
    "douyin-mini-program": "抖音小程序",
    "quick-app": "快应用|快应用华为|quick app",
    # Known, though a server of it may stand on any host.
    "mastodon": "fediverse|长毛象",
    WEB: "网页|网址|网站地址|网站首页|官方网址|单位网站|政府门户|政府官网|官方网站pc|pc端|web端|h5"
    "|www|homepage|website|web site|webpage"
    "|网站|官网|官方网站|门户网站|政府网站|政务网站|政府门户网站|site web|site internet",
}


def _key(text: str) -> str:
    return "".join(char for char in simple(text) if char.isalnum())


_NAMES = {_key(name): name for name in TABLE} | {
    _key(name): platform for platform, known in USUAL.items() for name in (platform, *known.split("|"))
}


# What people put before and behind a platform's name without another one being meant.
_BEFORE = re.compile(
    r"^(?:政务|官方|新浪|腾讯|字节跳动|阿里巴巴?|百度|原名?|前|即|平台|formerly|anciennement|compte|chaine"
    r"|chaîne|page|page sur|official)"
)
_BEHIND = re.compile(
    r"(?:官方账号|官方帐号|政务账号|政务号|企业号|机构号|学习平台|新媒体平台|平台|客户端|频道|主页|专页|公共主页|账号|帐号|账户|官方号|官网|短视频|极速版|群组|工作群组|工作群"
    r"|app|officialaccount|accounts?|pages?|channels?|profiles?|handles?|platform|corp|inc|com|号|网|版|端)$"
)
_PARTS = re.compile(r"[()/、,,;|+&\-—:]|\bor\b|或")
_MOST_PARTS = 4


def _known(text: str) -> str | None:
    """The platform that a name means, also in brackets, in another order, or with words around it that add nothing."""
    key = _key(text)
    if key in _NAMES or not key or len(key) > _LONGEST:
        return _NAMES.get(key)
    parts = [part for part in map(_key, _PARTS.split(unicodedata.normalize("NFKC", text))) if part]
    if 1 < len(parts) <= _MOST_PARTS:
        turned = _NAMES.get("".join(reversed(parts)))
        meant = {turned} if turned else {_bare(part) for part in parts}
        return meant.pop() if len(meant) == 1 else None
    return _bare(key)


def _bare(key: str) -> str | None:
    """The platform of a name without the words around it; None where what is left is none, or two."""
    for _ in range(_MOST_PARTS):
        if key in _NAMES:
            return _NAMES[key]
        if (behind := _NAMES.get(_BEFORE.sub("", key))) is not None:
            return behind
        less = _BEHIND.sub("", key)
        if less == key:
            less = _BEFORE.sub("", key)
        if less in ("", key):
            return None
        key = less
    return _NAMES.get(key)


_LONGEST = 40  # of a name that is taken apart


def platform_name(text: str) -> str:
    """A platform's one name; a name that nobody knows is kept, in small letters and NFKC."""
    kept = lowered(" ".join(unicodedata.normalize("NFKC", text).split()))
    return _known(text) or kept


def is_known_platform(name: str) -> bool:
    """Whether a platform is known under this name: what else is a slip, or a platform to be looked at."""
    return _known(name) is not None


def is_usual_name(text: str) -> bool:
    """Whether this is what a platform is called, and so hardly anybody's name on it."""
    return (len(text) > 2 or not text.isascii()) and _known(text) is not None
