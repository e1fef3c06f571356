"""The vanishing guard: disappearances are counted per source and rolling day; beyond the limit a person decides."""

from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter

from libs.common import days
from libs.common.db.pool import Connection
from libs.common.ids import derive
from services.registry.assets import domain
from services.registry.assets.domain import Asset, Policy
from services.registry.assets.store import QUERIES, Cause

log = structlog.get_logger()
VANISHED = Counter("jianfu_registry_disappearances_total", "Disappearances, by what became of them.", ["state"])


async def may_vanish(conn: Connection, asset: Asset, cause: Cause, *, now: datetime, policy: Policy) -> bool:
    """Count one disappearance, or hold it when its source has lost too many; what is held stays for a person."""
    left = await room(conn, asset.source, now=now, policy=policy)
    allowed = left > 0 and not await QUERIES.is_held(conn, asset_id=asset.asset_id)
    await note(conn, asset, cause, now=now, state="applied" if allowed else "held")
    return allowed


async def room(conn: Connection, source: str, *, now: datetime, policy: Policy, added: int = 0) -> int:
    """How many more assets of a source may vanish in the rolling day that ends now: since this time of yesterday.

    Takes the source's lock: lock assets before. `added` are assets that a preview would list.
    """
    await QUERIES.source_lock(conn, source=source)
    gone = await QUERIES.vanished_since(conn, source=source, since=days.same_time(now, -1, policy.zone))
    listed = await QUERIES.listed_by(conn, source=source) + gone + added
    return int(domain.guard_limit(listed, source, policy) - gone)


async def held_among(conn: Connection, asset_ids: list[UUID]) -> set[UUID]:
    """Those of these assets whose disappearance waits for a person."""
    return {row["asset_id"] async for row in QUERIES.held_among(conn, asset_ids=asset_ids)}


async def note(conn: Connection, asset: Asset, cause: Cause, *, now: datetime, state: str) -> None:
    """Write down a disappearance as `applied` or `held`; the same one again changes nothing."""
    which = derive("disappearance", asset.asset_id, asset.version, cause.event)
    VANISHED.labels(state).inc()
    if state == "held":
        log.warning("disappearance-held", asset_id=str(asset.asset_id), source=asset.source)
    await QUERIES.disappearance_add(
        conn, disappearance_id=which, source=asset.source, asset_id=asset.asset_id, at=now, cause=cause.event,
        state=state,
    )  # fmt: skip


async def listed_again(conn: Connection, asset_id: UUID, cause: Cause, *, now: datetime) -> None:
    """The source lists what it was held to have dropped: there is nothing left to decide."""
    await QUERIES.disappearance_withdrawn(
        conn, asset_id=asset_id, decided_by=cause.actor, reason="the source lists it again", at=now
    )
