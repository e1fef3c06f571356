"""Business time never runs backwards, whatever clock is started over whatever data."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from deploy.local.external import Outside
from deploy.local.stack import Options, Stack
from deploy.local.subprocesses import StackError
from libs.common.clock import ClockBehind
from libs.common.db.pool import Database
from libs.common.process import latest
from libs.common.process.runtime import Runtime, open_runtime
from services import SERVICES
from services.decommission.settings import Settings as Decommission
from services.monitor.settings import Settings as Monitor
from services.registry.settings import Settings as Registry
from tests.conftest import ROOT, Urls

ZONE = ZoneInfo("America/Toronto")
SETTINGS: dict[str, Any] = {"registry": Registry, "monitor": Monitor, "decommission": Decommission}
EARLIER, LATER = datetime(2031, 3, 1, 15, tzinfo=UTC), datetime(2031, 3, 5, 4, 30, tzinfo=UTC)
# What makes business time stand in each database: one row of a table that is written at an instant.
ROWS = {
    "registry": "insert into units (unit_id, version, scheme, value, changed_at)"
    " values ($2, 1, 's', $2::uuid::text, $1)",
    "monitor": "insert into source_changes (source, what, after, actor, at)"
    " values ($2::uuid::text, 'terms', '{}', 'a', $1)",
    "decommission": "insert into alarms (alarm_id, kind, text_zh, text_en, at) values ($2, 'k', 'z', 'e', $1)",
}
# Instants that need not be asked for, since another that is asked for is written with them, or never lies before them.
WITH_ANOTHER = {
    "registry": {"assets.changed_at"},
    "monitor": set(),
    "decommission": {"cases.due_at"},
}


@pytest.fixture
async def houses(fresh_database: Callable[[str], Awaitable[Urls]]) -> dict[str, Urls]:
    """A database of its own for each service."""
    return {service: await fresh_database(service) for service in SERVICES}


async def happened(service: str, urls: Urls, at: datetime) -> None:
    """Something is written down in a service's database at an instant of business time."""
    conn = await asyncpg.connect(urls.owner)
    try:
        await conn.execute(ROWS[service], at, uuid4())
    finally:
        await conn.close()


def settings(service: str, urls: Urls, clock: str, folder: Path) -> Any:
    more = {"signing_key_file": folder / "key", "archive_dir": folder} if service == "decommission" else {}
    return SETTINGS[service](
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        JIANFU_PROFILE="local",
        JIANFU_CLOCK=clock,
        JIANFU_TIMEZONE=ZONE.key,
        JIANFU_ISSUER_JWKS_FILE=folder / "jwks",
        database_url=urls.service,
        listen="127.0.0.1:0",
        **more,
    )


async def opened(service: str, urls: Urls, clock: str, folder: Path) -> Runtime:
    return await open_runtime(settings(service, urls, clock, folder), ROOT / "services" / service / "migrations", "api")


async def said(service: str, urls: Urls, clock: str, folder: Path) -> datetime:
    """What a service's clock says at its start."""
    base = await opened(service, urls, clock, folder)
    await base.database.close()
    return base.clock.now()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_stepped_clock_starts_where_the_data_is(service: str, houses: dict[str, Urls], tmp_path: Path) -> None:
    urls = houses[service]
    assert await said(service, urls, "stepped", tmp_path) == datetime(2000, 1, 1, tzinfo=UTC)
    await happened(service, urls, EARLIER)
    assert await said(service, urls, "stepped", tmp_path) == EARLIER
    conn = await asyncpg.connect(urls.owner)
    await conn.execute("insert into business_clock (instant) values ($1)", EARLIER - timedelta(days=3))
    assert await said(service, urls, "stepped", tmp_path) == EARLIER
    await conn.execute("update business_clock set instant = $1", LATER)
    await conn.close()
    assert await said(service, urls, "stepped", tmp_path) == LATER


@pytest.mark.parametrize("service", SERVICES)
async def test_a_system_clock_behind_the_data_refuses_to_start(
    service: str, houses: dict[str, Urls], tmp_path: Path
) -> None:
    urls = houses[service]
    await happened(service, urls, datetime.now(UTC) - timedelta(days=1))
    assert abs(await said(service, urls, "system", tmp_path) - datetime.now(UTC)) < timedelta(minutes=1)
    ahead = datetime.now(UTC) + timedelta(seconds=20)
    await happened(service, urls, ahead)
    assert await said(service, urls, "system", tmp_path) == ahead, "of two machines one is a little ahead"
    await happened(service, urls, datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(ClockBehind, match=r"--clock stepped.*--data") as refused:
        await opened(service, urls, "system", tmp_path)
    assert "校准本机时钟" in refused.value.text.zh


async def test_a_day_that_was_swept_is_a_day_that_has_begun(houses: dict[str, Urls], tmp_path: Path) -> None:
    conn = await asyncpg.connect(houses["monitor"].owner)
    await conn.execute(
        "insert into sweeps (day, healthy, packs, counts) values ($1, '{}', '{}', '{}')", date(2031, 3, 5)
    )
    await conn.close()
    begun = await said("monitor", houses["monitor"], "stepped", tmp_path)
    assert begun == datetime(2031, 3, 5, tzinfo=ZONE)


def stack_of(houses: dict[str, Urls], clock: str, folder: Path) -> Stack:
    """`jianfu up` over these databases, as it stands before it starts anything."""
    outside = Outside(
        databases={name: urls.service for name, urls in houses.items()},
        migrators={name: urls.owner for name, urls in houses.items()},
    )
    stack = Stack(Options(folder, clock=clock, timezone=ZONE.key), outside)
    stack._made = stack._decided()
    return stack


async def test_the_three_services_go_on_together_from_the_latest_of_them(
    houses: dict[str, Urls], tmp_path: Path
) -> None:
    """One had come further than another when the house was killed, and the third has seen nothing."""
    await happened("registry", houses["registry"], EARLIER)
    await happened("decommission", houses["decommission"], LATER)
    await stack_of(houses, "stepped", tmp_path)._set_clocks()
    for service in SERVICES:
        assert await said(service, houses[service], "stepped", tmp_path) == LATER
    await stack_of(houses, "stepped", tmp_path)._set_clocks()
    assert await said("monitor", houses["monitor"], "stepped", tmp_path) == LATER


async def test_a_house_whose_data_is_ahead_of_the_system_clock_does_not_start(
    houses: dict[str, Urls], tmp_path: Path
) -> None:
    stack = stack_of(houses, "system", tmp_path)
    await stack._set_clocks()
    await happened("monitor", houses["monitor"], LATER)
    with pytest.raises(StackError, match=r"2031-03-05.*--clock stepped.*2031-03-05.*--clock stepped"):
        await stack._set_clocks()


async def test_a_house_in_which_nothing_happened_starts_with_any_clock(houses: dict[str, Urls], tmp_path: Path) -> None:
    for service in SERVICES:
        database = await Database.connect(houses[service].service, name=service, size=1)
        async with database.reading() as conn:
            assert await latest.business_time(conn, ROOT / "services" / service, ZONE) is None
        await database.close()
    await stack_of(houses, "stepped", tmp_path)._set_clocks()
    assert await said("registry", houses["registry"], "stepped", tmp_path) == datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_instant_of_business_time_is_asked_for(service: str, houses: dict[str, Urls]) -> None:
    """One that a migration adds belongs into `latest.sql`; those that the database sets itself are machine time."""
    conn = await asyncpg.connect(houses[service].owner)
    rows = await conn.fetch(
        "select c.table_name || '.' || c.column_name as name from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where table_schema = 'public' and t.table_type = 'BASE TABLE' and data_type = 'timestamp with time zone'"
        " and column_default is null and table_name <> 'business_clock'"
    )
    await conn.close()
    text = (ROOT / "services" / service / "latest.sql").read_text()
    asked = {f"{table}.{column}" for column, table in re.findall(r"\(select (?:max\()?(\w+)\)? from (\w+)\)", text)}
    assert {row["name"] for row in rows} - asked == WITH_ANOTHER[service]
