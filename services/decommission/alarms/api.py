"""HTTP: the alarms, and what people say of them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.db.queries import PLUMBING
from libs.common.errors import Missing
from libs.common.http import paging
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.http.paging import Cursor, Limit, Page
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.alarms import store, usecases
from services.decommission.deps import Deps

ACT = ("operator", "approver")
State = Literal["open", "acknowledged", "ended"]


class Step(BaseModel):
    """Who did it, as what, why and when; `jianfu` is the service itself."""

    by: str
    role: str
    reason: str
    at: datetime


class Alarm(BaseModel):
    """What a person must look at. `about` is the case, plan, checkpoint or key; names are those of the case's asset."""

    alarm_id: UUID
    kind: str
    state: State
    at: datetime
    about: UUID | None
    case_id: UUID | None
    text_zh: str
    text_en: str
    asset_id: UUID | None
    name: str | None
    platform: str | None
    address: str | None
    unit_id: UUID | None
    unit_name: str | None
    acknowledged: Step | None
    ended: Step | None


class Alarms(Page[Alarm]):
    """A page of alarms, the newest first; ask again with `cursor=next`."""


class Why(Body):
    """What is being done about it, or why it is over."""

    reason: Annotated[str, Plain(1000, lines=True)]


def router(deps: Deps) -> APIRouter:
    """Alarms."""
    routes = APIRouter(prefix="/decommission/v1/alarms", tags=["alarms 告警"])

    @routes.get("", summary="What a person must look at 告警")
    async def alarms(
        _: Annotated[Principal, require(*READERS)],
        kind: Annotated[str, Plain(60)] | None = None,
        state: State | Literal["lasting"] | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Alarms:
        """`state=lasting` shows those that have not ended: open or acknowledged."""
        begin, lasting = paging.place(cursor), state == "lasting"
        async with deps.database.reading() as conn:
            await PLUMBING.plan_for_values(conn)
            rows = store.QUERIES.alarm_list(
                conn,
                kind=kind,
                state=None if lasting else state,
                lasting=lasting,
                at=begin.at,
                which=begin.which,
                max_rows=limit + 1,
            )
            items = [_shown(row) async for row in rows]
        shown, after = paging.cut(items, limit, lambda alarm: (alarm.at, alarm.alarm_id))
        return Alarms(items=shown, next=after)

    @routes.get("/{alarm_id}", summary="One alarm 告警详情")
    async def alarm(alarm_id: UUID, _: Annotated[Principal, require(*READERS)]) -> Alarm:
        """With who acknowledged it, and who or what ended it."""
        return await _one(deps, alarm_id)

    @routes.post("/{alarm_id}/acknowledgement", summary="Say that somebody is at it 确认告警")
    async def acknowledge(alarm_id: UUID, body: Why, who: Annotated[Principal, require(*ACT)]) -> Alarm:
        """Said twice it is said once, and the first word stays. An alarm that has ended is refused with 409."""
        await usecases.acknowledge_alarm(deps, alarm_id, by=who.identity, role=_role(who), reason=body.reason)
        return await _one(deps, alarm_id)

    @routes.post("/{alarm_id}/end", summary="End it by hand 结束告警")
    async def end(alarm_id: UUID, body: Why, who: Annotated[Principal, require(*ACT)]) -> Alarm:
        """What it was raised for may go on: then it is raised anew. One that has ended stays as it ended."""
        await usecases.end_alarm(deps, alarm_id, by=who.identity, role=_role(who), reason=body.reason)
        return await _one(deps, alarm_id)

    return routes


def _role(who: Principal) -> str:
    """As what somebody acts, of the roles that may."""
    return next(role for role in ACT if role in who.roles)


async def _one(deps: Deps, alarm_id: UUID) -> Alarm:
    async with deps.database.reading() as conn:
        row = await store.QUERIES.alarm_get(conn, alarm_id=alarm_id)
    if row is None:
        raise Missing(what=Text(f"告警 {alarm_id}", f"alarm {alarm_id}"))
    return _shown(row)


def _shown(row: Any) -> Alarm:
    fields = {name: row[name] for name in Alarm.model_fields if name not in ("acknowledged", "ended")}
    return Alarm(**fields, acknowledged=_step(row, "acknowledged"), ended=_step(row, "ended"))


def _step(row: Any, step: str) -> Step | None:
    if row[f"{step}_by"] is None:
        return None
    return Step(by=row[f"{step}_by"], role=row[f"{step}_as"], reason=row[f"{step}_why"], at=row[f"{step}_at"])
