"""Names by the tables of the platforms: a fitting text is one name in every spelling, any other is refused."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import ada_url
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libs.common.events.intake import Kind
from services.registry.identity.canonical import UnreadableAddress, canonical
from services.registry.platforms.names import is_known_platform, platform_name
from services.registry.platforms.platform import Form, Platform
from services.registry.platforms.table import NETWORKS, STORES
from services.registry.verification import readings
from tests.kit.lists import read_list

ROOT = Path(__file__).parents[4]
LISTS = sorted((ROOT / "tests" / "data" / "names").glob("*.csv"))
REAL = sorted((ROOT / "examples" / "canada-register" / "data").glob("*.csv"))


def key(kind: Kind, platform: str, address: str) -> str:
    """What an address stands for, `refused` where it is refused as it has to be."""
    try:
        return "|".join(canonical(kind, platform, address).key)
    except UnreadableAddress as error:
        return "refused" if error.field == "address" and error.accepted else "refused without a reason"


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_each_row_of_a_list_is_the_thing_that_it_means_or_is_refused(file: Path) -> None:
    for row in rows_of(file):
        address, platform = row.get("url") or row["链接"], row.get("platform") or row["平台"]
        kind: Kind = "app" if row.get("kind") else "account"
        assert key(kind, platform, address) == row["expected"], address


@pytest.mark.parametrize("file", [*LISTS, *REAL], ids=lambda file: file.stem)
def test_every_list_gets_the_same_verdicts_twice(file: Path) -> None:
    def verdicts() -> list[tuple[Any, ...]]:
        rows = read_list(
            file.read_bytes(), source="s", on=date(2026, 1, 1), unit_scheme="name", now=datetime(2026, 1, 2, tzinfo=UTC)
        )
        return [(row.line, row.key, row.remark, row.twin_line, row.event is None) for row in rows]

    first = verdicts()
    assert first == verdicts()
    assert len(first) == len(rows_of(file))


@pytest.mark.parametrize(
    ("kind", "platform", "addresses", "expected"),
    [
        (
            "app",
            "App Store",
            [
                "https://apps.apple.com/cn/app/id777000111",
                "777000111",
                "ID777000111",
                "https://itunes.apple.com/WebObjects/MZStore.woa/wa/viewSoftware?id=777000111&mt=8",
                "https://geo.itunes.apple.com/app/id777000111",
                "https://apps.apple.com/app/x/id777000111?l=zh",
            ],
            "ios|id777000111",
        ),
        (
            "app",
            "华为应用市场",
            [
                "https://appgallery.huawei.com/app/C100200",
                "https://appgallery.huawei.com/#/app/C100200",
                "https://appgallery.cloud.huawei.com/ag/n/app/C100200?channelId=1",
                "c100200",
            ],
            "huawei|C100200",
        ),
        (
            "app",
            "应用宝",
            [
                "https://a.app.qq.com/o/simple.jsp?pkgname=com.gov.alpha",
                "com.gov.alpha",
                "https://sj.qq.com/appdetail/com.gov.alpha",
                "https://app.mi.com/details?id=com.gov.alpha&ref=search",
                "www.play.google.com/store/apps/details?id=com.gov.alpha",
            ],
            "android|com.gov.alpha",
        ),
        ("group", "QQ群", ["https://jq.qq.com/?_wv=1027&k=5aaaaaa", "https://qm.qq.com/q/5aaaaaa"], "qq|k/5aaaaaa"),
        (
            "account",
            "百家号",
            [
                "https://author.baidu.com/home?context=%7B%22app_id%22%3A%22111%22%7D",
                "https://author.baidu.com/home?context=%7B%22from%22%3A%22ugc%22%2C%22app_id%22%3A%22111%22%7D",
                "https://baijiahao.baidu.com/u?app_id=111",
            ],
            "baijiahao|111",
        ),
        ("account", "今日头条", ["https://profile.zjurl.cn/rogue/ugc/profile/?user_id=222"], "toutiao|profile/222"),
        (
            "account",
            "政务网站",
            ["https://www.a.example/show.aspx?type=1&amp;id=7", "a.example/show.aspx?ID=7&TYPE=1"],
            "web|a.example/show.aspx?id=7&type=1",
        ),
        (
            "account",
            "website",
            ["29palms.gov", "29PALMS.GOV", "29palms.gov.", "https://www.29palms.gov/", "29palms。gov"],
            "web|29palms.gov",
        ),
        (
            "account",
            "website",
            ["https://xn--gieen-nqa.example/", "https://gießen.example/", "GIEẞEN.example"],
            "web|gießen.example",
        ),
        (
            "account",
            "X",
            [
                "https://x.com/OneGov/../evil",
                "https://x.com/OneGov/%2e%2E/evil",
                "https:/x.com/evil",
                "https:x.com/evil",
                "https://x.com/ｅvil",
                "https://x.com/./evil/",
                "＠ｅｖｉｌ",
                "@evil\u200e",
                "\ufeffhttps://x.com/evil",
            ],
            "x|evil",
        ),
        (
            "account",
            "微博",
            [
                "https://weibo.com/u/1234567890/../9876543210",
                "https://weibo。com/u/9876543210",
                "９８７６５４３２１０",
                "https://weibo.com/p/1005059876543210",
            ],
            "weibo|9876543210",
        ),
        (
            "account",
            "微信",
            ["https://open.weixin.qq.com/qr/code?username=gh_evil&__biz=MzA4NDI3NjcyNA=="],
            "wechat|gh_evil",
        ),
        (
            "account",
            "Facebook",
            [
                "https://www.facebook.com/p/Town-of-One-100064111111111/",
                "100064111111111",
                "https://www.facebook.com/people/Town/100064111111111/",
            ],
            "facebook|100064111111111",
        ),
        ("account", "学习强国号", ["示例发布", "示例发布\u200b"], "xuexi|示例发布"),
        ("app", "微信小程序", ["wx0123456789abcdef", "WX0123456789ABCDEF"], "wechat-mini-program|wx0123456789abcdef"),
    ],
)
def test_what_is_one_thing_has_one_identity(kind: Kind, platform: str, addresses: list[str], expected: str) -> None:
    assert [key(kind, platform, address) for address in addresses] == [expected] * len(addresses)


@pytest.mark.parametrize(
    ("kind", "platform", "address"),
    [
        *[
            ("account", "Facebook", f"https://www.facebook.com/{asked}")
            for asked in (
                "profile.php?ID=1&id=2",
                "profile.php?id=1&id=2",
                "profile.php?ID=1",
                "profile.php?%69d=1&id=2",
                "profile.php?id=1&id[]=2",
                "profile.php?id=1&+id=2",
                "profile.php?id=1;id=2",
                "OneGov?story_fbid=1",
                "OneGov/posts/1",
                "groups/one/user/2",
                "pages/One",
                "1.00064E14",
                "a.php",
                "x.com",
            )
        ],
        *[
            ("app", "web", address)
            for address in (
                "https://play.google.com/store/search?q=evil&id=cn.gov.one",
                "https://play.google.com/store/apps/dev?id=57",
                "https://play.google.com/store/apps/details?id=a.b&id=c.d",
                "https://play.google.com/store/apps/details?ID=a.b",
                "https://apps.apple.com/cn/developer/gov/id777000111",
                "https://apps.apple.com/cn/app/a/id777000111/id777000112",
            )
        ],
        *[
            ("account", "X", address)
            for address in (
                "https://x.com/OneGov/status/1234567890",
                "https://pic.twitter.com/OneGov",
                "https://x.com/OneGov#!/evil",
                "https://x.com/One\u200bGov",
                "https://x.com/OneGov\u200b",
                "https://x.com/One%E2%80%8BGov",
                "https://x.com/OneG\u043ev",
                "https://www.x,com/a",
                "https://xcom/a",
                "https://x.com/a x.com/b",
                "htps://x.com/a",
                "://x.com/a",
                "//x.com/a",
                "https;//x.com/a",
                "https.//x.com/a",
                "https://x.com/i/user/1",
                "@a, @b",
                "@a/@b",
                "https://x.com/null",
                "https://t.co/abc",
                "https://x.com/\u202eabc",
                "https://x.com/%2e%2e%2fa",
                "http//x.com",
            )
        ],
        *[
            ("account", "微博", address)
            for address in (
                "暂无账号",
                "尚未开通",
                "见附件1-3",
                "详见附表2",
                "n.a.",
                "（无）",
                "010-12345678",
                "11510100MB1234567X",
                "2020/1/31",
                "a@b.gov.cn",
                "——",
                "English",
                "微博",
                "https://weibo.com/无",
                "https://weibo.com/1234567890/Nabc",
                "1.23E+09",
                "https://s.weibo.com/weibo?q=x",
                "https://weibo.com/p/100808abc",
                "https://weibo.com/u/１2x",
                "１，２３４，５６７",
                "https://weibo.comhttps//weibo.com/u/1",
                "https://weibo.com/u/1;https://weibo.com/u/2",
                "=HYPERLINK(1)",
            )
        ],
        ("account", "抖音", "https://www.douyin.com/user/MS4w?modal_id=7"),
        ("account", "TikTok", "https://www.tiktok.com/@onegov/video/7"),
        ("account", "Facebook", "https://business.facebook.com/OneGov"),
        ("account", "知乎", "https://www.zhihu.com/question/1"),
        ("account", "百家号", "https://baijiahao.baidu.com/s?id=123"),
        ("account", "视频号", "https://channels.weixin.qq.com/web/pages/feed?a=1"),
        ("account", "微信", "https://weixin.qq.com/r/abc"),
        ("account", "website", "市政府门户网站"),
        ("account", "website", "https://N/A"),
        ("account", "website", "https://a.example/?to=https://b.example/"),
        ("account", "website", "https://a.example/weibo.com/u/1"),
        ("account", "website", "https:a.example/x"),
        ("account", "某平台", "无"),
        ("account", "某平台", "https：//a.example/x"),
        ("group", "微信群", "同上"),
        ("group", "钉钉", "123456789.0"),
        ("app", "微信小程序", "示例通"),
    ],
)
def test_what_cannot_be_a_name_there_is_refused(kind: Kind, platform: str, address: str) -> None:
    assert key(kind, platform, address) == "refused"


@pytest.mark.parametrize(
    ("kind", "platform", "name"),
    [
        ("account", "微博", "无锡发布"),
        ("account", "微博", "未来网"),
        ("account", "X", "@english"),
        ("account", "头条号", "示例·发布"),
        ("group", "企业微信", "工作群 12"),
        ("group", "微信群", "是否群"),
        ("account", "mastodon", "@Gov@mastodon.example"),
    ],
)
def test_a_name_that_only_looks_like_none_is_taken(kind: Kind, platform: str, name: str) -> None:
    assert (
        key(kind, platform, name) == f"{platform_name(platform)}|{name.removeprefix('@') if platform == 'X' else name}"
    )


@pytest.mark.parametrize(
    ("names", "platform"),
    [
        ("微信 微信公众号 微信订阅号 微信服务号 公众号 订阅号 服务号 WeChat 微信（公众号） 微信群", "wechat"),
        ("视频号 微信视频号", "wechat-channels"),
        ("抖音 抖音号 抖音短视频 Douyin", "douyin"),
        ("快手 快手号", "kuaishou"),
        ("今日头条 头条号 今日头条号", "toutiao"),
        ("哔哩哔哩 B站 bilibili Ｂ站", "bilibili"),
        ("小红书", "xiaohongshu"),
        ("知乎", "zhihu"),
        ("微博 新浪微博 Weibo", "weibo"),
        ("学习强国 学习强国号", "xuexi"),
        ("人民号", "peoples-daily"),
        ("百家号", "baijiahao"),
        ("微信小程序", "wechat-mini-program"),
        ("支付宝小程序", "alipay-mini-program"),
        ("百度小程序", "baidu-mini-program"),
        ("应用宝 安卓 小米应用市场 Google_Play GooglePlay", "android"),
        ("华为应用市场", "huawei"),
        ("OPPO应用市场", "oppo"),
        ("vivo应用市场", "vivo"),
        ("AppStore 苹果", "ios"),
        ("QQ群", "qq"),
        ("企业微信", "wecom"),
        ("钉钉", "dingtalk"),
        ("X (Twitter)|Twitter (X)|Twitter/X|Ｘ|twitter / x|推特", "x"),
        ("网站 website 政务网站", "web"),
        ("Intagram INSTAGRAM", "instagram"),
        ("You Tube|YouTube", "youtube"),
    ],
)
def test_a_platform_has_one_name_whatever_lists_call_it(names: str, platform: str) -> None:
    for name in names.split("|" if "|" in names else " "):
        assert platform_name(name) == platform, name
        assert is_known_platform(name)


def test_an_unknown_name_is_not_a_platform() -> None:
    assert all(is_known_platform(platform.name) for platform in (*NETWORKS, *STORES))
    for name in ("North", "English", "", "?", "N/A", "某平台", "https://x.com"):
        assert not is_known_platform(name)


# A page's path with each of its parts filled in. Whatever stands in the address is percent-encoded.
def filled(platform: Platform, at: str, name: str) -> str:
    host = platform.domains[0] if not at.startswith("//") else ""
    return (
        f"https://{host}/{at}".replace("///", "//", 1)
        .replace("{}", quote(name, safe="@=-_."))
        .replace("*", "Some-Place")
        .replace("??", "cn")
        if host
        else f"https:{at}".replace("{}", quote(name, safe="@=-_."))
    )


PAGES = [(p, form, at) for p in (*NETWORKS, *STORES) for form in p.forms for at in form.at]
NOISE = st.sampled_from(["", "/", "//", "#top", "/./", "/x/..", "/x/%2E%2e/"])
TRACES = st.sampled_from(["hl=en", "utm_source=x", "spm=1", "from=qr", "_rdr"])


@st.composite
def named(draw: st.DrawFn) -> tuple[Platform, Form, str, str]:
    """A page of a platform and a name that fits there."""
    platform, form, at = draw(st.sampled_from(PAGES))
    name = draw(
        st.from_regex(form.name.shape, fullmatch=True, alphabet=st.characters(codec="utf-8")).filter(
            lambda text: form.name.read(text) is not None and text == " ".join(text.split()) and text not in (".", "..")
        )
    )
    return platform, form, at, name


def kind_of(platform: Platform) -> Kind:
    return platform.kinds[0]


@given(page=named(), noise=NOISE, trace=TRACES, upper=st.booleans(), wide=st.booleans(), where=st.data())
def test_whatever_is_one_account_by_the_table_has_one_id(
    page: tuple[Platform, Form, str, str], noise: str, trace: str, upper: bool, wide: bool, where: st.DataObject
) -> None:
    platform, form, at, name = page
    plain = key(kind_of(platform), platform.name, filled(platform, at, name))
    assume(plain == f"{platform.name}|{form.gives.format(form.name.read(name))}")  # no other form reads it first
    other = where.draw(st.sampled_from(form.at))
    typed = name.upper() if upper and form.name.folds else name
    typed = "".join(chr(ord(c) + 0xFEE0) if "0" <= c <= "z" and c.isalnum() else c for c in typed) if wide else typed
    assume(form.name.read(typed) == form.name.read(name))
    address = filled(platform, other, typed)
    address += f"&{trace}" if "?" in address else f"{noise.partition('#')[0]}?{trace}#top" if trace else noise
    reading = key(kind_of(platform), platform.name, address)
    assume(reading != "refused" or other == at)  # a name that is a word of the platform there
    assert reading == plain


@given(page=named(), other=st.data())
def test_two_names_on_a_platform_are_two_ids(page: tuple[Platform, Form, str, str], other: st.DataObject) -> None:
    platform, form, at, name = page
    another = other.draw(st.one_of(st.just(name + "1"), st.just(name.swapcase()), st.just("1" + name)))
    assume(form.name.read(another) != form.name.read(name))
    first, second = (key(kind_of(platform), platform.name, filled(platform, at, text)) for text in (name, another))
    assert first != second or first == "refused"


SEGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["..", ".", "%2e%2e", ".%2E", "a", "A", "OneGov", "u", "1234567890", "@x", "groups", "", "ß", "%20"]
        ),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=4),
    ),
    max_size=5,
)
HOSTS = st.sampled_from(
    [
        "x.com",
        "www.facebook.com",
        "weibo.com",
        "www.youtube.com",
        "a.example",
        "b.a.example",
        "x。com",
        "X.com.",
        "ß.example",
        "play.google.com",
        "weibo.cn",
        "pic.twitter.com",
    ]
)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "id", "ID", "x"]), st.sampled_from(["1", "2", "ß", "A"])), max_size=3
)


@given(host=HOSTS, path=SEGMENTS, asked_for=QUERIES, kind=st.sampled_from(["account", "app"]))
def test_what_a_browser_would_open_is_what_is_judged(
    host: str, path: list[str], asked_for: list[tuple[str, str]], kind: Kind
) -> None:
    address = f"https://{host}/{'/'.join(path)}"
    if asked_for:
        address += "?" + "&".join(f"{name}={quote(value)}" for name, value in asked_for)
    reading = key(kind, "website", address)
    try:
        opened = ada_url.URL(address).href
    except ValueError:
        assert reading == "refused"
        return
    assert reading in ("refused", key(kind, "website", opened))


def oracle(address: str) -> tuple[object, ...]:
    """Which page a browser opens on an unknown host, by its own parser and the standard library's reading."""
    parts = urlsplit(ada_url.URL(address).href)
    pieces = [unquote(piece) for piece in parts.path.split("/") if piece]
    asked_for = sorted(parse_qsl(parts.query), key=lambda pair: pair[0])
    return parts.hostname, parts.port, pieces, asked_for


@given(
    pages=st.tuples(
        *[st.tuples(st.sampled_from(["a.example", "b.example:8080", "ß.example", "ss.example"]), SEGMENTS, QUERIES)] * 2
    )
)
def test_two_pages_of_an_unknown_host_are_two_ids(
    pages: tuple[tuple[str, list[str], list[tuple[str, str]]], ...],
) -> None:
    addresses = [
        f"https://{host}/{'/'.join(map(quote, path))}?"
        + "&".join(f"{name}={quote(value)}" for name, value in asked_for)
        for host, path, asked_for in pages
    ]
    first, second = (key("account", "website", address) for address in addresses)
    if first != "refused" and first == second:
        one, other = map(oracle, addresses)
        normal = [str(page).replace(" ", "") for page in (one, other)]
        assert normal[0] == normal[1]


def test_what_is_asked_for_is_read_as_each_kind_that_it_may_be() -> None:
    reading, refused = readings.read_as("", "cn.gov.A")
    assert ("app", "android", "cn.gov.A") in [(kind, *meant.key) for kind, meant in reading]
    assert refused is None
    assert readings.read_as("", "https://x.com/OneGov/status/1")[1] is not None
    with pytest.raises(UnreadableAddress):
        readings.read_as("", "https://t.co/abc")
    page = canonical("account", "web", "https://gov.one/")
    assert "facebook" in readings.searched(page, "")[1], "a host is not a name of a platform"
    assert readings.searched(canonical("account", "web", "https://gov.one/x"), "") == (None, ())


def test_a_page_on_a_host_is_not_the_package_that_is_called_like_it() -> None:
    assert key("app", "安卓", "https://cn.gov.one/") != key("app", "安卓", "cn.gov.one")
    assert key("account", "学习强国号", "https://a.b/") != key("account", "学习强国号", "a.b")
