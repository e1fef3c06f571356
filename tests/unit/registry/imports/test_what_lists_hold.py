"""Real lists, by kinds: texts in place of a name, and words for platforms, columns and states."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from libs.common.errors import DomainError, Invalid
from libs.common.events.intake import Kind
from services.registry.identity.canonical import UnreadableAddress, canonical
from services.registry.lists.words import has_ended, kind_of, stated
from services.registry.platforms.names import is_known_platform, platform_name
from tests.kit.lists import read_list


def words(text: str) -> list[str]:
    return text.split()


NOTHING = [
    *words(
        "無 沒有 暫無 未认证 暂未申请 正在申请 申请中 办理中 筹备中 待建 保密 不公开 无固定网址 附件 见后 见下 "
        "上同 同第3行 无法提供 查不到 查无 已下线 deleted  "
        "closed missing pending nothing 扫码关注 微信搜索 搜索公众号 请扫码 点击链接 链接 网址 url link 账号名称 "
        "平台 请填写 此处填写 示例 备注 合计 共3个 序号 Totals TRUE  "
        "1 123 ninguno keine нет なし 該当なし N.A. n.a s.o. ××市 某某局 #BLOCKED! 1E14 -100064111111119 50% 0.5 "
        "正常 运行中 订阅号 2023年6月 "
    ),
    "not provided",
    "No website",
    "coming soon",
    "see below",
    "in progress",
    "1 234 567",
]
REAL = words(
    "无锡发布 无为市政府 未央发布 未名湖 不断前行 非遗中国 零陵发布 空港新城 同济大学 同城会 如东发布 "
    "参考消息 附小发布 正定发布 保密观 建湖发布 看看新闻 将乐县发布  "
    "待办事项 未检在线 不动产登记 无党派 免疫规划 略阳发布 缺牙发布"
)


def key(kind: Kind, platform: str, address: str) -> str:
    try:
        return "|".join(canonical(kind, platform, address).key)
    except UnreadableAddress:
        return "refused"


@pytest.mark.parametrize("text", NOTHING)
def test_what_names_nothing_is_nobody_on_any_platform(text: str) -> None:
    platforms = words("微博 微信 抖音 Facebook X 人民号 B站 快手 知乎 小红书 某平台 网站")
    assert {key("account", platform, text) for platform in platforms} == {"refused"}


@pytest.mark.parametrize(("text", "platform"), list(product(REAL, ("微博", "人民号"))))
def test_a_name_made_of_the_same_characters_is_a_name(text: str, platform: str) -> None:
    assert key("account", platform, text).endswith(f"|{text}")
    assert stated("name", text, needed=True) == text


@pytest.mark.parametrize(
    ("platform", "names"),
    [
        (
            "x",
            "X (formerly Twitter)|X, formerly Twitter|推特（X）|X（原推特）|X平台|Twitter account|twitter.com|Compte X",
        ),
        ("weibo", "新浪官方微博|微博平台|微博（新浪）|官微|微博客户端"),
        (
            "wechat",
            "订阅号（微信）|微信公众号（服务号）|微信公众号/订阅号|微信公眾號|微信平台|腾讯微信公众号|微信公众号平台",
        ),
        ("wechat-channels", "腾讯视频号|微信視頻號|微信-视频号|微信视频号平台"),
        ("douyin", "抖音平台|政务抖音|抖音帐号|抖音APP|抖音极速版|抖音官方账号"),
        ("bilibili", "哔哩哔哩bilibili|Bilibili B站|嗶哩嗶哩|bilibili.com"),
        ("xuexi", "“学习强国”学习平台|学习强国APP|学习强国客户端"),
        ("peoples-daily", "人民号（人民日报）|人民日报app|人民网人民号"),
        ("wechat-mini-program", "小程序（微信）|腾讯小程序|微信小程序平台"),
        ("ios", "App Store（苹果）|iPhone/iPad|苹果手机|iOS客户端"),
        ("android", "安卓版|腾讯应用市场|Play Store"),
        ("web", "官方网址|网站首页|homepage|政府官网"),
    ],
)
def test_more_of_what_lists_call_a_platform(platform: str, names: str) -> None:
    assert {name: platform_name(name) for name in names.split("|")} == dict.fromkeys(names.split("|"), platform)


@pytest.mark.parametrize(
    "name", ["微信公众号/视频号", "微博、微信", "iOS/Android", "微博（含腾讯）", "某平台", "政务APP", "腾讯视频"]
)
def test_two_platforms_in_one_name_or_none_are_no_platform(name: str) -> None:
    assert not is_known_platform(name)


@pytest.mark.parametrize(
    "address",
    [
        *(f"https://www.facebook.com/{page}" for page in ("n/?gov", "me", "live", "recover", "saved", "fundraisers")),
        *(f"https://x.com/{page}" for page in ("who_to_follow", "followers", "media", "grok", "bookmarks")),
        *(f"https://www.youtube.com/{page}" for page in ("upload", "news", "videos", "subscription_center?add_user=x")),
        *(f"https://www.instagram.com/{page}" for page in ("api", "your_activity", "create", "gov.")),
        *(f"https://weibo.com/{page}" for page in ("fav", "messages", "fans")),
        "https://www.tiktok.com/upload",
        "https://www.douyin.com/user/self",
        "https://www.zhihu.com/people/self",
        "https://www.linkedin.com/in/me",
        "https://www.linkedin.com/company/unavailable",
        "https://www.flickr.com/photos/me",
        "https://www.facebook.com/gov.",
        "https://www.facebook.com/0100064111111119",
        "https://v.m.chenzhongtech.com/fw/photo/3x",
        "https://www.sohu.com/a/1_2",
        "https://www.163.com/dy/article/A.html",
        "https://new.qq.com/rain/a/1",
        "https://www.thepaper.cn/newsDetail_forward_1",
        "https://www.ixigua.com/7123",
        "http://a.gov.cn、b.gov.cn",
        "javascript:x.com/a",
        "mailto:a@x.com",
        "https://wxaurl.cn/abc",
        "https://reurl.cc/a",
        "https://www.baidu.com/link?url=abc",
        "https://www.google.com/url?q=x",
        "https://x-com.translate.goog/a",
        "https://nam02.safelinks.protection.outlook.com/?url=a",
        "https://go.usa.gov/abc",
    ],
)
def test_pages_that_are_nobodys_are_refused_whatever_the_list_says(address: str) -> None:
    assert {key("account", platform, address) for platform in ("X", "微博", "网站", "某平台")} == {"refused"}


@pytest.mark.parametrize(
    ("kind", "platform", "address", "expected"),
    [
        (
            "group",
            "钉钉群",
            "https://qr.dingtalk.com/action/joingroup?code=v1,k1,AbC=&origin=11",
            "dingtalk|join/v1,k1,AbC=",
        ),
        (
            "account",
            "百家号",
            "https://author.baidu.com/home?from=bjh_article&app_id=1681307856424533",
            "baijiahao|1681307856424533",
        ),
        (
            "account",
            "百家号",
            "https://author.baidu.com/home?context=%7B%22from%22%3A0%2C%22uk%22%3A%22Ab%22%7D",
            "baijiahao|uk/Ab",
        ),
        ("account", "搜狐号", "https://mp.sohu.com/profile?xpt=abc&spm=1", "sohu|profile/abc"),
        ("account", "网易号", "https://www.163.com/dy/media/T1603594732083.html", "netease|dy/media/T1603594732083"),
        ("account", "企鹅号", "https://new.qq.com/omn/author/5075650", "penguin|author/5075650"),
        ("account", "澎湃", "https://www.thepaper.cn/gov_89605", "thepaper|gov_89605"),
        ("account", "人民号", "“学习强国”湖南", "peoples-daily|“学习强国”湖南"),
        ("app", "华为", "https://appgallery.huawei.com/app/detail?id=cn.gov.one&channelId=S", "huawei|cn.gov.one"),
        ("app", "安卓", "https://play.google.com/store/apps/details/Gov_One?id=cn.gov.one", "android|cn.gov.one"),
        ("app", "小米", "https://m.app.mi.com/details?id=cn.gov.one", "android|cn.gov.one"),
        (
            "account",
            "Facebook",
            "https://free.facebook.com/townofone/about_contact_and_basic_info",
            "facebook|townofone",
        ),
        ("account", "Facebook", "https://www.facebook.com/p/100064111111111/", "facebook|100064111111111"),
        ("account", "Facebook", "https://www.facebook.com/groups/town/members", "facebook|groups/town"),
        ("account", "X", "https://x.com/OneGov/header_photo", "x|onegov"),
        ("account", "网站", "https://a.example/?a=1&amp;amp;b=2", "web|a.example/?a=1&b=2"),
    ],
)
def test_more_pages_that_name_a_thing(kind: Kind, platform: str, address: str, expected: str) -> None:
    assert key(kind, platform, address) == expected
    assert key(kind, platform, expected.partition("|")[2]) == expected or platform == "网站"


def test_a_page_on_another_host_of_a_platform_is_not_taken_for_the_one_there() -> None:
    hosts = ("www.kuaishou.com", "live.kuaishou.com")
    assert len({key("account", "快手", f"https://{host}/profile/3xabc") for host in hosts}) == len(hosts)


ENDED = [
    *words(
        "2023年6月已注销 于2023年注销 该账号已注销 已注销账号 注销完成 已完成注销 已停止运营 停止服务 不再使用 "
        "已封号 永久关闭 已清退 已销号 已停服 已被注销 已注銷 "
    ),
    "account closed",
    "permanently closed",
    "has been deleted",
    "no longer in use",
    "closed 2021",
]
RUNNING = words("正在使用 正常使用中 运行良好 运行状态良好 继续保留 稳定运行 上线试运行 開通 存续 OK")
BETWEEN = [
    *words(
        "注销（拟） 关停（进行中） 正常（拟注销） 正常（已注销） 在用（待关停） 已注销（已恢复） 非正常 不正常 "
        "未运行 未使用 已申请注销 需注销 已停更 暂停使用 拟保留 已注销又恢复  "
        "已合并 整改中 冻结 休眠"
    ),
    "not closed",
    "to be closed",
    "not active",
]


@pytest.mark.parametrize(("text", "ended"), [*((t, True) for t in ENDED), *((t, False) for t in RUNNING)])
def test_a_state_is_read_however_it_is_put(text: str, ended: bool) -> None:
    assert has_ended(text) is ended


@pytest.mark.parametrize("text", BETWEEN)
def test_a_state_that_brackets_or_words_leave_open_is_taken_for_neither(text: str) -> None:
    with pytest.raises(Invalid):
        has_ended(text)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("app", "移动端APP iOS应用 安卓应用 手机客户端 政务小程序 应用软件"),
        ("account", "新媒体账号 微博账号 快手号 今日头条 小红书 微信订阅号 短视频 賬號"),
        ("group", "聊天群 群聊 工作微信群 政务工作群 飞书群 群組"),
    ],
)
def test_a_kind_is_read_however_it_is_put(kind: Kind, words: str) -> None:
    assert {kind_of(word, "") for word in words.split()} == {kind}


def test_the_platform_says_the_kind_also_in_brackets_or_by_its_table() -> None:
    said = {
        "微信（群）": "group",
        "QQ群聊": "group",
        "小程序（微信）": "app",
        "华为": "app",
        "支付宝": "app",
        "微信": "account",
    }
    assert {platform: kind_of("", platform) for platform in said} == said


@pytest.mark.parametrize(
    ("field", "text"), list(product(("name", "unit"), words("同前 见附件1 暂缺 不详 合计 总计：12 共3个 未填写")))
)
def test_a_cell_of_a_sum_or_of_nothing_is_no_name_and_no_unit(field: str, text: str) -> None:
    with pytest.raises(Invalid):
        stated(field, text, needed=True)


@pytest.mark.parametrize("text", ["#####", "#BLOCKED!", "仝上", "同第3行", "与上一行相同"])
def test_what_is_lost_or_stands_elsewhere_is_not_taken_for_not_stated(text: str) -> None:
    for field in ("opened_on", "code", "language"):
        with pytest.raises(Invalid):
            stated(field, text, needed=False)


def verdict(header: str, row: str) -> str:
    try:
        rows = read_list(
            f"{header}\n{row}\n".encode(),
            source="s",
            on=date(2026, 1, 1),
            unit_scheme="name",
            now=datetime(2026, 1, 2, tzinfo=UTC),
        )
        (only,) = list(rows)
    except DomainError as error:
        return str(error.field)
    return "ended" if only.ended else "taken" if only.event else str(only.remark and only.remark.field)


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("运营状态", "已注销", "ended"),
        ("现状", "已关停", "ended"),
        ("账号现状", "正常", "taken"),
        ("是否注销", "是", "ended"),
        ("是否注销", "否", "taken"),
        ("是否在用", "是", "taken"),
        ("是否在用", "否", "running"),
        ("账号狀態", "已注销", "ended"),
        ("state", "California", "taken"),
        ("统一信用代码", "毕节市公安局", "code"),
        ("信用代码", "无", "taken"),
    ],
)
def test_a_column_under_another_of_its_names_is_read(title: str, text: str, expected: str) -> None:
    head, row = "账号名称,平台,主办单位,链接", "甲,微博,某局,https://weibo.com/u/1234567890"
    assert verdict(f"{head},{title}", f"{row},{text}") == expected


@pytest.mark.parametrize(
    "head",
    [
        "账号昵称,发布渠道,运营单位,账号ID",
        "賬號名稱,平臺,主辦單位,鏈接",
        "Account Name,Social Network,Agency,Link",
        "群名,群平台,建群单位,链接网址",
    ],
)
def test_other_names_of_the_needed_columns_are_read(head: str) -> None:
    assert verdict(head, "甲,微博,某局,https://weibo.com/u/1234567890") == "taken"


def test_another_name_of_a_column_counts_only_where_the_first_is_missing() -> None:
    row = "甲,微博,某局,https://weibo.com/u/1234567890"
    assert verdict("账号名称,平台,主办单位,链接,账号ID", f"{row},无") == "taken"
    assert verdict("账号名称,平台,主办单位,账号ID,主页链接", f"{row},gov") == "header"
