"""HTTP: standing approvals and their signatures."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.db.queries import PLUMBING
from libs.common.exact import Count, Day
from libs.common.http import paging
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.http.paging import Cursor, Limit
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.decommission.deps import Deps
from services.decommission.mandates import usecases
from services.decommission.mandates.store import QUERIES


class SaidNo(BaseModel):
    """Who said no, why and when: the first of those who said it."""

    by: str
    reason: str
    at: datetime


class No(Body):
    """Why not."""

    reason: Annotated[str, Plain(1000, lines=True)]


class MandateIn(Body):
    """A standing approval of one rule, with a limit and an end."""

    rule: Annotated[str, Plain(20)]
    max_per_day: Count = Field(ge=0, le=1000)
    until: Day


def router(deps: Deps) -> APIRouter:
    """Mandates."""
    routes = APIRouter(prefix="/decommission/v1", tags=["plans 方案"])

    @routes.get("/mandates", summary="Standing approvals 授权列表")
    async def mandates(
        _: Annotated[Principal, require(*READERS)], cursor: Cursor | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """Each with its rule, its limit per day, its end, and who proposed, signed or took it back."""
        begin = paging.place(cursor)
        async with deps.database.reading() as conn:
            await PLUMBING.plan_for_values(conn)
            rows = QUERIES.mandate_list(conn, at=begin.at, which=begin.which, max_rows=limit + 1)
            items = [dict(row) async for row in rows]
        shown, after = paging.cut(items, limit, lambda row: (row["proposed_at"], row["mandate_id"]))
        return {"items": shown, "next": after}

    @routes.post("/mandates", status_code=201, summary="Propose a standing approval 提出授权")
    async def propose(body: MandateIn, who: Annotated[Principal, require("operator", "approver")]) -> dict[str, UUID]:
        """A mandate lets one signature do for plans of one rule, up to a limit per day and to an end. Two sign it
        first.
        """
        which = await usecases.propose(
            deps.database, deps.clock, rule=body.rule, max_per_day=body.max_per_day, until=body.until, by=who.identity
        )
        return {"mandate_id": which}

    @routes.post("/mandates/{mandate_id}/approvals", status_code=204, summary="Sign a standing approval 批准授权")
    async def sign(mandate_id: UUID, who: Annotated[Principal, require("approver")]) -> None:
        """The second of two different people puts it in force."""
        await usecases.sign(deps.database, deps.clock, mandate_id, who)

    @routes.post("/mandates/{mandate_id}/revoke", summary="Take a standing approval back 撤回授权")
    async def revoke(mandate_id: UUID, body: No, who: Annotated[Principal, require("approver")]) -> SaidNo:
        """From now on its plans need two signatures again. The first who says so is named."""
        rejection = await usecases.revoke(deps.database, deps.clock, mandate_id, by=who.identity, reason=body.reason)
        return SaidNo(**rejection)

    return routes
