"""Lists come newest first, page by page behind a place, carry names, and cost what their page does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.http import paging
from services.decommission.alarms import store as alarm_store
from services.decommission.cases import store as case_store
from services.decommission.mandates import store as mandate_store
from services.decommission.plans import store as plan_store
from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import mandate
from tests.kit.reading import rows_read

TIMES = {"cases": "opened_at", "plans": "sealed_at", "alarms": "at", "mandates": "proposed_at"}
IDS = {"cases": "case_id", "plans": "plan_id", "alarms": "alarm_id", "mandates": "mandate_id"}


async def walked(story: Story, path: str, limit: int) -> list[dict[str, Any]]:
    """All of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(200):
        page = await story.call("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        found += page["items"]
        assert len(page["items"]) <= limit
        if page["next"] is None:
            return found
        assert page["items"], "a page that has a next is not empty"
        cursor = f"&cursor={page['next']}"
    raise AssertionError("no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
async def test_every_list_is_newest_first_and_its_pages_are_the_whole(story: Story, unit: UUID, limit: int) -> None:
    """Three instants, with more than one row in some of them."""
    for number, names in enumerate((("a", "b"), ("c",), ("d", "e"))):
        for name in names:
            await story.flagged(name, unit)
            await mandate(story, rule=("C06", "C15", "C16")[number], max_per_day=ord(name))
        await story.next_day()
    rows = await story.owner("select case_id from cases order by case_id")
    day = story.clock.now()
    for number, row in enumerate(rows):
        at = day - timedelta(days=number // 2)
        await story.owner(
            "insert into alarms (alarm_id, case_id, about, kind, text_zh, text_en, at)"
            " values ($1, $2, $2, 'k', 'z', 'e', $3)",
            uuid4(),
            row["case_id"],
            at,
        )
        await story.owner(
            "insert into plans (plan_id, sealed_on, content, sha256, state, sealed_at)"
            " values ($1, $2, '{}', 's', 'void', $3)",
            uuid4(),
            day.date() + timedelta(days=100 + number),
            at,
        )
    for what, time in TIMES.items():
        found = await walked(story, f"/{what}", limit)
        keys = [(item[time], item[IDS[what]]) for item in found]
        assert keys == sorted(set(keys), reverse=True), what
        (held,) = await story.owner(f"select count(*) as n from {what}")  # noqa: S608 - names of tables
        assert len(keys) == held["n"] >= 5, what


async def test_what_comes_while_somebody_turns_pages_moves_nothing(story: Story, unit: UUID) -> None:
    for name in ("a", "b", "c"):
        await story.flagged(name, unit)
        await story.next_day()
    first = await story.call("GET", "/cases?limit=2")
    await story.flagged("d", unit)
    rest = await story.call("GET", f"/cases?limit=2&cursor={first['next']}")
    assert [item["name"] for item in first["items"] + rest["items"]] == ["c", "b", "a"]
    assert rest["next"] is None


async def test_a_case_in_a_list_carries_the_names_of_its_asset_and_unit(story: Story, unit: UUID) -> None:
    await story.flagged("named", unit)
    untold = UUID(str(story.record("untold", unit)["asset_id"]))
    await story.flag(untold)
    found = {item["asset_id"]: item for item in (await story.call("GET", "/cases"))["items"]}
    parts = ("name", "platform", "address", "unit_id", "unit_name")
    nothing = found.pop(str(untold))
    assert [nothing[part] for part in parts] == [None] * 5
    (item,) = found.values()
    assert [item[part] for part in parts] == ["named", "x", "https://x.example/named", str(unit), "alpha"]
    one = await story.call("GET", f"/cases/{item['case_id']}")
    assert [one[part] for part in parts] == [item[part] for part in parts]


@pytest.mark.parametrize("cursor", ["x", str(UUID(int=1)), "f" + "_" * 31, "A" * 33, "%00"])
async def test_a_cursor_that_nobody_gave_out_is_refused_by_its_name(story: Story, cursor: str) -> None:
    for what in TIMES:
        reply = await story.request("GET", f"/{what}?cursor={cursor}")
        assert reply.status_code == 422, what
        assert [error["field"].split(".")[-1] for error in reply.json()["errors"]] == ["cursor"]


async def test_the_cursor_of_a_list_leads_on_where_nothing_is_left(story: Story, unit: UUID) -> None:
    await story.flagged("a", unit)
    long_ago = paging.cursor(datetime(2001, 1, 1, tzinfo=UTC), UUID(int=0))
    assert await story.call("GET", f"/cases?cursor={long_ago}") == {"items": [], "next": None}


MANY = 4000
FILL = [
    """insert into cases (case_id, asset_id, ordinal, finding_id, rule, state, version, opened_at, windows)
       select gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'C15',
              case when n % 1000 = 0 then 'undelivered' else 'ended' end, 1,
              timestamptz '2025-01-01' + n * interval '1 min', '{}'
       from generate_series(1, $1) n""",
    """insert into plans (plan_id, sealed_on, content, sha256, state, sealed_at)
       select gen_random_uuid(), date '1990-01-01' + n, '{}', 's',
              case when n % 1000 = 0 then 'sealed' else 'approved' end, timestamptz '2025-01-01' + n * interval '1 min'
       from generate_series(1, $1) n""",
    """insert into alarms (alarm_id, kind, text_zh, text_en, at, state)
       select gen_random_uuid(), case when n % 1000 < 2 then 'rare' else 'usual' end, 'z', 'e',
              timestamptz '2025-01-01' + n * interval '1 min', case when n % 1000 = 0 then 'open' else 'ended' end
       from generate_series(1, $1) n""",
    """insert into mandates (mandate_id, rule, max_per_day, until, proposed_by, proposed_at)
       select gen_random_uuid(), 'C15', 1, '2025-12-31', 'p', timestamptz '2025-01-01' + n * interval '1 min'
       from generate_series(1, $1) n""",
]
NO_CASE = {"state": None, "asset_id": None, "below": None}
NO_ALARM = {"kind": None, "state": None, "lasting": False}
STORES = {"cases": case_store, "plans": plan_store, "alarms": alarm_store, "mandates": mandate_store}
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("case_list", "cases", NO_CASE),
    ("case_list", "cases", NO_CASE | {"state": "undelivered"}),
    ("case_list", "cases", NO_CASE | {"state": "ended"}),
    ("case_list", "cases", NO_CASE | {"asset_id": uuid4()}),
    ("plan_list", "plans", {"state": None}),
    ("plan_list", "plans", {"state": "sealed"}),
    ("alarm_list", "alarms", NO_ALARM),
    ("alarm_list", "alarms", NO_ALARM | {"lasting": True}),
    ("alarm_list", "alarms", NO_ALARM | {"state": "open"}),
    ("alarm_list", "alarms", NO_ALARM | {"kind": "rare"}),
    ("alarm_list", "alarms", NO_ALARM | {"kind": "rare", "state": "open"}),
    ("alarm_list", "alarms", NO_ALARM | {"kind": "usual", "lasting": True}),
    ("mandate_list", "mandates", {}),
]


async def test_a_page_costs_what_its_rows_do_whatever_is_asked_for(story: Story) -> None:
    conn = await asyncpg.connect(story.urls.owner)
    try:
        for fill in FILL:
            await conn.execute(fill, MANY)
        await conn.execute("analyze")
        middle = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=MANY // 2)
        for at, which in ((None, None), (middle, UUID(int=0))):
            for name, table, filters in ASKED:
                query, place = getattr(STORES[table].QUERIES, name), {"at": at, "which": which, "max_rows": 11}
                read = await rows_read(conn, query, table, **filters, **place)
                assert read <= 30, (name, filters, at, read)
    finally:
        await conn.close()
