"""Findings come newest first with the names of asset and unit, and a page costs what its rows do."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from libs.common.events import ids
from libs.common.events.registry import UnitName, UnitRecorded
from services.monitor.units import usecases as unit_usecases
from services.monitor.verdicts.store import QUERIES
from tests.conftest import Urls
from tests.integration.monitor.conftest import Monitor, bearer
from tests.kit.reading import rows_read

UNIT = ids.unit_id("test", "alpha")


async def name_unit(monitor: Monitor, *names: tuple[str, str], version: int = 1) -> None:
    spoken = tuple(UnitName(language=language, text=text) for language, text in names)
    record = UnitRecorded(unit_id=UNIT, version=version, scheme="test", value="alpha", names=spoken)
    await unit_usecases.record_unit(monitor.database, record)


async def listed(http: httpx.AsyncClient, query: str = "") -> list[dict[str, object]]:
    reply = await http.get(f"/findings?{query}", headers=bearer("viewer"))
    assert reply.status_code == 200, reply.text
    return list(reply.json()["items"])


async def test_findings_come_newest_first_with_the_names_of_asset_and_unit(
    http: httpx.AsyncClient, monitor: Monitor
) -> None:
    await name_unit(monitor, ("en", "Office"), ("zh", "办公厅"))
    first = await monitor.record("first", sponsor_id=UNIT)
    for number in range(16):
        await monitor.full_day(number, [first])
    await monitor.sweep()
    second = await monitor.record("second", listed=1)
    for number in range(16, 32):
        await monitor.full_day(number, [first, second])
        await monitor.sweep()
    items = await listed(http, "rule=C06")
    assert [item["name"] for item in items] == ["second", "first"]
    parts = ("address", "platform", "unit_id", "unit_name")
    assert [items[1][part] for part in parts] == ["https://weibo.example/first", "weibo", str(UNIT), "办公厅"]
    assert items[0]["unit_name"] is None, "nobody has told of that unit"
    one = await http.get(f"/findings/{items[1]['finding_id']}", headers=bearer("viewer"))
    assert one.json() == items[1]


async def test_a_unit_told_before_names_were_kept_is_read_again(monitor: Monitor) -> None:
    await name_unit(monitor, ("en", "Office"))
    assert not await unit_usecases.units_incomplete(monitor.database)
    await name_unit(monitor, ("en", "An older word"))
    assert await monitor.database.pool.fetchval("select name from units") == "Office", "the same version says the same"
    await monitor.database.pool.execute("update units set name = null")
    assert await unit_usecases.units_incomplete(monitor.database)
    await name_unit(monitor, ("en", "Office"))
    assert not await unit_usecases.units_incomplete(monitor.database)


@pytest.mark.parametrize("cursor", ["x", str(UUID(int=1)), "f" + "_" * 31])
async def test_a_cursor_that_nobody_gave_out_is_refused_by_its_name(http: httpx.AsyncClient, cursor: str) -> None:
    reply = await http.get(f"/findings?cursor={cursor}", headers=bearer("viewer"))
    assert reply.status_code == 422
    assert [error["field"].split(".")[-1] for error in reply.json()["errors"]] == ["cursor"]


FILL = """insert into findings (finding_id, asset_id, rule, ordinal, state, verdict, proposal, pack, pack_version,
              condition, basis, label, clears_when, signals, opened_on, opened_at, cleared_on)
          select gen_random_uuid(), gen_random_uuid(), case when n % 1000 < 2 then 'C15' else 'C06' end, 1,
              case when n % 1000 = 0 then 'open' else 'cleared' end, 'IDLE', 'correction', 'p', '1.0.0', 'x > 1', 'b',
              'FOUND', 'c', '[]', '2025-06-01', timestamptz '2025-01-01' + n * interval '1 min',
              case when n % 1000 = 0 then null else date '2025-06-02' end
          from generate_series(1, $1) n"""
NOTHING = dict.fromkeys(("state", "rule", "asset_id", "opened_from", "opened_to", "watched", "below"))


async def test_a_page_costs_what_its_rows_do_whatever_is_asked_for(
    fresh_database: Callable[[str], Awaitable[Urls]],
) -> None:
    conn = await asyncpg.connect((await fresh_database("monitor")).owner)
    try:
        await conn.execute(FILL, 4000)
        await conn.execute("analyze")
        middle = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=2000)
        filters: list[dict[str, object]] = [
            {},
            {"state": "open"},
            {"rule": "C15"},
            {"rule": "C15", "state": "open"},
            {"asset_id": uuid4()},
        ]
        for at, which in ((None, None), (middle, UUID(int=0))):
            for asked in filters:
                given = NOTHING | asked | {"at": at, "which": which, "max_rows": 11}
                read = await rows_read(conn, QUERIES.finding_list, "findings", **given)
                assert read <= 30, (asked, at, read)
    finally:
        await conn.close()
