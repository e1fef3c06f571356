"""The vanishing guard: disappearances are counted per source and rolling day; beyond the limit a person decides."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import structlog

from libs.common import days
from libs.common.db.pool import Connection, Database
from libs.common.errors import Missing
from libs.common.ids import derive
from libs.common.text import Text
from services.registry.assets import domain as asset_domain
from services.registry.assets import store as asset_store
from services.registry.assets import usecases as asset_usecases
from services.registry.assets.domain import Asset, Outcome, Policy
from services.registry.assets.store import Cause
from services.registry.guard import domain
from services.registry.guard.domain import AlreadyDecided, Span
from services.registry.guard.store import QUERIES
from services.registry.metrics import VANISHED
from services.registry.spelling.texts import clean

log = structlog.get_logger()
PAGE = 200  # disappearances of one transaction
MOST = 5_000  # disappearances of one call; the next call decides the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The outcome of a decision on one disappearance, and its asset."""

    outcome: Outcome
    asset_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDecided:
    """The number of decisions by outcome, and how many disappearances of the source and day still wait."""

    outcomes: Counter[str]
    left: int


async def may_vanish(conn: Connection, asset: Asset, cause: Cause, *, now: datetime, policy: Policy) -> bool:
    """Count one disappearance, or keep it for a person when its source has lost too many or it is pending already."""
    left = await room(conn, asset.source, now=now, policy=policy)
    allowed = left > 0 and not await QUERIES.is_pending(conn, asset_id=asset.asset_id)
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


async def note(
    conn: Connection, asset: Asset, cause: Cause, *, now: datetime, state: Literal["applied", "held"]
) -> None:
    """Record a disappearance; repeating it changes nothing. A `held` one waits for a person."""
    disappearance_id = derive("disappearance", asset.asset_id, asset.version, cause.event)
    VANISHED.labels(state).inc()
    if state == "held":
        log.warning("disappearance-held", asset_id=str(asset.asset_id), source=asset.source)
    await QUERIES.disappearance_add(
        conn,
        disappearance_id=disappearance_id,
        source=asset.source,
        asset_id=asset.asset_id,
        at=now,
        cause=cause.event,
        state=state,
    )


async def listed_again(conn: Connection, asset_id: UUID, cause: Cause, *, now: datetime) -> None:
    """Drop the pending disappearance of an asset that its source lists again."""
    await QUERIES.disappearance_withdrawn(
        conn, asset_id=asset_id, decided_by=cause.actor, reason="the source lists it again", at=now
    )


async def vanish_together(
    conn: Connection,
    assets: Sequence[Asset],
    cause: Cause,
    *,
    source: str,
    on: date,
    now: datetime,
    waiting: Collection[UUID],
) -> None:
    """Let the locked assets that a source's list of the day `on` takes away vanish, but for those `waiting`.

    An asset that has moved on meanwhile, or of which its source has spoken of a later day, is left alone.
    """
    for asset in assets:
        if asset.running == "gone" or asset.record == "closed" or asset.stated_on > on:
            continue
        if asset.asset_id in waiting:
            await note(conn, asset, cause, now=now, state="held")
            await asset_store.stated(conn, [asset.asset_id], on)
            continue
        await note(conn, asset, cause, now=now, state="applied")
        after, outcome = asset_domain.delist(asset, asset.canonical, source, now=now, on=on)
        await asset_usecases.save(conn, after, outcome, cause)


async def decide_one(
    database: Database, disappearance_id: UUID, *, go: bool, reason: str, actor: str, now: datetime
) -> Decided:
    """A person lets a pending disappearance happen, or drops it. The same decision again changes nothing.

    Raises Missing for an unknown id, AlreadyDecided when the other decision was taken.
    """
    wanted = "applied" if go else "dropped"
    async with database.transaction("decide_held") as conn:
        listed = await QUERIES.disappearance_get(conn, disappearance_id=disappearance_id)
        if listed is None:
            raise Missing(what=Text(f"消失记录 {disappearance_id}", f"disappearance {disappearance_id}"))
        asset = await asset_usecases.known(conn, listed["asset_id"])  # the asset first: intake locks in this order too
        row = await QUERIES.disappearance_lock(conn, disappearance_id=disappearance_id)
        if row["state"] == wanted:
            return Decided(outcome="gone" if go else "unchanged", asset_id=asset.asset_id)
        if row["state"] != "held":
            raise AlreadyDecided(state=row["state"])
        reason = clean("reason", reason)
        outcome = await _decide(conn, asset, row, go=go, reason=reason, actor=actor, now=now)
    return Decided(outcome=outcome, asset_id=asset.asset_id)


async def _decide(
    conn: Connection, asset: Asset, row: Mapping[str, Any], *, go: bool, reason: str, actor: str, now: datetime
) -> Outcome:
    """Decide one pending disappearance within the caller's transaction, which has locked the asset and the `row`."""
    state = "applied" if go else "dropped"
    await QUERIES.disappearance_decide(
        conn, disappearance_id=row["disappearance_id"], state=state, decided_by=actor, reason=reason, at=now
    )
    VANISHED.labels(state).inc()
    if not go or asset.running == "gone" or asset.record == "closed":
        return "unchanged"
    after, outcome = asset_domain.delist(asset, asset.canonical, asset.source, now=now)
    cause = Cause(actor=actor, event=row["cause"], note=f"released by the guard: {reason}")
    await asset_usecases.save(conn, after, outcome, cause)
    return outcome


async def decide_day(
    database: Database,
    source: str,
    day: date,
    *,
    go: bool,
    reason: str,
    actor: str,
    now: datetime,
    policy: Policy,
    gone: Callable[[], Awaitable[bool]] | None = None,
) -> DayDecided:
    """Decide the pending disappearances of a source since that day, page by page; each page is one transaction.

    Repeating the call decides the rest and nothing twice, since a decided asset is no longer pending. The call ends
    early when `gone` reports that the client has hung up.
    """
    source, reason, during = clean("source", source), clean("reason", reason), domain.span(day, policy)
    outcomes: Counter[str] = Counter()
    for _ in range(MOST // PAGE):
        if gone is not None and await gone():
            break
        async with database.transaction("decide_held_day") as conn:
            decided = await _page(conn, source, during, go=go, reason=reason, actor=actor, now=now)
        outcomes.update(decided)
        if len(decided) == 0:
            break
    async with database.reading() as conn:
        left = await QUERIES.disappearances_pending_count(conn, source=source, since=during.since, until=during.until)
    log.info("held-decided", source=source, day=str(day), decided=outcomes.total(), left=left, actor=actor)
    return DayDecided(outcomes=outcomes, left=int(left))


async def _page(
    conn: Connection, source: str, during: Span, *, go: bool, reason: str, actor: str, now: datetime
) -> list[str]:
    """The outcomes of up to a page of decisions."""
    wanted: list[UUID] = [
        row["asset_id"]
        async for row in QUERIES.disappearances_pending_of(
            conn, source=source, since=during.since, until=during.until, max_rows=PAGE
        )
    ]
    # Assets are locked first, as intake does.
    assets = {asset.asset_id: asset for asset in await asset_store.lock_all(conn, wanted)}
    pending = [
        row
        async for row in QUERIES.disappearances_pending_lock(
            conn, source=source, since=during.since, until=during.until, asset_ids=wanted
        )
    ]
    return [
        await _decide(conn, assets[row["asset_id"]], row, go=go, reason=reason, actor=actor, now=now) for row in pending
    ]
