"""HTTP: the senders that are set aside, and their release: what was parked is handled, page by page, in its order.

What was kept comes first; then what was only counted is read again from its topic, kept, and handled as well.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError

from libs.common.db.errors import UNSTORABLE
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.dead_letters import store as dead_letter_store
from libs.common.dead_letters.api import Replay, again
from libs.common.errors import DomainError, Missing
from libs.common.handler import Handler
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.refusals.store import Refusal
from libs.common.security.tokens import Principal
from libs.common.senders.reread import Reread
from libs.common.strings import Plain

log = structlog.get_logger()
PAGE = 200


class Aside(BaseModel):
    """A sender whose records are parked, and the refusal that went over the bound."""

    topic: str
    sender: str
    since: datetime
    reason_code: str
    reason: str
    parked: int = Field(description="kept, to be handled on release 已保留")
    not_kept: int = Field(description="only counted: read again on release 仅计数,放行时重读")


class Asides(BaseModel):
    """Senders set aside, the longest first."""

    items: list[Aside]


class Named(Body):
    """Which sender of which topic."""

    topic: Annotated[str, Plain(249)]
    sender: Annotated[str, Plain(600)]


class Range(BaseModel):
    """Places of which this sender's records were not kept; others' records between them are not meant."""

    partition: int
    first: int
    last: int
    records: int


class Released(BaseModel):
    """What one page came to. Ask again while `left` is not 0; only then is the sender heard again."""

    handled: int
    refused: int
    left: int
    released: bool
    not_kept: list[Range] = Field(description="only counted, still to be read again 仅计数,尚待重读")
    gone: int = Field(0, description="of those, records that the broker has no longer: send them again 已不可读,需重发")


def router(
    service: str,
    database: Database,
    handlers: Mapping[str, Mapping[str, Handler]],
    reread: Reread,
    streams: Mapping[str, Replay] | None = None,
) -> APIRouter:
    """Routes over senders. `handlers` and `streams` are those of the dead letters' routes."""
    routes = APIRouter(prefix=f"/{service}/v1/senders", tags=["dead letters 死信"])

    @routes.get("", summary="Senders that are set aside 被搁置的发送方")
    async def senders(_: Annotated[Principal, require("operator", "auditor")]) -> Asides:
        """Who sent so much that was refused that the rest is parked unjudged, and the refusal that went over the
        bound.
        """
        async with database.reading() as conn:
            return Asides(items=[Aside(**row) async for row in PLUMBING.aside_list(conn)])

    @routes.post("/release", summary="Handle what a sender's parked records say, and hear it again 放行发送方")
    async def release(named: Named, who: Annotated[Principal, require("operator")]) -> Released:
        """A page of what is parked is handled, in its order; ask again while `left` is not 0.

        What is refused becomes a dead letter. Only when nothing is left is the sender heard again.
        """
        place = {"topic": named.topic, "sender": named.sender}
        listed, ranges = await _parked(database, named)
        gone = 0
        if not listed and ranges:
            gone = await _read_again(database, reread, named, ranges[0])
            listed, _ = await _parked(database, named)
        refused = 0
        for letter in listed:
            try:
                await again(database, letter, handlers, streams or {})
            except dead_letter_store.AlreadySettled:  # by somebody else, a moment ago
                continue
            except (DomainError, ValidationError, *UNSTORABLE) as error:
                refused += 1
                await dead_letter_store.refuse(database, letter, service=service, refusal=Refusal.of(error))
        async with database.transaction("release") as conn:
            if not await PLUMBING.aside_lock(conn, **place):
                raise Missing(what=f"{named.sender} ({named.topic})")
            ranges = [Range(**row) async for row in PLUMBING.ranges_of(conn, **place)]
            left = await PLUMBING.parked_count(conn, **place)
            left += sum(max(1, rest.records) for rest in ranges)  # one that was read in part may hold no more of them
            if left == 0:
                await PLUMBING.aside_end(conn, **place)
        told = Released(
            handled=len(listed) - refused, refused=refused, left=left, released=left == 0, not_kept=ranges, gone=gone
        )
        log.info("sender-released" if told.released else "sender-being-released", **place, actor=who.identity)
        return told

    return routes


async def _parked(database: Database, named: Named) -> tuple[list[dict[str, Any]], list[Range]]:
    """A page of what is kept of a sender, and where the rest is. Raises Missing where it is not set aside."""
    place = {"topic": named.topic, "sender": named.sender}
    async with database.reading() as conn:
        if named.sender not in [row["sender"] async for row in PLUMBING.aside_of(conn, topic=named.topic)]:
            raise Missing(what=f"{named.sender} ({named.topic})")
        listed = [dead_letter_store.read(row) async for row in PLUMBING.parked_list(conn, **place, max_rows=PAGE)]
        return listed, [Range(**row) async for row in PLUMBING.ranges_of(conn, **place)]


async def _read_again(database: Database, reread: Reread, named: Named, at: Range) -> int:
    """Keep the next page of what was only counted; how many of its records the broker had no longer, at its end."""
    found = await reread.page(named.topic, at.partition, at.first, at.last, named.sender)
    place = {"topic": named.topic, "sender": named.sender, "partition": at.partition}
    async with database.transaction("unpark") as conn:
        if not await PLUMBING.aside_lock(conn, topic=named.topic, sender=named.sender):
            raise Missing(what=f"{named.sender} ({named.topic})")
        count = len(found.records)
        moved = {"expected": at.first, "next": max(found.next_offset, at.first), "found": count}
        if not await PLUMBING.ranges_advance(conn, **place, **moved):
            return 0  # another operator was faster
        for record in found.records:
            await dead_letter_store.park(conn, record, named.sender)
        return int(await PLUMBING.ranges_end(conn, **place) or 0)
