"""The public question whether an address is official, asked of pages that are somebody else's."""

from pathlib import Path

import httpx
import pytest

from tests.integration.registry.conftest import HEAD, Registry, bearer, declared

# The record, the question, and the answer; None is a refusal of the address.
ACCOUNTS = [
    ("X", "https://x.com/OneGov"),
    ("Facebook", "https://www.facebook.com/OneGov"),
    ("Instagram", "https://instagram.com/OneGov"),
    ("TikTok", "https://www.tiktok.com/@onegov"),
    ("微博", "https://weibo.com/u/1234567890"),
    ("LinkedIn", "https://www.linkedin.com/company/onegov"),
    ("Facebook", "https://www.facebook.com/profile.php?id=100064111"),
    ("Facebook", "https://facebook.com/gov.one"),
    ("微信", "https://mp.weixin.qq.com/mp/profile_ext?action=home&__biz=MzA4NDI3NjcyNA=="),
    ("website", "https://giessen.example/"),
    ("YouTube", "https://www.youtube.com/@strasse"),
    ("website", "29palms.gov"),
    ("website", "https://www.a.example/show?type=1&id=7"),
]
ASKED = [
    ("https://x.com/OneGov/../evil", "unknown"),
    ("https://x.com/OneGov/%2e%2e/evil", "unknown"),
    ("https://x.com/evil/../OneGov", "official"),
    ("https://weibo.com/u/1234567890/../9876543210", "unknown"),
    ("https://www.linkedin.com/company/onegov/../evil", "unknown"),
    ("https://x.com/OneGov", "official"),
    ("https://www.facebook.com/profile.php?ID=100064111&id=100064222", None),
    ("https://www.facebook.com/profile.php?id=100064111&id=100064222", None),
    ("https://www.facebook.com/profile.php?id=100064111&ref=x", "official"),
    ("https://play.google.com/store/search?q=evil&id=cn.gov.one", "unknown"),
    ("https://play.google.com/store/apps/details?id=cn.gov.one", "official"),
    ("cn.gov.one", "official"),
    ("https://open.weixin.qq.com/qr/code?username=gh_evil&__biz=MzA4NDI3NjcyNA==", "unknown"),
    ("https://mp.weixin.qq.com/mp/profile_ext?__biz=MzA4NDI3NjcyNA%3D%3D&scene=1", "official"),
    ("https://x.com/OneGov/status/1234567890", None),
    ("https://www.tiktok.com/@onegov/video/7", None),
    ("https://pic.twitter.com/OneGov", None),
    ("https://business.facebook.com/OneGov", None),
    ("https://gießen.example/", "unknown"),
    ("https://xn--gieen-nqa.example/", "unknown"),
    ("https://giessen.example", "official"),
    ("https://www.youtube.com/@straße", "unknown"),
    ("29PALMS.GOV", "official"),
    ("29palms.gov.", "official"),
    ("https://t.co/OneGov", None),
    ("https://gov.one/", "unknown"),
    ("https://cn.gov.one/", "unknown"),
    ("https://facebook.com/gov.one", "official"),
    ("https://x。com/OneGov", "official"),
    ("https://x.com.evil.example/OneGov", "unknown"),
    ("https://a.example/show?id=7&type=1&from=qr", "official"),
    ("https://a.example/show?ID=7&type=1", "unknown"),
    ("https://a.example/show?id=7", "unknown"),
    ("https://a.example/show?id=7&type=1&id=8", "unknown"),
]
US = (Path(__file__).parents[3] / "data" / "names" / "us-accounts.csv").read_text()


async def test_nobody_elses_page_is_called_official(http: httpx.AsyncClient, registry: Registry) -> None:
    for platform, address in ACCOUNTS:
        await registry.take(declared("One", platform=platform, address=address))
    await registry.take(declared("App", kind="app", platform="安卓", address="cn.gov.one"))
    answers = {}
    for address, _ in ASKED:
        answer = await http.get("/verify", params={"address": address})
        answers[address] = answer.json()["status"] if answer.status_code == 200 else None
        assert answer.status_code in (200, 422)
        if answer.status_code == 422:
            sent = answer.json()
            assert (sent["code"], [error["field"] for error in sent["errors"]]) == ("unreadable_address", ["address"])
    assert answers == dict(ASKED)
    named = await http.get("/verify", params={"address": "＠OneGov", "platform": "Twitter (X)"})
    assert named.json()["status"] == "official"


@pytest.mark.parametrize(
    ("kind", "platform", "one", "other"),
    [
        (
            "app",
            "安卓",
            "https://a.app.qq.com/o/simple.jsp?pkgname=com.gov.alpha",
            "https://a.app.qq.com/o/simple.jsp?pkgname=com.gov.beta",
        ),
        ("group", "QQ群", "https://jq.qq.com/?_wv=1027&k=5aaaaaa", "https://jq.qq.com/?_wv=1027&k=5bbbbbb"),
        (
            "account",
            "百家号",
            "https://author.baidu.com/home?context=%7B%22app_id%22%3A%22111%22%7D",
            "https://author.baidu.com/home?context=%7B%22app_id%22%3A%22222%22%7D",
        ),
        (
            "account",
            "今日头条",
            "https://profile.zjurl.cn/rogue/ugc/profile/?user_id=111",
            "https://profile.zjurl.cn/rogue/ugc/profile/?user_id=222",
        ),
        (
            "account",
            "政务网站",
            "https://www.a.example/show.aspx?type=1&amp;id=7",
            "https://www.a.example/show.aspx?type=1&amp;id=8",
        ),
    ],
)
async def test_what_a_query_tells_apart_is_recorded_twice(
    http: httpx.AsyncClient, kind: str, platform: str, one: str, other: str
) -> None:
    for address, status in ((one, 201), (other, 201), (one, 409)):
        sent = declared("One", kind=kind, platform=platform, address=address).model_dump_json()
        headers = bearer("registrar") | {"Content-Type": "application/json"}
        answer = await http.post("/assets", content=sent, headers=headers)
        assert answer.status_code == status, answer.text


async def test_a_platform_nobody_knows_is_remarked_on_and_applied_when_allowed(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    text = HEAD + "a,X,Unit,English,https://x.com/a1\nb,North,Unit,English,https://north.example/b\n"

    async def verdicts(**more: bool) -> list[tuple[str, str | None]]:
        report = await registry.bring_in(text, **more)
        assert all(v["detail_zh"] for v in report["verdicts"] if "code" in v)
        return [(v["verdict"], v.get("code")) for v in report["verdicts"]]

    assert await verdicts(apply=False) == [("added", None), ("added", "unknown_platform")]
    assert await verdicts() == [("added", None), ("refused", "unknown_platform")]
    assert await registry.fetch("select count(*) from assets") == 1
    assert await verdicts(unknown=True) == [("unchanged", "already_imported"), ("added", "unknown_platform")]
    again = await registry.bring_in(text + "\n", unknown=False)
    assert again["summary"]["unchanged"] == 2, "what is on record already was allowed once"

    asked = {"source": "other", "on": "2025-06-01", "mode": "apply", "unit_scheme": "ca-name"}
    for allowed, verdict in (("false", "refused"), ("true", "added")):
        sent = asked | {"allow_unknown_platforms": allowed}
        row = HEAD + "c,South,Unit,English,https://south.example/c\n"
        answer = await http.post("/imports", params=sent, content=row.encode(), headers=bearer("registrar"))
        assert answer.json()["verdicts"][0]["verdict"] == verdict, answer.text


async def test_what_a_line_of_an_unknown_platform_means_is_not_missing(registry: Registry) -> None:
    """Such a line can be read: it is refused, and neither its own asset nor those of others are held for it."""
    rows = {name: f"{name},North,Unit,English,https://north.example/{name}\n" for name in "bcd"}
    await registry.bring_in(HEAD + rows["b"] + rows["c"], unknown=True)
    report = await registry.bring_in(HEAD + rows["b"] + rows["d"], complete=True)
    assert [v["verdict"] for v in report["verdicts"]] == ["unchanged", "refused", "gone"]
    assert await registry.state("north.example/b") == "draft online"


async def test_a_real_list_imported_twice_gets_the_same_verdicts(registry: Registry) -> None:
    first = await registry.bring_in(US, apply=False)
    again = await registry.bring_in(US, apply=False)
    assert first["verdicts"] == again["verdicts"]
    done = await registry.summary(US, unknown=True)
    assert done == {k: n for k, n in first["summary"].items() if n}


async def test_names_are_shown_without_what_nobody_sees(http: httpx.AsyncClient, registry: Registry) -> None:
    taken = await registry.take(declared("\u202e示例\u200b发布\u2066", address="https://x.com/a"))
    shown = await http.get(f"/assets/{taken.asset_id}", headers=bearer("viewer"))
    assert shown.json()["name"] == "示例发布"
