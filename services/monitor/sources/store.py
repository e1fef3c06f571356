"""Sources, their days, and the days for which they vouch for each asset. Takes a connection, never commits."""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.monitor.sources.health import Health, SourceDay, Terms, judge_source

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
JUDGED_STATEMENTS = 128  # enough for the longest look-back, rhythm and the usual number together


def terms(row: Any) -> Terms:
    return Terms(
        rhythm_days=row["rhythm_days"], floor_share=float(row["floor_share"]), lookback_days=row["lookback_days"]
    )


async def healths(conn: Connection, today: date) -> dict[str, Health]:
    """The health of every source on a business day, from stored data."""
    days: dict[str, list[SourceDay]] = {}
    async for row in QUERIES.stated_days(conn, today=today, max_rows=JUDGED_STATEMENTS):
        day = SourceDay(day=row["day"], received=row["received"], stated=row["stated"], covered=row["covered"])
        days.setdefault(row["source"], []).append(day)
    return {
        row["source"]: judge_source(terms(row), row["admitted_on"], days.get(row["source"], ()), today)
        async for row in QUERIES.source_list(conn, today=today)
    }


async def recount(conn: Connection, source: str, day: date, counted: bytes | None, due: bytes | None) -> None:
    """Bring the vouched days of the covered assets in line with a source's day; `due` None: it is not whole.

    The caller has locked the row of the source's day. Vouched days of one source change under one lock, since two
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


async def keep_cover(conn: Connection, assets: Sequence[UUID]) -> bytes:
    """Keep a list of covered assets once; its key is the hash of the sorted ids."""
    ids = sorted({asset.bytes for asset in assets})
    cover = hashlib.sha256(b"".join(ids)).digest()
    await QUERIES.cover_put(conn, cover=cover, assets=[UUID(bytes=raw) for raw in ids])
    return cover


async def watch(conn: Connection, source: str, day: date, within: bytes, due: bytes | None) -> None:
    """Record that a source reports on these assets; a whole day records it by the assets that it vouches for."""
    if due is None:
        await QUERIES.vouch_lock(conn, source=source)
        await QUERIES.watch(conn, source=source, day=day, cover=within)
