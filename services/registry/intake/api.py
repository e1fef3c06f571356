"""HTTP: declarations, one by one or as events."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import DomainError, Invalid
from libs.common.events.structured import TAKEN
from libs.common.http.errors import refusal
from libs.common.http.front import MIB
from libs.common.http.guards import bounded, reads, require
from libs.common.http.idempotency import IdempotencyKey
from libs.common.http.problems import Problem
from libs.common.refusals.noting import intake, note_part, noting
from libs.common.security.tokens import Principal
from libs.common.strings import quoted
from libs.common.text import Text
from services.registry.assets.api import ETAG, shown
from services.registry.assets.domain import OUTDATED, Policy
from services.registry.assets.schemas import Asset, Outcome
from services.registry.intake import schemas, usecases
from services.registry.intake.cloudevents import BATCH, Message, NoEvent, NotText, message_of

MOST_EVENTS = 100  # of one batch: each is a transaction of its own, and the caller waits for all of them
DATA = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in schemas.EVENTS.values()]
ONE = {"$ref": "#/components/schemas/CloudEvent"}
EVENTS_BODY = {
    "required": True,
    "description": "One event in structured mode, its data in binary mode, or a batch 结构化、二进制或批量模式",
    "content": {
        TAKEN: {"schema": ONE},
        BATCH: {"schema": {"type": "array", "items": ONE, "maxItems": MOST_EVENTS}},
        "application/json": {"schema": {"anyOf": [ONE, *DATA]}},
    },
}


class Unreadable(RequestValidationError):
    """A request or a part of it is not an event; `read_as` is the model whose fields the problem explains."""

    def __init__(self, error: NoEvent) -> None:
        super().__init__(error.errors)
        self.read_as = error.read_as


async def carried(request: Request) -> Message:
    """The events that a request carries. Raises Unreadable, and HTTPException 400 as for any body."""
    try:
        return message_of(request.headers.raw, await request.body())
    except NoEvent as error:
        raise Unreadable(error) from None
    except NotText:
        raise HTTPException(400) from None


def router(database: Database, clock: Clock, policy: Policy) -> APIRouter:
    """Declarations."""
    routes = APIRouter(prefix="/registry/v1", route_class=noting(database))

    @routes.post(
        "/assets",
        status_code=201,
        tags=["assets 对象"],
        response_model=Asset,
        summary="Record an asset 登记对象",
        responses={201: {"headers": ETAG}},
    )
    @intake("address")
    async def declare(
        body: schemas.Declaration,
        request: Request,
        who: Annotated[Principal, require("registrar", "unit")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """One declaration. What is listed already is refused with 409 `duplicate_asset`, which names its twin;
        what was gone is restored under the id it had. A unit's token records for its own subtree."""
        answer = await usecases.declare(
            database,
            body,
            who,
            key=idempotency_key,
            raw=await request.body(),
            render=lambda asset: shown(asset).model_dump_json().encode(),
            now=clock.now(),
            policy=policy,
        )
        tag = f'"{json.loads(answer)["version"]}"'
        return Response(answer, 201, media_type="application/json", headers={"ETag": tag})

    async def take(one: schemas.CloudEvent, who: Principal) -> Outcome:
        event = schemas.EVENTS[one.type].model_validate(one.data)
        result = await usecases.take_in(
            database,
            event,
            who,
            source=one.source,
            event_id=one.id,
            now=clock.now(),
            policy=policy,
            twins_as_outcomes=True,
        )
        if result.outcome == "outdated":
            warning = f"outdated: {OUTDATED.zh} {OUTDATED.en}"
            return Outcome(outcome="unchanged", asset_id=result.asset_id, warning=warning)
        corrected = {"warning": f"platform_corrected: {result.identity.platform}"} if result.identity.corrected else {}
        return Outcome(outcome=result.outcome, asset_id=result.asset_id, **corrected)

    async def judged(request: Request, who: Principal, index: int, one: Any, envelope: Any) -> schemas.EventVerdict:
        named = envelope.get("id") if isinstance(envelope, dict) else None
        part = {"index": index, "id": quoted(named, 200) if isinstance(named, str) else None}
        try:
            if isinstance(one, NoEvent):
                raise Unreadable(one)
            return schemas.EventVerdict(**part, status=202, outcome=await take(one, who))
        except (DomainError, Unreadable) as error:
            await note_part(database, request, envelope, error)
            status, problem = await refusal(request, error)
            return schemas.EventVerdict(**part, status=status, problem=Problem(**problem))

    @routes.post(
        "/events",
        status_code=202,
        tags=["intake 接入"],
        summary="Lifecycle CloudEvents 生命周期事件",
        response_model_exclude_none=True,
        responses={
            207: {"model": schemas.EventVerdicts, "description": "批量:逐条结论 of a batch: a verdict for each event"}
        },
    )
    @intake()
    @bounded(MIB, media=BATCH)
    @reads(EVENTS_BODY, schemas.CloudEvent, *schemas.EVENTS.values())
    async def event(request: Request, who: Annotated[Principal, require("registrar", "unit")]) -> Outcome:
        """`asset.declared`, `asset.corrected` or `asset.delisted`, in the three modes of CloudEvents' HTTP binding.

        Structured: the whole event as application/cloudevents+json. Binary: the event's data as application/json, its
        attributes in headers `ce-id`, `ce-source`, `ce-type` …, percent-encoded where they are not ASCII. Batch: up to
        100 events in 1 MiB as application/cloudevents-batch+json, answered by 207 with a verdict for each; each is
        taken or refused for itself. `subject` and `time` may be absent: the data says what an event is about.

        The same event again gets the same answer. A removal makes an asset `gone`, never closed; where a source loses
        too many within a day it is `held` for a person. A `duplicate` names the twin and changes nothing.
        """
        message = await carried(request)
        if not message.batch:
            one = next(iter(message.events(schemas.CloudEvent)))
            if isinstance(one, NoEvent):
                raise Unreadable(one)
            return await take(one, who)
        if len(message.envelopes) > MOST_EVENTS:
            why = Text(f"一批最多 {MOST_EVENTS} 个事件", f"a batch has at most {MOST_EVENTS} events")
            raise Invalid(field="body", accepted=f"at most {MOST_EVENTS} events", why=why)
        items = [
            await judged(request, who, index, one, envelope)
            for index, (one, envelope) in enumerate(
                zip(message.events(schemas.CloudEvent), message.envelopes, strict=True)
            )
        ]
        verdicts = schemas.EventVerdicts(items=items).model_dump_json(exclude_unset=True)
        return Response(verdicts, 207, media_type="application/json")  # type: ignore[return-value]

    return routes
