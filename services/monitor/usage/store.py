"""Merges folds of usage into the stored days. Takes a connection, never commits."""

from collections.abc import Sequence
from pathlib import Path

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.monitor.sources import store as source_store
from services.monitor.usage import sketches
from services.monitor.usage.fold import Counter, FoldResult, Gauge

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


class RaceLost(Exception):
    """Another writer made a row between our reading and our writing; the transaction has to be run again."""


async def merge_usage(conn: Connection, folded: FoldResult) -> None:
    """Add a fold to the stored days. Raises RaceLost when another writer came in between."""
    if folded.counters:
        await _merge_counters(conn, folded.counters)
    if folded.gauges:
        await _put_gauges(conn, folded.gauges)
    if folded.received:
        sources, days, counts = zip(*folded.received, strict=True)
        turned = [row async for row in QUERIES.received_put(conn, sources=sources, days=days, counts=counts)]
        for row in turned:
            await source_store.recount(conn, row["source"], row["day"], row["counted"], row["due"])


async def _merge_counters(conn: Connection, rows: Sequence[Counter]) -> None:
    assets, measures, days = [r.asset_id for r in rows], [r.measure for r in rows], [r.day for r in rows]
    wanted = [row.users is not None for row in rows]
    stored = {
        (str(row["asset_id"]), row["measure"], row["day"]): row["users"]
        async for row in QUERIES.usage_lock(conn, assets=assets, measures=measures, days=days, wanted=wanted)
    }
    users: list[bytes | None] = []
    estimates: list[int | None] = []
    for row in rows:
        sketch = row.users
        before = stored.get((row.asset_id, row.measure, row.day))
        if sketch is not None and before is not None:
            sketch = sketches.merge(sketches.restored(before), sketch)
        users.append(None if sketch is None else sketches.stored(sketch))
        estimates.append(None if sketch is None else sketches.estimate(sketch))
    totals = [row.total for row in rows]
    fresh = await QUERIES.usage_put(
        conn, assets=assets, measures=measures, days=days, totals=totals, users=users, estimates=estimates
    )
    if fresh != len(rows) - len(stored):
        raise RaceLost


async def _put_gauges(conn: Connection, gauges: Sequence[Gauge]) -> None:
    await QUERIES.gauges_put(
        conn,
        assets=[g.asset_id for g in gauges],
        measures=[g.measure for g in gauges],
        days=[g.day for g in gauges],
        values_=[g.value for g in gauges],
        stamps=[g.ts for g in gauges],
        sources=[g.source for g in gauges],
    )
