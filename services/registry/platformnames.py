"""What lists and circulars call each platform, in Chinese, English and French: many names, one platform. Pure."""

import unicodedata

from services.registry.networks import NETWORKS
from services.registry.platforms import Platform, lowered
from services.registry.stores import STORES

WEB = "web"
TABLE: dict[str, Platform] = {platform.name: platform for platform in (*NETWORKS, *STORES)}
# Blanks and signs between the words of a name are read over: `X (Twitter)`, `微信(公众号)`, `You Tube`.
USUAL = {
    "x": "twitter|twitter/x|x/twitter|x.com|推特",
    "facebook": "fb|facebook page|脸书|脸谱",
    "instagram": "intagram|instragram|insta|照片墙",
    "youtube": "油管",
    "linkedin": "领英",
    "tiktok": "tik tok",
    "weibo": "微博|新浪微博|sina weibo|weibo sina|政务微博|官方微博|微博号|新浪政务微博|微博账号",
    "wechat": "微信|微信公众号|公众号|微信订阅号|订阅号|微信服务号|服务号|微信公众平台|微信公众账号|微信公众帐号"
    "|微信公号|政务微信|官方微信|微信号|政务微信公众号|公众平台|微信群|微信工作群|weixin"
    "|wechat official account|we chat",
    "wechat-channels": "视频号|微信视频号|视频号微信|wechat channels",
    "wecom": "企业微信|企微|企业微信群|wework|wechat work",
    "qq": "qq群|qq工作群|腾讯qq|腾讯qq群|qq号|qq group",
    "dingtalk": "钉钉|钉钉群|钉钉工作群|ding talk|浙政钉|专有钉钉",
    "feishu": "飞书|飞书群|lark",
    "douyin": "抖音|抖音号|抖音短视频|抖音政务号|抖音账号|政务抖音号",
    "toutiao": "今日头条|头条号|今日头条号|头条|今日头条政务号|头条政务号|政务头条号",
    "bilibili": "哔哩哔哩|b站|哔哩哔哩弹幕网|哔哩哔哩号|哔哩哔哩b站|b站哔哩哔哩",
    "kuaishou": "快手|快手号|快手短视频|快手政务号|政务快手号",
    "zhihu": "知乎|知乎号|知乎机构号",
    "xiaohongshu": "小红书|小红书号|rednote",
    "baijiahao": "百家号|百度百家号|百度百家",
    "penguin": "企鹅号|腾讯新闻|腾讯新闻企鹅号|腾讯号",
    "netease": "网易号|网易新闻|网易政务号",
    "sohu": "搜狐号|搜狐新闻|搜狐政务号",
    "thepaper": "澎湃号|澎湃新闻|澎湃政务|澎湃问政|澎湃",
    "xinhua": "新华号|新华社|新华社客户端|新华网|现场云",
    "xigua": "西瓜视频|西瓜号",
    "xuexi": "学习强国|学习强国号|强国号|学习强国平台",
    "peoples-daily": "人民号|人民日报人民号|人民日报客户端|人民日报号|人民日报客户端人民号",
    "android": "安卓|安卓app|安卓应用|安卓客户端|google play|google play store|谷歌应用商店|谷歌商店|应用宝|腾讯应用宝"
    "|小米|小米应用市场|小米应用商店|android app",
    "ios": "苹果|app store|苹果应用商店|苹果app store|苹果app|苹果商店|苹果客户端|apple app store|apple|itunes|iphone",
    "huawei": "华为|华为应用市场|华为应用商店|appgallery|huawei appgallery|鸿蒙应用市场",
    "oppo": "oppo应用市场|oppo软件商店|oppo应用商店|oppo app market",
    "vivo": "vivo应用市场|vivo应用商店|vivo app store",
    "honor": "荣耀|荣耀应用市场|荣耀应用商店",
    "wechat-mini-program": "微信小程序|wechat mini program|weixin mini program",
    "alipay-mini-program": "支付宝小程序|支付宝|alipay|alipay mini program",
    "baidu-mini-program": "百度小程序|百度智能小程序|智能小程序|baidu smart program|baidu mini program",
    "douyin-mini-program": "抖音小程序",
    "quick-app": "快应用|quick app",
    # Known, though a server of it may stand on any host.
    "mastodon": "fediverse|长毛象",
    WEB: "website|web site|webpage|网站|官网|官方网站|门户网站|政府网站|政务网站|政府门户网站|site web|site internet",
}


def _key(text: str) -> str:
    return "".join(char for char in lowered(unicodedata.normalize("NFKC", text)) if char.isalnum())


_NAMES = {_key(name): name for name in TABLE} | {
    _key(name): platform for platform, known in USUAL.items() for name in (platform, *known.split("|"))
}


def platform_name(text: str) -> str:
    """A platform's one name; a name that nobody knows is kept, in small letters and NFKC."""
    kept = lowered(" ".join(unicodedata.normalize("NFKC", text).split()))
    return _NAMES.get(_key(text), kept)


def is_known_platform(name: str) -> bool:
    """Whether a platform is known under this name: what else is a slip, or a platform to be looked at."""
    return _key(name) in _NAMES


def is_usual_name(text: str) -> bool:
    """Whether this is what a platform is called, and so hardly anybody's name on it."""
    return (len(text) > 2 or not text.isascii()) and _key(text) in _NAMES
