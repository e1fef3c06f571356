"""The public answer on an address or a name: its state, sponsor and day, and its look-alikes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.events.intake import UnitRef
from services.registry.lookalikes import skeleton
from services.registry.lookalikes.usecases import fill
from services.registry.tombstones import usecases
from tests.integration.registry.conftest import NOW, Registry, bearer, declared, delisted

HOUSE = UnitRef(scheme="ca-name", value="House", name="市政府办公厅", language="zh")


async def ask(http: httpx.AsyncClient, address: str | None = None, **more: str) -> dict[str, Any]:
    reply = await http.get("/verify", params=more if address is None else {"address": address} | more)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def list_one(registry: Registry, name: str, address: str, platform: str = "X", **more: Any) -> UUID:
    taken = await registry.take(declared(name, platform=platform, address=address, sponsor=HOUSE, **more))
    return UUID(str(taken.asset_id))


async def test_each_state_is_told_with_whose_it_is_and_since_when(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await list_one(registry, "One Gov", "https://x.com/OneGov")

    async def answered() -> tuple[str, str | None, str, str | None]:
        reply_body = await ask(http, "x.com/onegov")
        assert reply_body["sponsor"]["name"] == "市政府办公厅"
        assert (reply_body["asset_id"], reply_body["name"], reply_body["address"]) == (
            str(asset),
            "One Gov",
            "https://x.com/OneGov",
        )
        assert reply_body["says"]["zh"].count("市政府办公厅") == reply_body["says"]["en"].count("市政府办公厅") == 1
        assert reply_body["says"]["zh"].startswith("官方") == (reply_body["status"] == "official")
        assert [one["state"] for one in reply_body["assets"]] == [reply_body["status"]]
        return reply_body["status"], reply_body["since"], reply_body["found_by"], reply_body["tombstone"]

    assert await answered() == ("official", "2025-06-01", "address", None)
    registry.now = NOW + timedelta(days=3)
    await usecases.stop(registry.database, asset, "stop", now=registry.now)
    assert await answered() == ("suspended", "2025-06-04", "address", None)
    registry.now += timedelta(days=2)
    await usecases.resume(registry.database, asset, "back", now=registry.now)
    assert await answered() == ("official", "2025-06-06", "address", None)
    registry.now += timedelta(days=1)
    await registry.take(declared("Two Gov", address="https://x.com/OneGov", sponsor=HOUSE, on=registry.now.date()))
    await registry.take(declared("One Gov", address="https://x.com/OneGov", sponsor=HOUSE, on=registry.now.date()))
    assert await answered() == ("official", "2025-06-06", "address", None), "a new name does not change the day"
    await registry.take(delisted("OneGov", on=registry.now.date()))
    assert await answered() == ("gone", "2025-06-07", "address", None)
    registry.now += timedelta(days=1)
    await usecases.stop(registry.database, asset, "again", now=registry.now)
    await registry.close(asset)
    tombstone = f"/registry/v1/tombstones/{asset}"
    assert await answered() == ("closed", "2025-06-08", "address", tombstone)
    ended = (await ask(http, "x.com/onegov"))["assets"][0]["closed"]
    assert (ended["tombstone"], ended["reason"], ended["closed_on"]) == (tombstone, "<silent>", "2025-06-08")
    assert (await http.get(tombstone.removeprefix("/registry/v1"))).status_code == 200


async def test_days_are_those_of_the_deployments_zone(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await list_one(registry, "One", "https://x.com/one")
    late = NOW.replace(hour=17)  # one in the morning of the next day in Shanghai
    await usecases.stop(registry.database, asset, "stop", now=late)
    assert (await ask(http, "x.com/one"))["since"] == "2025-06-02"


OFFICIAL = [
    ("X", "https://x.com/OneGov"),
    ("微博", "https://weibo.com/chengdufabu"),
    ("微博", "https://weibo.com/n/力行工商"),
    ("website", "https://www.giessen.example/rathaus"),
    ("website", "https://a.example/show?id=7"),
    ("YouTube", "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuI"),
    ("QQ", "https://x.com/hallGov"),
    ("抖音", "https://www.douyin.com/user/MS4wLjABAAAA0O"),
]
ALIKE = [
    "https://x.com/OneGov\u200b",
    "https://x.com/One\u2060Gov",
    "https://x.com/OneGov%E2%80%8B",
    "https://x.com/0neGov",
    "https://x.com/ОnеGоv",
    "https://х.com/OneGov",
    "https://x.com/%D0%9EneGov",
    "https://x.com/hаIIgov",
    "https://x.com/haIIgov",
    "https://weib0.com/chengdufabu",
    "https://ⅿ.weibo.com/chеngdufabu",
    "https://weibo.com/n/カ行工商",
    "https://weibo.com/n/力行\u200d工商",
    "https://weibo.com/n/力行エ商",
    "https://gіessen.example/rathaus",
    "https://xn--gessen-pvf.example/rathaus",
    "https://giessen.example/r\u0430thaus",
    "https://giessen.example/Rathaus\ufeff",
    "https://www.youtube.com/channel/UCabcdefghijklmnopqrstul",
    "https://www.douyin.com/user/MS4wLjABAAAAO0",
    "https://x.com\u200b/OneGov",
    "https://youtube.corn/channel/UCabcdefghijklmnopqrstuI",
]
NOT_ALIKE = [
    "https://x.com/OneGovs",
    "https://x.com/TwoGov",
    "https://weibo.com/chengdu",
    "https://giessen.example/RATHAUS",
    "https://gießen.example/rathaus",
    "https://a.example/show?ID=7",
    "https://x.com/halgov",
    "https://y.com/OneGov",
    "https://www.youtube.com/channel/UCABCDEFGHIJKLMNOPQRSTUI",
    "https://b.example/",
    "https://x.com.evil.example/OneGov",
]
SAME = [
    "https://x.com/onegov",
    "HTTPS://X.COM/ONEGOV",
    "https://x.com/ＯneGov",
    "\ufeffhttps://x.com/OneGov",
    "https://ｘ.com/OneGov",
    "https://weibo.com/n/%E5%8A%9B%E8%A1%8C%E5%B7%A5%E5%95%86",
    "https://GIESSEN.example/rathaus",
]


@pytest.fixture
async def listed(registry: Registry) -> Registry:
    for number, (platform, address) in enumerate(OFFICIAL):
        await list_one(registry, f"Name {number}", address, platform)
    return registry


async def test_what_only_looks_like_an_official_address_is_said_to_be_so(
    http: httpx.AsyncClient, listed: Registry
) -> None:
    for address in ALIKE:
        reply_body = await ask(http, address)
        assert reply_body["status"] == "look_alike", address
        assert reply_body["looks_like"]["state"] == "official", address
        assert reply_body["sponsor"]["name"] == reply_body["looks_like"]["sponsor"]["name"] == "市政府办公厅"
        assert (reply_body["asset_id"], reply_body["address"], reply_body["tombstone"]) == (None, None, None), (
            "it is none of ours"
        )
        assert "官方" not in reply_body["says"]["zh"].replace("不是官方", "")
    for address in NOT_ALIKE:
        assert (await ask(http, address))["status"] == "unknown", address
    for address in SAME:
        assert (await ask(http, address))["status"] == "official", address


async def test_what_cannot_be_read_and_looks_like_nothing_is_refused_as_before(
    http: httpx.AsyncClient, listed: Registry
) -> None:
    for address in (
        "https://x.com/",
        "https://x.com/T\u200bwoGov",
        "https://x.com/OneGov/status/1",
        "https://t.co/OneGov",
    ):
        reply = await http.get("/verify", params={"address": address})
        assert (reply.status_code, reply.json().get("code")) == (422, "unreadable_address"), address
    for asked in ({}, {"address": "x.com/OneGov", "name": "One"}, {"name": "  "}):
        assert (await http.get("/verify", params=asked)).status_code == 422


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.data())
async def test_an_official_address_is_never_a_look_alike_nor_the_other_way_round(
    http: httpx.AsyncClient, listed: Registry, data: st.DataObject
) -> None:
    """Letters put into an official name for those that look like them: another name, and never official."""
    name = list("onegov")
    at = data.draw(st.integers(0, len(name) - 1))
    like = data.draw(
        st.sampled_from(sorted(c for c, p in skeleton.PROTOTYPES.items() if p == name[at] and c != name[at]))
    )
    name[at] = like
    reply_body = await http.get("/verify", params={"address": f"https://x.com/{''.join(name)}"})
    same = skeleton.plain("".join(name)) == "onegov"
    assert reply_body.json().get("status") == ("official" if same else "look_alike"), "".join(name)


async def test_it_finds_by_the_name_that_is_shown(http: httpx.AsyncClient, registry: Registry) -> None:
    weibo = await list_one(registry, "成都发布", "https://weibo.com/u/1905843503", "微博")
    douyin = await list_one(registry, "成都发布", "https://www.douyin.com/user/MS4wLjABAAAA1", "抖音")
    closed = await list_one(registry, "成都发布", "https://x.com/chengdu")
    await registry.close(closed)

    reply_body = await ask(http, name="成都发布")
    assert (reply_body["status"], reply_body["found_by"], reply_body["more"]) == ("official", "name", False)
    assert [(one["platform"], one["state"]) for one in reply_body["assets"]] == [
        ("douyin", "official"),
        ("weibo", "official"),
        ("x", "closed"),
    ]
    assert {one["asset_id"] for one in reply_body["assets"]} == {str(weibo), str(douyin), str(closed)}
    assert {one["sponsor"]["name"] for one in reply_body["assets"]} == {"市政府办公厅"}
    assert all(one["address"].startswith("https://") for one in reply_body["assets"])

    on_x = await ask(http, name="成都发布", platform="Twitter")
    assert (on_x["status"], on_x["tombstone"]) == ("closed", f"/registry/v1/tombstones/{closed}")
    assert (await ask(http, name="成都发布", platform="知乎"))["status"] == "unknown"
    assert (await ask(http, "成都发布", platform="微博"))["address"] == "https://weibo.com/u/1905843503"
    assert (await ask(http, "成都发布"))["status"] == "official", "a text that is not an address is searched as a name"
    for same in (" 成都发布 ", "\u200b成都发布\ufeff"):
        assert (await ask(http, name=same))["status"] == "official"
    for like in ("成都\u200b发布", "成都发\u2060布"):
        alike = await ask(http, name=like)
        assert (alike["status"], alike["looks_like"]["state"]) == ("look_alike", "official")
        assert (alike["asset_id"], alike["sponsor"]["name"]) == (None, "市政府办公厅")
        assert len(alike["assets"]) == 3
    assert (await ask(http, name="成都发布厅"))["status"] == "unknown"


async def test_the_case_and_width_of_a_names_letters_say_nothing(http: httpx.AsyncClient, registry: Registry) -> None:
    await list_one(registry, "Ville I", "https://x.com/ville")
    for same in ("ville i", "VILLE  I", "Ｖｉｌｌｅ Ｉ"):
        assert (await ask(http, name=same))["status"] == "official", same
    for like in ("Ville l", "Vi1le I", "Ꮩille I"):
        assert (await ask(http, name=like))["status"] == "look_alike", like


async def test_a_shown_name_makes_no_account_of_that_name_official(http: httpx.AsyncClient, registry: Registry) -> None:
    """Anybody may choose the name that is shown: @Gov is nobody's because @RealGov shows itself as Gov."""
    await list_one(registry, "Gov", "https://x.com/RealGov")
    for asked in (
        {"address": "Gov", "platform": "X"},
        {"address": "Ｇov\u200b", "platform": "X"},
        {"address": "https://x.com/Gov"},
        {"address": "x.com/gov"},
    ):
        assert (await ask(http, **asked))["status"] == "unknown", asked
    assert (await ask(http, name="Gov"))["address"] == "https://x.com/RealGov"


async def test_more_of_one_name_than_are_told(http: httpx.AsyncClient, registry: Registry) -> None:
    for number in range(22):
        await list_one(registry, "Office", f"https://x.com/office{number}")
    reply_body = await ask(http, name="Office")
    assert (len(reply_body["assets"]), reply_body["more"]) == (20, True)


async def test_only_the_latest_life_of_an_asset_is_told(http: httpx.AsyncClient, registry: Registry) -> None:
    first = await list_one(registry, "One", "https://x.com/one")
    await registry.close(first)
    registry.now += timedelta(days=400)
    second = await list_one(registry, "One", "https://x.com/one", on=registry.now.date())
    for asked in ({"address": "x.com/one"}, {"name": "One"}):
        reply_body = await ask(http, **asked)
        assert [one["asset_id"] for one in reply_body["assets"]] == [str(second)]
        assert (reply_body["status"], reply_body["since"]) == ("official", "2026-07-06")


async def test_a_register_from_before_look_alikes_were_kept_is_filled(
    http: httpx.AsyncClient, listed: Registry
) -> None:
    await listed.database.pool.execute("update assets set looks = default, looks_by = null")
    assert (await ask(http, "https://x.com/0neGov"))["status"] == "unknown"
    assert await fill(listed.database, most=3) == len(OFFICIAL)
    assert (await ask(http, "https://x.com/0neGov"))["status"] == "look_alike"
    assert await fill(listed.database, most=3) == 0
    await listed.database.pool.execute("update assets set looks_by = 'another table'")
    assert await fill(listed.database, most=3) == len(OFFICIAL)


async def test_the_name_of_a_sponsor_is_shown_in_the_readers_language(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    await list_one(registry, "One", "https://x.com/one")
    body = {"scheme": "ca-name", "value": "House", "names": [{"language": "en", "text": "The House"}]}
    assert (await http.post("/units", json=body, headers=bearer("registrar"))).is_success
    for language, name in (("en", "The House"), ("zh-CN", "市政府办公厅"), ("fr", "市政府办公厅")):
        reply = await http.get("/verify", params={"address": "x.com/one"}, headers={"Accept-Language": language})
        assert reply.json()["sponsor"]["name"] == name
    assert len(reply.json()["sponsor"]["names"]) == 2
