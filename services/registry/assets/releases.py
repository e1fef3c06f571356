"""Held disappearances decided together: all of a source that are held since one day."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import structlog

from libs.common import days
from libs.common.db.pool import Connection, Database
from services.registry.assets import domain, store, usecases
from services.registry.assets.domain import Policy
from services.registry.assets.store import QUERIES

log = structlog.get_logger()
PAGE = 200  # disappearances of one transaction
MOST = 5_000  # of one call: what is left is decided by the next


@dataclass(frozen=True, slots=True)
class Span:
    """One business day of a zone, as instants."""

    since: datetime
    until: datetime


def span(day: date, policy: Policy) -> Span:
    """The day from its first instant to the next day's."""
    return Span(days.morning(day, policy.zone), days.end(day, policy.zone))


@dataclass(frozen=True, slots=True)
class Released:
    """What one call decided, by outcome, and how many of the source and day still wait."""

    outcomes: Counter[str]
    left: int


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
) -> Released:
    """Let happen, or drop, what is held of a source since that day, page by page; each page is one transaction.

    Sent again it decides what is left, and nothing twice: an asset that was decided is held no more. It ends early
    when `gone` says that nobody waits for the answer.
    """
    source, reason, during = domain.clean("source", source), domain.clean("reason", reason), span(day, policy)
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
        left = await QUERIES.disappearances_held_count(conn, source=source, since=during.since, until=during.until)
    log.info("held-decided", source=source, day=str(day), decided=outcomes.total(), left=left, actor=actor)
    return Released(outcomes, int(left))


async def _page(
    conn: Connection, source: str, during: Span, *, go: bool, reason: str, actor: str, now: datetime
) -> list[str]:
    """The outcomes of up to a page of decisions."""
    wanted: list[UUID] = [
        row["asset_id"]
        async for row in QUERIES.disappearances_held_of(
            conn, source=source, since=during.since, until=during.until, max_rows=PAGE
        )
    ]
    assets = {asset.asset_id: asset for asset in await store.lock_all(conn, wanted)}  # first, as intake does
    waiting = [
        row
        async for row in QUERIES.disappearances_held_lock(
            conn, source=source, since=during.since, until=during.until, asset_ids=wanted
        )
    ]
    return [
        await usecases.decide(conn, assets[row["asset_id"]], row, go=go, reason=reason, actor=actor, now=now)
        for row in waiting
    ]
