"""Rows to domain and back. Takes a connection, never commits."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db.pool import Connection, load_queries
from libs.common.events.monitor import SignalRead
from libs.common.events.registry import AssetRecord
from services.monitor.admissions import domain as vouching
from services.monitor.usage import fold, sketches
from services.monitor.verdicts import domain

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
JUDGED_STATEMENTS = 128  # enough for the longest look-back, rhythm and the usual number together


class RaceLost(Exception):
    """Another writer made a row between our reading and our writing; the transaction has to be run again."""


async def put_asset(conn: Connection, record: AssetRecord) -> bool:
    """Hold a record of the register; False when one of the same or a higher version is held."""
    fields = record.model_dump(exclude={"incarnation", "language", "changed_at", "tombstone_path"})
    return bool(await QUERIES.asset_put(conn, **fields))


async def merge_usage(conn: Connection, sheet: fold.Sheet) -> None:
    """Add a fold to what is held. Raises RaceLost when another writer came in between."""
    rows = sheet.counters
    if rows:
        assets, measures, days = [r.asset_id for r in rows], [r.measure for r in rows], [r.day for r in rows]
        wanted = [row.users is not None for row in rows]
        held = {
            (str(row["asset_id"]), row["measure"], row["day"]): row["users"]
            async for row in QUERIES.usage_lock(conn, assets=assets, measures=measures, days=days, wanted=wanted)
        }
        users: list[bytes | None] = []
        estimates: list[int | None] = []
        for row in rows:
            sketch = row.users
            before = held.get((row.asset_id, row.measure, row.day))
            if sketch is not None and before is not None:
                sketch = sketches.merge(sketches.restored(before), sketch)
            users.append(None if sketch is None else sketches.stored(sketch))
            estimates.append(None if sketch is None else sketches.estimate(sketch))
        totals = [row.total for row in rows]
        fresh = await QUERIES.usage_put(
            conn, assets=assets, measures=measures, days=days, totals=totals, users=users, estimates=estimates
        )
        if fresh != len(rows) - len(held):
            raise RaceLost
    if sheet.gauges:
        await QUERIES.gauges_put(
            conn,
            assets=[g.asset_id for g in sheet.gauges],
            measures=[g.measure for g in sheet.gauges],
            days=[g.day for g in sheet.gauges],
            values_=[g.value for g in sheet.gauges],
            stamps=[g.ts for g in sheet.gauges],
            sources=[g.source for g in sheet.gauges],
        )
    if sheet.received:
        sources, on, counts = zip(*sheet.received, strict=True)
        turned = [row async for row in QUERIES.received_put(conn, sources=sources, days=on, counts=counts)]
        for row in turned:
            await recount(conn, row["source"], row["day"], row["counted"], row["due"])


async def recount(conn: Connection, source: str, day: date, counted: bytes | None, due: bytes | None) -> None:
    """Bring the vouched days of the covered assets in line with a source's day; `due` None: it is not whole.

    The caller holds the row of the source's day. Vouched days of one source change under one lock, since two
    days share their assets.
    """
    if counted == due:
        return
    await QUERIES.vouch_lock(conn, source=source)
    if counted is not None:
        await QUERIES.unvouch(conn, source=source, day=day, cover=counted)
    if due is not None:
        await QUERIES.vouch(conn, source=source, day=day, cover=due)
    await QUERIES.counted_put(conn, source=source, day=day, counted=due)


async def hold_cover(conn: Connection, assets: Sequence[UUID]) -> bytes:
    """Keep a list of covered assets once; its key is the hash of the sorted ids."""
    ids = sorted({asset.bytes for asset in assets})
    cover = hashlib.sha256(b"".join(ids)).digest()
    await QUERIES.cover_put(conn, cover=cover, assets=[UUID(bytes=raw) for raw in ids])
    return cover


async def watch(conn: Connection, source: str, day: date, within: bytes, due: bytes | None) -> None:
    """Remember that a source speaks of these assets; a whole day says so by what it vouches for."""
    if due is None:
        await QUERIES.vouch_lock(conn, source=source)
        await QUERIES.watch(conn, source=source, day=day, cover=within)


def admission(row: Any) -> vouching.Admission:
    """One version of what a source may do."""
    parts = (None if row[name] is None else tuple(row[name]) for name in ("units", "platforms", "kinds", "assets"))
    scope = vouching.Scope(row["everything"], *parts)
    agents, measures = tuple(row["agents"]), tuple(row["measures"])
    return vouching.Admission(row["since"], row["admitted"], agents, measures, scope, row["reason"])


async def admission_on(conn: Connection, source: str, day: date) -> vouching.Admission | None:
    """The version in force on a day; None before the first."""
    row = await QUERIES.admission_on(conn, source=source, day=day)
    return None if row is None else admission(row)


async def latest_admission(conn: Connection, source: str) -> vouching.Admission | None:
    """What was decided last of a source, be it of days to come."""
    row = await QUERIES.admission_latest(conn, source=source)
    return None if row is None else admission(row)


async def record_change(
    conn: Connection, source: str, what: str, before: Any, after: Any, *, actor: str, at: datetime
) -> None:
    """Record who changed what a source may do."""
    await QUERIES.source_change_put(
        conn,
        source=source,
        what=what,
        before=None if before is None else msgspec.json.encode(before).decode(),
        after=msgspec.json.encode(after).decode(),
        actor=actor,
        at=at,
    )


async def put_admission(
    conn: Connection, source: str, decided: vouching.Admission, *, actor: str, at: datetime
) -> None:
    """Add one version of what a source may do."""
    scope = decided.scope
    await QUERIES.admission_put(
        conn,
        source=source,
        since=decided.since,
        admitted=decided.admitted,
        agents=decided.agents,
        measures=decided.measures,
        everything=scope.everything,
        units=scope.units,
        platforms=scope.platforms,
        kinds=scope.kinds,
        assets=scope.assets,
        reason=decided.reason,
        decided_by=actor,
        decided_at=at,
    )


async def admitted(conn: Connection, today: date) -> dict[str, vouching.Admitted]:
    """The sources that are admitted today."""
    return {
        row["source"]: vouching.Admitted(frozenset(row["agents"]), frozenset(row["measures"]))
        async for row in QUERIES.admissions_on(conn, day=today)
    }


async def within(conn: Connection, source: str, days: Sequence[date], assets: Sequence[UUID]) -> list[UUID]:
    """Those of the assets that a source was admitted for on each of the days, in the order given."""
    rows = QUERIES.assets_within(conn, source=source, days=days, assets=assets)
    found = {row["asset_id"] async for row in rows}
    return [asset for asset in assets if asset in found]


def terms(row: Any) -> domain.Terms:
    return domain.Terms(row["rhythm_days"], float(row["floor_share"]), row["lookback_days"])


async def healths(conn: Connection, today: date) -> dict[str, domain.Health]:
    """The health of every source on a business day, from what is held now."""
    days: dict[str, list[domain.SourceDay]] = {}
    async for row in QUERIES.stated_days(conn, today=today, max_rows=JUDGED_STATEMENTS):
        found = domain.SourceDay(row["day"], row["received"], row["stated"], row["covered"])
        days.setdefault(row["source"], []).append(found)
    return {
        row["source"]: domain.judge_source(terms(row), row["admitted_on"], days.get(row["source"], ()), today)
        async for row in QUERIES.source_list(conn, today=today)
    }


async def evaluate(
    conn: Connection, rules_sql: str, assets: Sequence[UUID], today: date, healthy: Sequence[str]
) -> list[Any]:
    """The signals of the given assets and the truth of every rule, in the order of their ids; one statement."""
    statement = f"with signals as ({QUERIES.signals_on.sql.rstrip().rstrip(';')}) {rules_sql} order by asset_id"
    given = {"day": today, "assets": list(assets), "healthy": list(healthy)}
    return await conn.fetch(statement, *(given[name] for name in QUERIES.signals_on.parameters))


async def open_findings(conn: Connection, found: Sequence[dict[str, Any]], *, on: date, at: datetime) -> None:
    """Hold new findings, with the signals that each was opened by."""
    if found:
        await QUERIES.findings_put(conn, found=msgspec.json.encode(found).decode(), opened_on=on, opened_at=at)


async def clear_findings(conn: Connection, reasons: dict[UUID, str], *, on: date, at: datetime) -> None:
    """End findings, each for its reason."""
    if reasons:
        await QUERIES.findings_clear(
            conn, findings=list(reasons), reasons=list(reasons.values()), cleared_on=on, cleared_at=at
        )


def dump(signals: Sequence[SignalRead]) -> list[dict[str, Any]]:
    """Evidence as it is kept."""
    return [signal.model_dump(mode="json") for signal in signals]


def evidence(text: str) -> tuple[SignalRead, ...]:
    return tuple(SignalRead.model_validate(item) for item in msgspec.json.decode(text))
