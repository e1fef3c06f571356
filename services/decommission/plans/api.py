"""HTTP: plans and their signatures."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.db.queries import PLUMBING
from libs.common.errors import Missing
from libs.common.http import paging
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.http.paging import Cursor, Limit, Page
from libs.common.security.roles import READERS
from libs.common.security.signing import sha256
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.deps import Deps
from services.decommission.mandates.api import No, SaidNo
from services.decommission.plans import store, usecases
from services.decommission.plans.members import Member


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


class Plans(Page[Plan]):
    """A page of plans, the newest first; ask again with `cursor=next`."""


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
    members: list[Member] | None = None


class Signature(Body):
    """The hash of what the approver has read."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Signed(BaseModel):
    """What a signature amounts to."""

    state: str
    approvers: list[str]


def router(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """Plans."""
    routes = APIRouter(prefix="/decommission/v1", tags=["plans 方案"])

    @routes.get("/plans", summary="List plans 方案列表")
    async def plans(
        _: Annotated[Principal, require(*READERS)],
        state: Annotated[str, Plain(40)] | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Plans:
        """Sealed once a day. Only a plan that two have signed, or one under a mandate, is carried out."""
        begin = paging.place(cursor)
        async with deps.database.reading() as conn:
            await PLUMBING.plan_for_values(conn)
            rows = store.QUERIES.plan_list(conn, state=state, at=begin.at, which=begin.which, max_rows=limit + 1)
            items = [Plan(**dict(row) | {"first": json.loads(row["first"])}) async for row in rows]
        shown, after = paging.cut(items, limit, lambda plan: (plan.sealed_at, plan.plan_id))
        return Plans(items=shown, next=after)

    @routes.get("/plans/{plan_id}", summary="One plan, its text and hash 方案详情")
    async def plan(plan_id: UUID, _: Annotated[Principal, require(*READERS)]) -> PlanText:
        """The text whose hash is signed, who has signed it, and who has rejected it."""
        async with deps.database.reading() as conn:
            row = await store.QUERIES.plan_get(conn, plan_id=plan_id)
            if row is None:
                raise Missing(what=Text(f"方案 {plan_id}", f"plan {plan_id}"))
            approvers = [a["approver"] async for a in store.QUERIES.approvals_of(conn, plan_id=plan_id)]
            rejection = await store.QUERIES.plan_rejection(conn, plan_id=plan_id)
            whole = sha256(row["content"].encode()) == row["sha256"]
            read = await store.read_members(deps, conn, row["content"], plan_id) if whole else None
        return PlanText(
            plan_id=plan_id,
            sha256=row["sha256"],
            state=row["state"],
            content=json.loads(row["content"]),
            text=row["content"],
            approvers=approvers,
            rejected=None if rejection is None else SaidNo(**rejection),
            members=read,
        )

    @routes.post("/plans/{plan_id}/approvals", summary="Sign a plan's hash 批准方案")
    async def approve(plan_id: UUID, body: Signature, who: Annotated[Principal, require("approver")]) -> Signed:
        """Name the hash of the text that you have read. Two people sign, neither with a hand in one of its cases.

        A hash other than the plan's is refused: it is not what you have read.
        """
        after = await usecases.approve(deps, plan_id, who, body.sha256)
        wake()
        return Signed(state=after["state"], approvers=after["approvers"])

    @routes.post("/plans/{plan_id}/reject", summary="Say no to a plan; what is not stopped is planned anew 否决方案")
    async def reject(plan_id: UUID, body: No, who: Annotated[Principal, require("approver")]) -> SaidNo:
        """What of it has not been stopped is planned anew. The first who says no is named."""
        rejection = await usecases.reject(deps, plan_id, by=who.identity, reason=body.reason)
        wake()
        return SaidNo(**rejection)

    return routes
