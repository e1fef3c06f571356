"""HTTP: plans, mandates and their signatures."""

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.db.pool import PLUMBING
from libs.common.errors import Missing
from libs.common.exact import Count, Day
from libs.common.http import paging
from libs.common.http.app import Cursor, Limit, require
from libs.common.http.bodies import Body
from libs.common.security.signing import sha256
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.cases.store import QUERIES
from services.decommission.context import Context
from services.decommission.executor import Executor
from services.decommission.plans import mandates as standing
from services.decommission.plans import members as reading
from services.decommission.plans import usecases as planning

READ = ("viewer", "operator", "approver", "auditor")


class MemberNamed(BaseModel):
    """A member of a plan, as asset and unit were called when it was sealed."""

    asset_id: UUID
    name: str | None
    address: str | None
    unit_id: UUID
    unit_name: str | None


class Plan(BaseModel):
    """A sealed plan: what is signed is `sha256`, the hash of its canonical text."""

    plan_id: UUID
    sealed_on: date
    sha256: str
    state: str
    sealed_at: datetime
    members: int
    first: list[MemberNamed] = Field(description="其中前三个 the first three of its members")


class Plans(BaseModel):
    """A page of plans, the newest first; ask again with `cursor=next`."""

    items: list[Plan]
    next: str | None


class SaidNo(BaseModel):
    """Who said no, why and when: the first of those who said it."""

    by: str
    reason: str
    at: datetime


class PlanText(BaseModel):
    """A plan with its text, its members as people read them, who has signed it, and who rejected it.

    `members` is None where the text is not what was sealed: of an altered plan nothing is to be read but the text.
    """

    plan_id: UUID
    sha256: str
    state: str
    content: dict[str, Any]
    text: str
    approvers: list[str]
    rejected: SaidNo | None = None
    members: list[reading.Member] | None = None


class Signature(Body):
    """The hash of what the approver has read."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Signed(BaseModel):
    """What a signature amounts to."""

    state: str
    approvers: list[str]


class No(Body):
    """Why not."""

    reason: Annotated[str, Text(1000, lines=True)]


class MandateIn(Body):
    """A standing approval of one rule, with a limit and an end."""

    rule: Annotated[str, Text(20)]
    max_per_day: Count = Field(ge=0, le=1000)
    until: Day


def router(ctx: Context, executor: Executor) -> APIRouter:
    """Plans and mandates."""
    routes = APIRouter(prefix="/decommission/v1", tags=["plans 方案"])

    @routes.get("/plans", summary="List plans 方案列表")
    async def plans(
        _: Annotated[Principal, require(*READ)],
        state: Annotated[str, Text(40)] | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Plans:
        """Sealed once a day. Only a plan that two have signed, or one under a mandate, is carried out."""
        begin = paging.place(cursor)
        async with ctx.database.reading() as conn:
            await PLUMBING.plan_for_values(conn)
            rows = QUERIES.plan_list(conn, state=state, at=begin.at, which=begin.which, max_rows=limit + 1)
            items = [Plan(**dict(row) | {"first": json.loads(row["first"])}) async for row in rows]
        shown, after = paging.cut(items, limit, lambda plan: (plan.sealed_at, plan.plan_id))
        return Plans(items=shown, next=after)

    @routes.get("/plans/{plan_id}", summary="One plan, its text and hash 方案详情")
    async def plan(plan_id: UUID, _: Annotated[Principal, require(*READ)]) -> PlanText:
        """The text whose hash is signed, who has signed it, and who has rejected it."""
        async with ctx.database.reading() as conn:
            row = await QUERIES.plan_get(conn, plan_id=plan_id)
            if row is None:
                raise Missing(what=(f"方案 {plan_id}", f"plan {plan_id}"))
            approvers = [a["approver"] async for a in QUERIES.approvals_of(conn, plan_id=plan_id)]
            said = await QUERIES.plan_rejection(conn, plan_id=plan_id)
            whole = sha256(row["content"].encode()) == row["sha256"]
            read = await reading.of(ctx, conn, row["content"], plan_id) if whole else None
        return PlanText(
            plan_id=plan_id, sha256=row["sha256"], state=row["state"], content=json.loads(row["content"]),
            text=row["content"], approvers=approvers, rejected=None if said is None else SaidNo(**said),
            members=read,
        )  # fmt: skip

    @routes.post("/plans/{plan_id}/approvals", summary="Sign a plan's hash 批准方案")
    async def approve(plan_id: UUID, body: Signature, who: Annotated[Principal, require("approver")]) -> Signed:
        """Name the hash of the text that you have read. Two people sign, neither with a hand in one of its cases.

        A hash other than the plan's is refused: it is not what you have read.
        """
        after = await planning.approve(ctx, plan_id, who, body.sha256)
        executor.wake()
        return Signed(state=after["state"], approvers=after["approvers"])

    @routes.post("/plans/{plan_id}/reject", summary="Say no to a plan; what is not stopped is planned anew 否决方案")
    async def reject(plan_id: UUID, body: No, who: Annotated[Principal, require("approver")]) -> SaidNo:
        """What of it has not been stopped is planned anew. The first who says no is named."""
        said = await planning.reject(ctx, plan_id, by=who.identity, reason=body.reason)
        executor.wake()
        return SaidNo(**said)

    @routes.get("/mandates", summary="Standing approvals 授权列表")
    async def mandates(
        _: Annotated[Principal, require(*READ)], cursor: Cursor | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """Each with its rule, its limit per day, its end, and who proposed, signed or took it back."""
        begin = paging.place(cursor)
        async with ctx.database.reading() as conn:
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
        which = await standing.propose(
            ctx.database, ctx.clock, rule=body.rule, max_per_day=body.max_per_day, until=body.until, by=who.identity
        )
        return {"mandate_id": which}

    @routes.post("/mandates/{mandate_id}/approvals", status_code=204, summary="Sign a standing approval 批准授权")
    async def sign(mandate_id: UUID, who: Annotated[Principal, require("approver")]) -> None:
        """The second of two different people puts it in force."""
        await standing.sign(ctx.database, ctx.clock, mandate_id, who)

    @routes.post("/mandates/{mandate_id}/revoke", summary="Take a standing approval back 撤回授权")
    async def revoke(mandate_id: UUID, body: No, who: Annotated[Principal, require("approver")]) -> SaidNo:
        """From now on its plans need two signatures again. The first who says so is named."""
        said = await standing.revoke(ctx.database, ctx.clock, mandate_id, by=who.identity, reason=body.reason)
        return SaidNo(**said)

    return routes
