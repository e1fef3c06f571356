"""HTTP: disappearances that wait for a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.exact import Day
from libs.common.http.guards import require
from libs.common.http.paging import Limit
from libs.common.refusals.noting import noting
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.registry.assets.domain import Policy
from services.registry.assets.schemas import Outcome
from services.registry.guard import schemas, usecases
from services.registry.guard.domain import span
from services.registry.guard.store import QUERIES
from services.registry.spelling.texts import clean

NIL = UUID(int=0)


def router(database: Database, clock: Clock, policy: Policy) -> APIRouter:
    """The vanishing guard."""
    routes = APIRouter(prefix="/registry/v1/guard", tags=["guard 消失防护"], route_class=noting(database))

    @routes.get(
        "/held",
        summary="Disappearances held for a person 待人工确认的消失",
    )
    async def held(
        _: Annotated[Principal, require("operator", "registrar", "viewer", "auditor")],
        source: Annotated[str, Plain(100)] | None = None,
        day: Annotated[Day | None, Query(description="被暂存之日 the business day since which it is held")] = None,
        cursor: UUID = NIL,
        limit: Limit = 100,
    ) -> schemas.HeldPage:
        """What would have made more of a source's assets vanish within a day than its limit allows."""
        during = None if day is None else span(day, policy)
        since, until = (None, None) if during is None else (during.since, during.until)
        listed = None if source is None else clean("source", source)
        async with database.reading() as conn:
            rows = QUERIES.disappearances_pending(
                conn, source=listed, since=since, until=until, after=cursor, max_rows=limit
            )
            items = [schemas.Held(**dict(row)) async for row in rows]
        return schemas.HeldPage.of(items, limit, lambda last: last.disappearance_id)

    @routes.post(
        "/held",
        summary="Decide all that is held of a source since one day 按来源和日期一并处理",
    )
    async def decide_day(
        body: schemas.DayDecision, request: Request, who: Annotated[Principal, require("operator")]
    ) -> schemas.DayDecided:
        """In pages of 200, each in a transaction of its own, up to 5,000 by one call; `left` says how many still wait.

        Sent again it decides what is left, and nothing twice.
        """
        decided = await usecases.decide_day(
            database,
            body.source,
            body.day,
            go=body.decision == "apply",
            reason=body.reason,
            actor=who.subject,
            now=clock.now(),
            policy=policy,
            gone=request.is_disconnected,
        )
        gone, unchanged = decided.outcomes["gone"], decided.outcomes["unchanged"]
        return schemas.DayDecided(decided=gone + unchanged, gone=gone, unchanged=unchanged, left=decided.left)

    @routes.post(
        "/held/{disappearance_id}",
        summary="Let one happen or drop it 确认或忽略",
        response_model_exclude_none=True,
    )
    async def decide(
        disappearance_id: UUID, body: schemas.Decision, who: Annotated[Principal, require("operator")]
    ) -> Outcome:
        """The same decision again gets the same answer; the other one is refused with 409 `already_decided`."""
        result = await usecases.decide_one(
            database,
            disappearance_id,
            go=body.decision == "apply",
            reason=body.reason,
            actor=who.subject,
            now=clock.now(),
        )
        return Outcome(outcome=result.outcome, asset_id=result.asset_id)

    return routes
