"""Intake, imports, the guard, units and the API, on a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI

from libs.common import auth, web
from libs.common.auth import Authenticator, Principal
from libs.common.clock import SteppedClock
from libs.common.db import Database
from libs.common.events import ids
from libs.common.events.decommission import CaseClosed
from libs.common.events.intake import AssetDeclared, AssetDelisted, UnitRef
from services.registry import api, api_units, domain, imports, usecases
from services.registry.usecases import Policy

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
TODAY = date(2025, 6, 1)
POLICY = Policy(guard_share=0.05, guard_floor=2, reopen_after=timedelta(days=365))
ANYONE = Principal("registrar", frozenset({"registrar"}))
HEAD = "account,platform,department,language,url\n"


@pytest.fixture
async def registry(database: Callable[[str], Awaitable[Database]]) -> Database:
    return await database("registry")


def declared(name: str, *, source: str = "list", unit: str = "Unit") -> AssetDeclared:
    return AssetDeclared(
        source=source, on=TODAY, kind="account", platform="X", address=f"https://x.com/{name}", name=name,
        sponsor=UnitRef(scheme="ca-name", value=unit, name=unit),
    )  # fmt: skip


def delisted(name: str) -> AssetDelisted:
    return AssetDelisted(source="list", on=TODAY, kind="account", platform="X", address=f"https://x.com/{name}")


async def take(
    registry: Database, told: Any, *, who: Principal = ANYONE, event: str | None = None, now: datetime = NOW
) -> usecases.Result:
    return await usecases.take_in(
        registry, told, who, source="/t", event_id=event or str(uuid4()), now=now, policy=POLICY
    )


async def fetch(registry: Database, query: str, *values: Any) -> Any:
    return await registry.pool.fetchval(query, *values)


async def test_a_repeated_event_acts_once_and_gets_the_same_answer(registry: Database) -> None:
    first = await take(registry, declared("a"), event="1")
    assert (await take(registry, declared("a"), event="1")) == first
    assert await fetch(registry, "select count(*) from outbox where topic = 'jianfu.registry'") == 1
    assert await fetch(registry, "select count(*) from asset_versions") == 1


async def test_two_declarations_of_one_thing_at_once_give_one_record(registry: Database) -> None:
    results = await asyncio.gather(*(take(registry, declared("same", unit=f"U{n}")) for n in range(8)))
    assert await fetch(registry, "select count(*) from assets") == 1
    assert sorted(r.outcome for r in results).count("registered") == 1
    versions = await fetch(registry, "select array_agg(version order by version) from asset_versions")
    assert versions == list(range(1, len(versions) + 1))


async def test_several_accounts_of_one_unit_on_one_platform_are_no_refusal(registry: Database) -> None:
    for name in ("one", "two", "three"):
        assert (await take(registry, declared(name))).outcome == "registered"


async def test_the_guard_holds_what_vanishes_beyond_the_limit_of_a_rolling_day(registry: Database) -> None:
    for number in range(6):
        await take(registry, declared(f"a{number}"))
    outcomes = [(await take(registry, delisted(f"a{number}"))).outcome for number in range(4)]
    assert outcomes == ["gone", "gone", "held", "held"]
    assert await fetch(registry, "select count(*) from assets where running = 'gone'") == 2
    later = NOW + timedelta(days=1, hours=1)
    assert (await take(registry, delisted("a5"), now=later)).outcome == "gone"
    held = await fetch(
        registry, "select disappearance_id from disappearances where state = 'held' order by asset_id limit 1"
    )
    for _ in range(2):  # the same decision twice is one decision
        await usecases.decide_held(registry, held, go=True, reason="seen", actor="op", now=later)
    assert await fetch(registry, "select count(*) from assets where running = 'gone'") == 4
    with pytest.raises(domain.AlreadyDecided):
        await usecases.decide_held(registry, held, go=False, reason="no", actor="op", now=later)


async def test_an_import_says_what_it_would_do_then_does_it_then_changes_nothing(registry: Database) -> None:
    lines = [f"n{n},X,Unit {n % 7},English,https://x.com/n{n}" for n in range(230)]
    text = HEAD + "\n".join([*lines, "twin,X,Unit,English,https://twitter.com/N1", "bad,X,Unit,English,https://x.com/"])
    file = imports.File(text.encode(), "gc", TODAY, "ca-name", complete=True)

    async def run(apply: bool, given: imports.File = file) -> dict[str, int]:
        report = await imports.run(registry, given, ANYONE, apply=apply, now=NOW, policy=POLICY)
        return dict(report.summary)

    foreseen = await run(apply=False)
    assert foreseen == {"added": 230, "duplicate": 1, "refused": 1}
    assert await fetch(registry, "select count(*) from assets") == 0, "a dry run writes nothing"
    assert await run(apply=True) == foreseen
    assert await run(apply=True) == {"unchanged": 230, "duplicate": 1, "refused": 1}
    assert await fetch(registry, "select count(*) from outbox where topic = 'jianfu.registry'") == 230
    short = imports.File((HEAD + "\n".join(lines[:100])).encode(), "gc", TODAY, "ca-name", complete=True)
    assert (await run(apply=True, given=short))["held"] == 130, "more than the guard allows: all of it is held"
    assert await fetch(registry, "select count(*) from assets where running = 'gone'") == 0
    near = imports.File((HEAD + "\n".join(lines[:225])).encode(), "gc", TODAY, "ca-name", complete=True)
    assert (await run(apply=False, given=near))["gone"] == 5


async def test_a_unit_speaks_for_its_own_subtree_only(registry: Database) -> None:
    async def unit(value: str, parent: str | None) -> None:
        ref = UnitRef(scheme="cn-uscc", value=value, name=value)
        above = ("cn-uscc", parent) if parent else None
        await usecases.record_unit(registry, ref, names=[("zh", value)], parent=above, level=None, region=None, now=NOW)

    for value, parent in (("province", None), ("city", "province"), ("elsewhere", None)):
        await unit(value, parent)

    async def speak(scope: str | None, sponsor: str, name: str) -> str:
        told = declared(name).model_copy(update={"sponsor": UnitRef(scheme="cn-uscc", value=sponsor, name=sponsor)})
        return (await take(registry, told, who=Principal("u", frozenset({"unit"}), scope))).outcome

    assert await speak("cn-uscc:province", "city", "below") == "registered"
    for scope, sponsor in (("cn-uscc:city", "province"), ("cn-uscc:elsewhere", "city"), (None, "city"), ("x:y", "new")):
        with pytest.raises(domain.OutOfScope):
            await speak(scope, sponsor, "refused")


async def test_a_closure_is_terminal_and_leaves_a_tombstone(registry: Database) -> None:
    asset_id = (await take(registry, declared("dead"))).asset_id
    told = CaseClosed(
        case_id=ids.case_id(asset_id, 1), asset_id=asset_id, version=9, at=NOW, rule="C15", reason="rule C15",
        closed_on=TODAY, stopped_on=TODAY, plan_sha256="p", archive_sha256="a",
    )  # fmt: skip
    for _ in range(2):
        await usecases.close(registry, told, "event-1", now=NOW)
    assert await fetch(registry, "select record || ' ' || running from assets") == "closed offline"
    assert await fetch(registry, "select version from assets") == 2
    assert await fetch(registry, "select count(*) from tombstones") == 1
    with pytest.raises(domain.ReopenTooEarly):
        await take(registry, declared("dead"))


@pytest.fixture
async def http(registry: Database) -> AsyncIterator[tuple[httpx.AsyncClient, Callable[..., dict[str, str]]]]:
    key = auth.new_key("k")
    app: FastAPI = web.create_app(
        "registry", title="t", description="d", authenticator=Authenticator(auth.public_jwks(key), allow_local=True)
    )
    clock = SteppedClock(ZoneInfo("Asia/Shanghai"), NOW)
    app.include_router(api_units.router(registry, clock))
    app.include_router(api.router(registry, clock, POLICY))
    web.seal(app)

    def bearer(*roles: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {auth.issue(key, 'me', roles)}"} | more

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t/registry/v1") as client:
        yield client, bearer


async def test_the_api_creates_once_shows_twins_and_asks_for_the_version(http: Any) -> None:
    client, bearer = http
    body = json.loads(declared("one").model_dump_json())
    headers = bearer("registrar", **{"Idempotency-Key": "k1"})
    made = await client.post("/assets", json=body, headers=headers)
    assert made.status_code == 201
    again = await client.post("/assets", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, made.json())
    twin = await client.post("/assets", json=body, headers=bearer("registrar"))
    assert (twin.status_code, twin.json()["code"]) == (409, "duplicate_asset")
    assert made.json()["asset_id"] in twin.json()["texts"]["zh"]
    path = f"/assets/{made.json()['asset_id']}"
    without = await client.patch(path, json={"name": "N"}, headers=bearer("registrar"))
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "If-Match")
    stale = await client.patch(path, json={"name": "N"}, headers=bearer("registrar", **{"If-Match": '"7"'}))
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    done = await client.patch(path, json={"name": "N"}, headers=bearer("registrar", **{"If-Match": '"1"'}))
    assert (done.status_code, done.json()["version"]) == (200, 2)
    versions = (await client.get(f"{path}/history", headers=bearer("viewer"))).json()["items"]
    assert [v["outcome"] for v in versions] == ["registered", "amended"]


async def test_every_route_asks_for_a_role_but_those_for_the_public(http: Any) -> None:
    client, bearer = http
    assert (await client.get("/assets")).status_code == 401
    assert (await client.post("/assets", json={}, headers=bearer("viewer"))).status_code == 403
    assert (await client.get("/verify", params={"address": "https://x.com/nobody"})).json()["status"] == "unknown"
    missing = await client.get(f"/tombstones/{uuid4()}", headers={"Accept-Language": "zh-CN"})
    assert missing.status_code == 404
    assert missing.json()["title"].startswith("未找到")


async def test_a_page_of_assets_leads_to_the_next_until_all_are_seen(http: Any) -> None:
    client, bearer = http
    rows = HEAD + "\n".join(f"n{n},X,Unit,English,https://x.com/n{n}" for n in range(25))
    sent = await client.post(
        f"/imports?source=gc&on={TODAY}&mode=apply", content=rows.encode(), headers=bearer("registrar")
    )
    assert sent.json()["summary"]["added"] == 25
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/assets", params=query, headers=bearer("viewer"))).json()
        seen += [item["asset_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 25
    assert (await client.get("/assets?limit=501", headers=bearer("viewer"))).status_code == 422
