"""The same thing written differently is the same thing; two things never become one."""

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.registry.identity.canonical import KNOWN, UnreadableAddress, canonical
from services.registry.identity.slips import names_nothing

SAME = [
    [
        "https://twitter.com/CanBorder",
        "https://x.com/canborder/",
        "http://mobile.twitter.com/CanBorder?lang=fr",
        "@canborder",
        "https://twitter.com/@CanBorder",
        "https://twitter.com/#!/CanBorder",
        "X.com/CanBorder",
    ],
    [
        "https://www.facebook.com/GCIndigenous/",
        "https://facebook.com/gcindigenous?ref=hl",
        "https://m.facebook.com/GCIndigenous",
        "https://fb.com/gcindigenous",
        "https://fr-ca.facebook.com/pg/GCIndigenous/about/?ref=page_internal",
    ],
    [
        "https://www.facebook.com/pages/Public-Health/10860597051?fref=ts",
        "https://facebook.com/pages/Other/10860597051",
        "https://facebook.com/pages/category/Government-Organization/Public-Health-10860597051/",
        "https://facebook.com/people/Public-Health/10860597051/",
        "https://facebook.com/profile.php?id=10860597051",
    ],
    [
        "https://www.facebook.com/Ambassade-du-Canada-en-Norv%C3%A8ge-745106998847176/?fref=nf",
        "https://www.facebook.com/745106998847176",
    ],
    [
        "https://www.facebook.com/profile.php?id=100072520562001",
        "https://facebook.com/profile.php?id=100072520562001&ref=x",
    ],
    ["https://www.instagram.com/cafoperations/?hl=en", "https://instagram.com/CAFoperations"],
    ["https://www.youtube.com/user/rcmpnlsocial/featured?disable_polymer=1", "https://youtube.com/user/RCMPNLsocial"],
    [
        "https://youtube.com/@GardeC%C3%B4ti%C3%A8reCAN",
        "https://m.youtube.com/@gardecôtièrecan/featured",
        "https://youtube.com/@GardeCo\u0302tie\u0300reCAN",
    ],
    [
        "https://ca.linkedin.com/company/infrastructure-canada",
        "https://www.linkedin.com/company/Infrastructure-Canada/about",
    ],
    [
        "https://www.linkedin.com/showcase/34749469/admin/feed/posts/?feedType=following",
        "https://linkedin.com/showcase/34749469",
    ],
    ["https://www.flickr.com/photos/rideauhall/", "https://flickr.com/people/RideauHall"],
    [
        "https://www.snapchat.com/add/parks.canada",
        "http://snapchat.com/add/Parks.Canada",
        "https://www.snapchat.com/@parks.canada",
    ],
    ["https://www.reddit.com/user/GCPay_PayeGC/", "https://reddit.com/u/gcpay_payegc"],
    ["https://weibo.com/u/2656274875?is_all=1", "https://m.weibo.cn/u/2656274875", "https://weibo.com/2656274875"],
    ["https://weibo.com/n/%E6%88%90%E9%83%BD%E5%8F%91%E5%B8%83", "https://weibo.com/n/成都发布/"],
    [
        "https://space.bilibili.com/456664753?spm_id_from=333",
        "https://m.bilibili.com/space/456664753",
        "https://space.bilibili.com/456664753/dynamic",
        "https://m.bilibili.com/space/456664753/video/",
    ],
    [
        "https://www.zhihu.com/org/Abc",
        "https://zhihu.com/org/Abc/activities",
        "https://www.zhihu.com/org/Abc/posts?page=2",
    ],
    ["https://www.zhihu.com/people/abc/", "https://www.zhihu.com/people/abc/answers/by_votes"],
    [
        "https://www.store.example/#/app/C100",
        "https://store.example#/app/C100/",
        "https://store.example/?ref=x#/app/C100?from=qr#top",
        "store.example/#/app/%43100",
    ],
    ["https://a.example/h5#/show?id=7&from=qr", "https://a.example/h5/#/show/?id=7&utm_source=x"],
    ["https://a.example/h5", "https://a.example/h5#/", "https://a.example/h5#!/", "https://a.example/h5#/?ref=x"],
    ["https://a.example/h5#!/a/b", "https://a.example/h5/?from=qr#!/a//b/"],
    [
        "https://mp.weixin.qq.com/mp/profile_ext?action=home&__biz=MzA4NDI3NjcyNA==&scene=124",
        "https://mp.weixin.qq.com/mp/profile_ext?__biz=MzA4NDI3NjcyNA%3D%3D",
    ],
    ["https://www.douyin.com/user/MS4wLjABAAAA?from=web", "http://douyin.com/user/MS4wLjABAAAA/"],
    ["https://mastodon.example/@Gov?ref=1#y", "mastodon.example/@Gov/", "https://www.mastodon.example:443/@Gov/about"],
    ["http://xn--fiqs8s/x/Y/", "http://中国/x/Y"],
    ["https://weibo.com/n/%b1%b1%be%a9", "https://weibo.com/n/%B1%B1%BE%A9/"],
    [
        "https://a.example/show?id=%E5%8C%97%E4%BA%AC",
        "https://a.example/show?id=%B1%B1%BE%A9&a=%0D",
        "https://a.example/show?id=北京",
    ],
    ["https://www.a.example/show.aspx", "https://a.example/show.aspx?id=", "https://a.example/show.aspx?id=%0D"],
    ["https://www.a.example/show.aspx?id=7&from=qr", "https://a.example/show.aspx?utm_source=x&ID=7#top"],
]
DIFFERENT = [
    ("https://youtube.com/user/abc", "https://youtube.com/c/abc"),
    ("https://youtube.com/user/abc", "https://youtube.com/@abc"),
    ("https://youtube.com/channel/UCabcdefghijklmnopqrstuv", "https://youtube.com/channel/UCABCdefghijklmnopqrstuv"),
    ("https://linkedin.com/company/abc", "https://linkedin.com/showcase/abc"),
    ("https://linkedin.com/company/abc", "https://linkedin.com/in/abc"),
    ("https://x.com/abc", "https://instagram.com/abc"),
    ("https://facebook.com/profile.php?id=1", "https://facebook.com/profile.php?id=2"),
    ("https://facebook.com/abc", "https://facebook.com/groups/abc"),
    ("https://facebook.com/abc-12345", "https://facebook.com/12345"),  # too short to be a page's number
    ("https://reddit.com/r/abc", "https://reddit.com/user/abc"),
    ("https://weibo.com/u/111", "https://weibo.com/u/222"),
    ("https://www.douyin.com/user/MS4wLjAB", "https://www.douyin.com/user/MS4wLjAb"),
    ("https://www.kuaishou.com/profile/3x1", "https://www.kuaishou.com/profile/3x2"),
    ("https://www.toutiao.com/c/user/token/A/", "https://www.toutiao.com/c/user/token/B/"),
    ("https://mp.weixin.qq.com/mp/profile_ext?__biz=A", "https://mp.weixin.qq.com/mp/profile_ext?__biz=B"),
    ("https://a.example/show?id=%B1%B1%BE%A9", "https://a.example/show?id=%C9%CF%BA%A3"),  # GBK: 北京, 上海
    ("https://a.example/X", "https://a.example/x"),  # nobody knows whether that platform minds
    ("https://notx.com/abc", "https://x.com/abc"),
    ("https://x.com.example/abc", "https://x.com/abc"),
    ("https://a.example/a%2Fb", "https://a.example/a/b"),
    ("https://a.example/a%5Cb", "https://a.example/a/b"),
    ("https://store.example/#/app/C100", "https://store.example/#/app/C200"),
    ("https://a.example/#/show?id=1", "https://a.example/#/show?id=2"),
    ("https://a.example/#/show?id=1", "https://a.example/?id=1#/show"),
    ("https://a.example/#/show", "https://a.example/#!/show"),
    ("https://a.example/#/show", "https://a.example/show"),
    ("https://www.zhihu.com/org/abc", "https://www.zhihu.com/people/abc"),
    ("https://space.bilibili.com/123", "https://space.bilibili.com/124"),
    ("https://weibo.com/n/%B1%B1%BE%A9", "https://weibo.com/n/%B9%A4%B3%A7"),  # 北京 and 工厂 in GBK
    ("https://a.example/page?id=1", "https://a.example/page?id=2"),
    ("https://a.example/page?x=1", "https://a.example/page?x=2"),
    ("https://a.example/page?x=1", "https://a.example/page"),
    ("https://a.example/page?x=1&x=2", "https://a.example/page?x=2&x=1"),
    ("https://a.example/page?id=1", "https://a.example/page?ID=1"),  # but on .asp, where nobody minds
    ("https://a.example/page?a", "https://a.example/page?b"),
    ("https://a.example/x/about", "https://a.example/x"),
    ("https://a.example/%E2%84%A2", "https://a.example/TM"),  # names of known platforms alone are read in NFKC
    ("https://a.example:8080/x", "https://a.example/x"),
    ("https://weibo.com/p/1002061234567890", "https://weibo.com/u/1234567890"),  # whose page that is nobody confirmed
    ("https://www.youtube.com/@strasse", "https://www.youtube.com/@straße"),
    ("https://giessen.example/", "https://gießen.example/"),
    ("https://a.example/ς", "https://a.example/σ"),
]


@pytest.mark.parametrize("addresses", SAME, ids=lambda addresses: addresses[0])
def test_spellings_of_one_account_agree(addresses: list[str]) -> None:
    platform = canonical("account", "?", addresses[0]).platform
    assert len({canonical("account", platform, a).key for a in addresses}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_accounts_stay_different(one: str, other: str) -> None:
    assert canonical("account", "?", one).key != canonical("account", "?", other).key


def test_the_host_overrules_a_misnamed_platform_and_says_so() -> None:
    read = canonical("account", "Instagram", "https://www.flickr.com/photos/somebody")
    assert (read.platform, read.corrected) == ("flickr", True)
    for stated in ("Intagram", "instagram", " INSTAGRAM "):
        assert canonical("account", stated, "https://instagram.com/a").corrected is False


def test_a_blank_inside_an_address_is_pointed_out() -> None:
    read = canonical("account", "LinkedIn", "https://www.linkedin.com/company/equ ipe-impact-canada-team/")
    assert (read.identity, read.blank) == ("company/equ ipe-impact-canada-team", True)


@pytest.mark.parametrize(
    "address",
    [
        "https://x.com/",
        "x.com",
        "https://linkedin.com/company",
        "https://linkedin.com/feed/update/1",
        "  ",
        "",
        "https://flickr.com/photos",
        "https://x.com/hashtag/gov",
        "https://x.com/i/lists/1",
        "https://instagram.com/p/abc/",
        "https://facebook.com/events/123",
        "https://facebook.com/profile.php",
        "https://facebook.com/sharer.php?u=x",
        "https://facebook.com/groups/",
        "https://youtube.com/watch?v=abc",
        "https://youtube.com/channel/",
        "https://mp.weixin.qq.com/s/abcdef",
        "https:///nothing",
        "http://[::1/x",
        "https://x.com:99999/a",
        "https://x.com/a\0b",
        "https://x.com/%00",
        "https://x.com/a%1Fb",
        "\u200b",
        "https://a.example/show?id=a%01",
        "https://a.example/show?id=%FF%FF",
        "https://zhihu.com/zhihu.com",
        "https://v.douyin.com/abc/",
        "v.kuaishou.com/abc",
        "https://passport.weibo.com/visitor/x",
        "https://vm.tiktok.com/ZM1",
        "https://passport.weibo.cn/signin/login",
        "https://sso.douyin.com/a",
        "https://l.facebook.com/abc",
        "https://zhihu.com/org/",
        "https://zhihu.com/people",
        "https://m.bilibili.com/space/",
        "https://facebook.com/profile.php?id=%2F",
        "https://mp.weixin.qq.com/mp/profile_ext?__biz=%2F",
    ],
)
def test_an_address_without_an_account_is_refused_naming_the_field(address: str) -> None:
    with pytest.raises(UnreadableAddress) as refused:
        canonical("account", "X", address)
    assert refused.value.field == "address"
    assert refused.value.accepted
    assert refused.value.text.zh.isprintable()


@pytest.mark.parametrize("kind", ["account", "app", "group"])
@pytest.mark.parametrize(
    "address",
    [
        r"https://evil.example\@weibo.com/chengdufabu",
        r"https://evil.example\.weibo.com/chengdufabu",
        r"https:\\weibo.com\chengdufabu://",
        r"weibo.com/chengdufabu\@evil.example",
        r"https://a.example/b\c",
        "https://evil.example@weibo.com/chengdufabu",
        "https://weibo.com:443@evil.example/chengdufabu",
        "www.weibo.com@evil.example/chengdufabu",
        "https://@weibo.com/chengdufabu",
        "https://evil.example;@weibo.com/a",
        "https://evil.example .weibo.com/chengdufabu",
        "https://evil.example%2F.weibo.com/chengdufabu",
        "https://evil.example<.weibo.com/chengdufabu",
        "https://evil.example／.weibo.com/chengdufabu",
        "javascript://weibo.com/chengdufabu%0aalert(1)",
        "ftp://weibo.com/chengdufabu",
        "data://weibo.com/chengdufabu",
        "//weibo.com://x/chengdufabu",
    ],
)
def test_an_address_that_a_browser_would_open_elsewhere_is_refused(kind: str, address: str) -> None:
    with pytest.raises(UnreadableAddress) as refused:
        canonical(kind, "web", address)
    assert refused.value.field == "address"


@pytest.mark.parametrize(
    ("platform", "address", "identity"),
    [
        ("x", "@CanBorder", "canborder"),
        ("x", "x.com/@CanBorder", "canborder"),
        ("tiktok", "https://www.tiktok.com/@CanBorder?lang=fr", "canborder"),
        ("weibo", "@成都发布", "成都发布"),
        ("mastodon", "@Gov@mastodon.example", "@Gov@mastodon.example"),
        ("mastodon", "https://mastodon.example/@Gov@other.example", "mastodon.example/@Gov@other.example"),
        ("x", "HTTPS://X.com/CanBorder", "canborder"),
    ],
)
def test_an_at_sign_before_a_name_is_no_userinfo(platform: str, address: str, identity: str) -> None:
    assert canonical("account", platform, address).identity == identity


@pytest.mark.parametrize(
    ("kind", "platform", "address", "expected"),
    [
        ("app", "安卓", "cn.gov.Example", ("android", "cn.gov.Example")),
        ("app", "Google Play", "https://play.google.com/store/apps/details?id=cn.gov.A&hl=zh", ("android", "cn.gov.A")),
        ("app", "App Store", "https://apps.apple.com/cn/app/some-name/id123456?mt=8", ("ios", "id123456")),
        ("app", "安卓", "https://sj.qq.com/myapp/detail.htm?apkName=cn.gov.A&t=1", ("android", "cn.gov.A")),
        ("app", "华为应用市场", "https://appgallery.huawei.com/#/app/C100", ("huawei", "C100")),
        ("app", "微信小程序", "wx0123456789abcdef", ("wechat-mini-program", "wx0123456789abcdef")),
        ("app", "web", "HTTPS://App.Example.gov/Path/?x=1", ("web", "app.example.gov/Path?x=1")),
        ("group", "微信", "工作群  12", ("wechat", "工作群 12")),
        ("group", "qq", " 123456 ", ("qq", "123456")),
        ("group", "Facebook", "https://www.facebook.com/groups/Abc/?ref=x", ("facebook", "groups/abc")),
        ("account", "微信公众号", "gh_0123", ("wechat", "gh_0123")),
        ("account", "Parks", "parks.canada", ("parks", "parks.canada")),
    ],
)
def test_other_kinds_and_assets_without_address_keep_their_identifier(
    kind: str, platform: str, address: str, expected: tuple[str, str]
) -> None:
    assert canonical(kind, platform, address).key == expected


@pytest.mark.parametrize("kind", ["account", "app", "group"])
@pytest.mark.parametrize(
    "address", ["https://a.example/" + "政" * 400, "https://weibo.com/n/" + "政" * 400, "政" * 400]
)
def test_a_name_too_long_for_any_index_is_refused(kind: str, address: str) -> None:
    with pytest.raises(UnreadableAddress):
        canonical(kind, "weibo", address)


pieces = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(
    kind=st.sampled_from(["account", "app", "group"]),
    stated=st.sampled_from(
        [*sorted(KNOWN), "Intagram", "微博", "mastodon", "android", "ios", "website", "QQ群", "学习强国号", "nobody"]
    ),
    host=st.sampled_from(
        [
            "",
            "https://x.com/",
            "https://m.facebook.com/",
            "youtube.com/",
            "https://weibo.com/",
            "https://www.linkedin.com/company/",
            "https://some.example/",
            "https://douyin.com/",
            "https://www.facebook.com/profile.php",
            "https://mp.weixin.qq.com/mp/profile",
            "https://play.google.com/store/apps/details",
            "https://apps.apple.com/cn/app/",
            "@",
            "x.com/@",
            "\\",
            "https://some.example\\@weibo.com/",
            "https://some.example@weibo.com/",
            "weibo.com@some.example/",
            "ftp://weibo.com/",
            "https://some.example/%5C",
            "https://",
            "https://some.example/#/",
            "some.example/h5#!/",
            "https://some.example/?id=a#/",
            "https://v.douyin.com/",
            "space.bilibili.com/",
            "https://space.bilibili.com/12/",
            "zhihu.com/org/",
            "https://zhihu.com/",
            "https://m.bilibili.com/space/",
            "https://author.baidu.com/home",
            "https://jq.qq.com/",
            "https://appgallery.huawei.com/#/app/",
            "https://some.example:8080/",
            "xn--fiqs8s.example/",
            "ß.example/",
        ]
    ),
    path=st.lists(pieces, max_size=4),
    name=st.sampled_from(["id", "__biz", "username", "utm_source", "k", "context", "x[]", "ID"]),
    asked=st.one_of(st.just(""), pieces),
    encode=st.sampled_from(["", "utf-8", "gb18030"]),
)
def test_the_canonical_form_is_its_own_canonical_form(
    kind: str, stated: str, host: str, path: list[str], name: str, asked: str, encode: str
) -> None:
    text = "/".join(quote(piece, safe="", encoding=encode) if encode else piece for piece in path)
    if asked:
        text += f"?{name}=" + quote(asked, safe="", encoding=encode or "utf-8")
    try:
        first = canonical(kind, stated, host + text)
    except UnreadableAddress:
        return
    assume(not names_nothing(first.identity))  # an account may be called `none`, a cell that says so names nobody
    again = canonical(kind, first.platform, first.identity)
    # A group is called anything, so its page without a scheme is read as a name.
    read = first.identity if kind != "group" else unicodedata.normalize("NFKC", first.identity)
    assert again.key in (first.key, (first.platform, read))
    assert not again.corrected
