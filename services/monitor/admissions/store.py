"""Admissions by version, and the history of sources' permissions. Takes a connection, never commits."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.monitor.admissions.domain import Admission, Admitted, Scope

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
SCOPE = ("units", "platforms", "kinds", "assets")


def admission(row: Any) -> Admission:
    """One version of a source's permissions."""
    parts = {name: None if row[name] is None else tuple(row[name]) for name in SCOPE}
    return Admission(
        since=row["since"],
        admitted=row["admitted"],
        agents=tuple(row["agents"]),
        measures=tuple(row["measures"]),
        scope=Scope(everything=row["everything"], **parts),
        reason=row["reason"],
    )


async def admission_on(conn: Connection, source: str, day: date) -> Admission | None:
    """The version in force on a day; None before the first."""
    row = await QUERIES.admission_on(conn, source=source, day=day)
    return None if row is None else admission(row)


async def latest_admission(conn: Connection, source: str) -> Admission | None:
    """The latest decision on a source, even for days to come."""
    row = await QUERIES.admission_latest(conn, source=source)
    return None if row is None else admission(row)


async def put_admission(conn: Connection, source: str, decided: Admission, *, actor: str, at: datetime) -> None:
    """Add one version of a source's permissions."""
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


async def admitted(conn: Connection, today: date) -> dict[str, Admitted]:
    """The sources that are admitted today."""
    return {
        row["source"]: Admitted(agents=frozenset(row["agents"]), measures=frozenset(row["measures"]))
        async for row in QUERIES.admissions_on(conn, day=today)
    }


async def within(conn: Connection, source: str, days: Sequence[date], assets: Sequence[UUID]) -> list[UUID]:
    """Those of the assets that a source was admitted for on each of the days, in the order given."""
    rows = QUERIES.assets_within(conn, source=source, days=days, assets=assets)
    covered = {row["asset_id"] async for row in rows}
    return [asset for asset in assets if asset in covered]


async def exists(conn: Connection, source: str) -> bool:
    """Whether a source ever had a decision or terms."""
    return bool(await QUERIES.source_exists(conn, source=source))


async def record_change(
    conn: Connection,
    source: str,
    change: Literal["terms", "admission", "withdrawal"],
    before: Any,
    after: Any,
    *,
    actor: str,
    at: datetime,
) -> None:
    """Record a change of a source's permissions and its actor."""
    await QUERIES.source_change_put(
        conn,
        source=source,
        what=change,
        before=None if before is None else msgspec.json.encode(before).decode(),
        after=msgspec.json.encode(after).decode(),
        actor=actor,
        at=at,
    )
