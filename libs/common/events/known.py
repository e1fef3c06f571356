"""Names that the services share without asking each other: platforms and rules, as events carry them.

The registry's tables decide what a platform is called, the monitor's packs which rules there are; tests hold both to
these lists. Who sets something up for a name that stands in none of them, and that no event has brought, has made a
slip.
"""

from libs.common.events import vocabularies

PLATFORMS = frozenset(
    {
        "alipay-mini-program",
        "android",
        "baidu-mini-program",
        "baijiahao",
        "bilibili",
        "dingtalk",
        "douyin",
        "douyin-mini-program",
        "facebook",
        "feishu",
        "flickr",
        "honor",
        "huawei",
        "instagram",
        "ios",
        "kuaishou",
        "linkedin",
        "mastodon",
        "netease",
        "oppo",
        "penguin",
        "peoples-daily",
        "qq",
        "quick-app",
        "reddit",
        "snapchat",
        "sohu",
        "thepaper",
        "tiktok",
        "toutiao",
        "vivo",
        "web",
        "wechat",
        "wechat-channels",
        "wechat-mini-program",
        "wecom",
        "weibo",
        "x",
        "xiaohongshu",
        "xigua",
        "xinhua",
        "xuexi",
        "youtube",
        "zhihu",
    }
)
RULES = frozenset(vocabularies.RULES.words)
