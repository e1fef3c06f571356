"""HTTP: what a service could not take, and its replay inside that service through the same handlers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from libs.common.db.pool import Database
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import Invalid
from libs.common.events.envelope import Malformed, from_outside, unpack
from libs.common.exact import Count
from libs.common.handler import Handler
from libs.common.http.bodies import Body, in_words
from libs.common.http.guards import require
from libs.common.http.paging import Limit, Page
from libs.common.refusals import store as refusal_store
from libs.common.security.roles import SENDERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text

log = structlog.get_logger()
Replay = Callable[[dict[str, Any]], Awaitable[None]]


class Letter(BaseModel):
    """A record that was refused, and why; its body stays in the database."""

    topic: str
    partition: int
    offset: int
    event_id: str | None
    event_type: str | None
    reason_code: str
    reason: str
    state: str
    buried: datetime


class Letters(Page[Letter]):
    """Dead letters, oldest first."""

    next: str | None = None


class Place(Body):
    """Where a dead letter came from."""

    topic: Annotated[str, Plain(249)]  # as long as Kafka lets a name be
    partition: Annotated[Count, Field(ge=0, lt=2**31), WithJsonSchema({"type": "integer"})]  # as wide as its column
    offset: Annotated[Count, Field(ge=0, lt=2**63), WithJsonSchema({"type": "integer"})]


class Discarded(Place):
    """A dead letter that will never be handled, and why; the reason goes to the log beside who gave it."""

    reason: Annotated[str, Plain(500, lines=True)]


class Settled(BaseModel):
    """What became of it."""

    state: str


def router(
    service: str,
    database: Database,
    handlers: Mapping[str, Mapping[str, Handler]],
    streams: Mapping[str, Replay] | None = None,
) -> APIRouter:
    """Routes over dead letters. `handlers` are by topic and type; a stream in `streams` replays and settles itself."""
    routes = APIRouter(prefix=f"/{service}/v1/dead-letters", tags=["dead letters 死信"])

    @routes.get("", summary="Dead letters, oldest first 死信列表")
    async def letters(
        who: Annotated[Principal, require("operator", "auditor", *SENDERS)],
        state: Literal["dead", "replayed", "discarded", "parked"] = "dead",
        limit: Limit = 100,
        cursor: Annotated[str, Plain(300)] | None = None,
    ) -> Letters:
        """What this service refused, oldest first, with the reason; `state` asks for what became of it since.

        Senders see their own; `GET …/refusals` says more of these, and tells of what was refused over HTTP.
        """
        of = None if who.roles & {"operator", "auditor"} else refusal_store.sender(who)
        rows = await dead_letter_store.listed(database, state, limit, cursor, of=of)
        last = rows[-1] if len(rows) == limit else None
        return Letters(
            items=[Letter(**row) for row in rows],
            next=f"{last['topic']}/{last['partition']}/{last['offset']}" if last else None,
        )

    @routes.post("/replay", summary="Handle a dead letter again 重放死信")
    async def replay(place: Place, _: Annotated[Principal, require("operator")]) -> Settled:
        """Through the same handler and the same checks as before: once the cause is mended it takes effect, once.

        What is refused again stays a dead letter. One that was replayed or given up is not touched again (409).
        """
        letter = await dead_letter_store.fetch(database, place.topic, place.partition, place.offset)
        await again(database, letter, handlers, streams or {})
        return Settled(state="replayed")

    @routes.post("/discard", summary="Give a dead letter up; it stays to be read 放弃死信,记录保留")
    async def discard(given: Discarded, who: Annotated[Principal, require("operator")]) -> Settled:
        """Nothing is done with it any more, and nothing of it is deleted: it stays to be read, in the state
        `discarded`.
        """
        await dead_letter_store.settle(database, given.topic, given.partition, given.offset, "discarded")
        log.info("dead-letter-discarded", **given.model_dump(), actor=who.subject)
        return Settled(state="discarded")

    return routes


async def again(
    database: Database,
    letter: dict[str, Any],
    handlers: Mapping[str, Mapping[str, Handler]],
    streams: Mapping[str, Replay],
) -> None:
    """Handle one again, and settle it. Raises DomainError, Invalid, AlreadySettled."""
    if letter["topic"] in streams:
        await streams[letter["topic"]](letter)
    else:
        await handle(letter, handlers)
        await dead_letter_store.settle(database, letter["topic"], letter["partition"], letter["offset"], "replayed")


async def handle(letter: dict[str, Any], handlers: Mapping[str, Mapping[str, Handler]]) -> None:
    """Act on one through the handler of its topic and type. Raises DomainError, Invalid where it cannot be read."""
    handler = None
    try:
        at, outside = letter["appended"], from_outside(letter["topic"])
        incoming = unpack(letter["headers"], key=letter["key"], value=letter["payload"], at=at, outside=outside)
        handler = handlers.get(letter["topic"], {}).get(incoming.type)
        if handler is None:
            told = f"{incoming.type} ({letter['topic']})"
            raise Invalid(field="type", why=Text(f"此服务不处理 {told}", f"nothing here takes {told}"))
        await handler.act(handler.model.model_validate_json(incoming.body), incoming)
    except Malformed as error:
        raise Invalid(field=error.field, why=Text(f"头或正文无法读取:{error.field}", str(error))) from None
    except ValidationError as error:
        raise Invalid(field="payload", why=in_words(error, handler and handler.model)) from None
