"""The monitor over HTTP: roles, verdicts per row, health of sources, findings and their reasons."""

import json
import tracemalloc
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.integration.monitor.conftest import AGENT, Monitor, bearer, day, millis


async def get(http: httpx.AsyncClient, path: str, role: str = "viewer") -> Any:
    answer = await http.get(path, headers=bearer(role))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def silent(monitor: Monitor) -> UUID:
    account = await monitor.record("quiet")
    for number in range(16):
        await monitor.full_day(number, [account])
    return account


async def test_usage_gets_a_verdict_per_row_and_is_counted_once(monitor: Monitor, http: httpx.AsyncClient) -> None:
    await monitor.hear("s")
    asset = str(uuid4())
    body = {
        "source": "s",
        "records": [
            {"asset_id": asset, "measure": "posts", "ts": millis(day(0)), "count": 2, "user": "u"},
            {"asset_id": "x", "measure": "posts", "ts": millis(day(0))},
            {"asset_id": asset, "measure": "followers", "ts": millis(day(0)), "value": 12},
            {"asset_id": asset, "measure": "posts", "day": "2025-06-05", "count": 3, "source": "another"},
            7,
        ],
    }
    for _ in range(2):
        answer = await http.post("/usage", json=body, headers=bearer("agent") | {"Idempotency-Key": "k"})
        assert answer.status_code == 202
        assert [row["verdict"] for row in answer.json()["rows"]] == [
            "accepted",
            "refused",
            "accepted",
            "accepted",
            "refused",
        ]
        assert answer.json()["rows"][1]["detail"] == "asset_id: expected a UUID"
    rows = await monitor.database.pool.fetch("select source, day, received from source_days")
    assert [tuple(row) for row in rows] == [("s", day(0), 3)]
    assert await monitor.database.pool.fetchval("select total from usage_days where asset_id = $1", UUID(asset)) == 5


async def test_usage_of_assets_that_the_register_has_not_told_of_is_counted_and_said(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    """A register may be late, so the record counts; a slip in an id would otherwise never be noticed."""
    await monitor.hear("s")
    known, strange = await monitor.record("known"), [uuid4() for _ in range(12)]
    named = [known, *strange, strange[0]]
    records = [{"asset_id": str(asset), "measure": "posts", "ts": millis(day(0))} for asset in named]
    gauge = {"asset_id": str(strange[1]), "measure": "followers", "ts": millis(day(0)), "value": 1}
    body = {"source": "s", "records": [*records, gauge]}
    answer = (await http.post("/usage", json=body, headers=bearer("agent"))).json()
    assert (answer["accepted"], answer["refused"], answer["unknown_assets"]) == (15, 0, 12)
    assert answer["unknown_asset_ids"] == sorted(map(str, strange))[:10]
    assert (
        await monitor.database.pool.fetchval("select count(*) from usage_days where asset_id = any($1)", strange) == 12
    )


async def test_a_field_of_usage_that_nobody_knows_is_refused_by_its_name(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    """In a record that record alone, beside them the whole body."""
    await monitor.hear("s")
    record = {"asset_id": str(uuid4()), "measure": "posts", "ts": millis(day(0))}
    sent = {"source": "s", "records": [record, record | {"vlaue": 3}]}
    first, second = (await http.post("/usage", json=sent, headers=bearer("agent"))).json()["rows"]
    assert (first["verdict"], second["verdict"]) == ("accepted", "refused")
    assert second["detail"].startswith("vlaue: there is no such field")
    whole = await http.post("/usage", json=sent | {"recrods": []}, headers=bearer("agent"))
    assert (whole.status_code, "recrods" in whole.json()["texts"]["en"]) == (422, True)
    assert "Object" not in whole.json()["texts"]["zh"]
    stated = {"source": "s", "day": str(day(0)), "records": 1, "assets": [], "mesures": ["posts"]}
    answer = await http.post("/statements", json=stated, headers=bearer("agent"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "mesures")


async def test_an_agent_speaks_for_the_sources_that_its_token_names(http: httpx.AsyncClient, monitor: Monitor) -> None:
    """Whoever could state another's days could declare all that it watches dead."""
    for source in ("mine", "s"):
        await monitor.admit(source)
    usage = {"records": [{"asset_id": str(uuid4()), "measure": "posts", "ts": millis(day(0))}]}
    stated = {"day": str(day(0)), "records": 0, "assets": []}
    for path, body in (("/usage", usage), ("/statements", stated)):
        mine = await http.post(path, json=body | {"source": "mine"}, headers=bearer("agent", sources=["mine"]))
        assert mine.status_code == 202, mine.text
        for sources in (["mine"], []):
            answer = await http.post(path, json=body | {"source": "s"}, headers=bearer("agent", sources=sources))
            assert (answer.status_code, answer.json()["code"]) == (403, "not_its_source")
            assert answer.json()["errors"][0]["field"] == "source"
    assert await monitor.database.pool.fetchval("select count(*) from source_days where source = 's'") == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"source": "s"}', json.dumps({"source": "s", "records": [1] * 10_001}).encode()]
)
async def test_a_body_that_is_no_usage_is_refused_whole(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/usage", content=body, headers=bearer("agent"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_collections_are_bounded_before_their_items_are_looked_at(http: httpx.AsyncClient) -> None:
    """Two bytes would make an object of sixty, each with a problem to list."""
    many = b'{"source": "s", "records": [' + b"0," * 3_900_000 + b"0]}"
    tracemalloc.start()
    try:
        answer = await http.post("/usage", content=many, headers=bearer("agent"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.json()["errors"][0]["accepted"]) == (422, "at most 10000")
    assert peak < 5 * len(many)
    wrong = {"source": "s", "day": str(day(0)), "records": 1, "assets": [0] * 300_000}
    answer = await http.post("/statements", json=wrong, headers=bearer("agent"))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["assets.0"]
    answer = await http.post("/statements", json=wrong | {"assets": [0] * 600_000}, headers=bearer("agent"))
    assert (answer.status_code, "1 MiB" in answer.text) == (413, True)


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", "/usage", "viewer"),
        ("POST", "/statements", "registrar"),
        ("POST", "/sweeps", "viewer"),
        ("PUT", "/sources/s", "agent"),
        ("GET", "/findings", "agent"),
        ("GET", "/dead-letters", "viewer"),
        ("POST", "/dead-letters/replay", "auditor"),
    ],
)
async def test_every_door_asks_for_its_role(http: httpx.AsyncClient, method: str, path: str, role: str) -> None:
    assert (await http.request(method, path)).status_code == 401
    assert (await http.request(method, path, headers=bearer(role), json={})).status_code == 403


async def test_statements_and_terms_of_sources(http: httpx.AsyncClient, monitor: Monitor) -> None:
    await monitor.hear("s")
    stated = {
        "source": "s",
        "day": str(day(0)),
        "records": 0,
        "assets": [str(uuid4())],
        "measures": ["views", "posts", "views"],
    }
    for outcome in ("applied", "unchanged"):
        answer = await http.post("/statements", json=stated, headers=bearer("agent"))
        assert answer.status_code == 202
        counted = {"covered": 1, "not_covered": 0, "not_covered_ids": []}
        assert answer.json() == {"outcome": outcome} | counted
    again = await http.post("/statements", json=stated | {"records": 1}, headers=bearer("agent"))
    assert (again.status_code, again.json()["code"]) == (409, "stale_revision")
    for wrong in (
        {"day": "9999-12-31"},
        {"records": 1 << 70},
        {"revision": 1 << 40},
        {"source": "a\u0000"},
        {"measures": ["Posts"]},
        {"day": str(day(1))},
    ):
        answer = await http.post("/statements", json=stated | wrong, headers=bearer("agent"))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), wrong
        assert answer.json()["errors"][0]["field"].partition(".")[0] == next(iter(wrong))
    answer = await http.put("/sources/s", json={"rhythm_days": 2}, headers=bearer("operator"))
    assert (answer.json()["rhythm_days"], answer.json()["floor_share"]) == (2, 0.8)
    assert (await http.put("/sources/s", json={"rhythm_days": 0}, headers=bearer("operator"))).status_code == 422
    (source,) = (await get(http, "/sources"))["items"]
    assert (source["source"], source["healthy"], source["last_whole_day"]) == ("s", True, str(day(0)))
    (shown,) = (await get(http, "/sources/s/days"))["items"]
    assert shown == {
        "day": str(day(0)),
        "received": 0,
        "stated": 0,
        "revision": 1,
        "covered": 1,
        "whole": True,
        "measures": ["posts", "views"],
        "beyond": 0,
        "stated_by": AGENT,
    }
    assert (await http.get("/sources/nobody/days", headers=bearer("viewer"))).status_code == 404


async def test_a_sweep_its_findings_and_their_reasons(http: httpx.AsyncClient, silent: UUID) -> None:
    swept = await http.post("/sweeps", json={}, headers=bearer("operator"))
    assert swept.json() == (await http.post("/sweeps", headers=bearer("operator"))).json()
    assert (swept.json()["opened"], swept.json()["day"]) == (1, str(day(15)))
    assert await get(http, f"/sweeps/{day(15)}") == swept.json()
    assert (await http.get(f"/sweeps/{day(3)}", headers=bearer("viewer"))).status_code == 404
    (finding,) = (await get(http, "/findings?state=open&rule=C06"))["items"]
    assert (finding["asset_id"], finding["label"], finding["recomputed"]) == (str(silent), "FOUND", True)
    assert await get(http, f"/findings/{finding['finding_id']}") == finding
    assert (await get(http, "/findings?state=cleared"))["items"] == []
    on = date.fromisoformat(finding["opened_on"])
    for query, size in [
        (f"opened_from={on}&opened_to={on}", 1),
        (f"opened_from={on + timedelta(days=1)}", 0),
        (f"opened_to={on - timedelta(days=1)}", 0),
        ("watched=true", 1),
        ("watched=false", 0),
    ]:
        assert len((await get(http, f"/findings?{query}"))["items"]) == size, query
    (verdict,) = (await get(http, f"/verdicts?day={day(15)}&verdict=IDLE"))["items"]
    assert (verdict["asset_id"], verdict["rule"]) == (str(silent), "C06")
    assert (await get(http, f"/verdicts?day={day(14)}"))["items"] == []
    why = await get(http, f"/assets/{silent}/why")
    assert (why["verdict"], why["swept_verdict"], why["packs"]) == ("IDLE", "IDLE", {"cn-accounts": "1.0.1"})
    assert {rule["code"]: (rule["truth"], rule["label"]) for rule in why["rules"]} == {
        "C06": ("true", "FOUND"),
        "C15": ("unknown", "FOUND"),
        "C16": ("false", "ASSUMED"),
    }
    assert why["rules"][0]["finding_id"] == finding["finding_id"]
    assert why["sources"] == [
        {
            "source": "s",
            "healthy": True,
            "code": "well",
            "reason": "正常 / well",
            "last_vouched": str(day(15)),
            "admitted_on": str(day(0)),
            "agents": [AGENT],
            "watches": True,
        }
    ]
    assert why["agents"] == finding["agents"] == [AGENT]
    assert (await http.get(f"/assets/{uuid4()}/why", headers=bearer("viewer"))).status_code == 404


async def test_lists_go_on_from_their_cursor(http: httpx.AsyncClient, monitor: Monitor) -> None:
    accounts = sorted([await monitor.record(f"a{n}") for n in range(5)])
    for number in range(16):
        await monitor.full_day(number, accounts)
    await monitor.sweep()
    for path, name in (("/findings", "finding_id"), ("/verdicts", "asset_id")):
        seen: list[str] = []
        cursor = ""
        while True:
            page = await get(http, f"{path}?limit=2{cursor}")
            seen += [item[name] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=path == "/findings"), "of findings of one instant the higher id is first"
    days = await get(http, "/sources/s/days?limit=10")
    assert (await get(http, f"/sources/s/days?limit=10&cursor={days['next']}"))["items"][0]["day"] == str(day(5))


async def test_packs_show_basis_and_label(http: httpx.AsyncClient) -> None:
    pack = await get(http, "/packs/cn-accounts")
    assert [(rule["code"], rule["weakest_label"]) for rule in pack["rules"]] == [
        ("C06", "FOUND"),
        ("C15", "FOUND"),
        ("C16", "ASSUMED"),
    ]
    assert (await get(http, "/packs"))["items"] == [pack]
    assert (await http.get("/packs/none", headers=bearer("viewer"))).status_code == 404


async def test_the_published_document_describes_every_body(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    body = document["paths"]["/monitor/v1/usage"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]["records"]["items"]["properties"]) >= {"asset_id", "measure", "ts", "sketch"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
