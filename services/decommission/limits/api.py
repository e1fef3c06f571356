"""HTTP: connectors, limits, rounds, and what is public."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from libs.common.exact import AskedWhole, Flag
from libs.common.http.app import Limit, public, require
from libs.common.http.bodies import Body
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.cases import usecases
from services.decommission.cases.domain import Windows
from services.decommission.cases.store import QUERIES
from services.decommission.connectors import directory as places
from services.decommission.context import Context
from services.decommission.executor import Executor
from services.decommission.limits import usecases as switch

NIL = UUID(int=0)


class Target(BaseModel):
    """Whom this process calls, and how it fares. `since` is machine time: when its breaker opened or closed last.

    `open`: it has failed again and again and is left alone for `rests_for` seconds; then (`half_open`) one call tries
    it. `calls` are under way now, of them `urgent_calls` that bring something back.
    """

    target: str
    state: Literal["closed", "open", "half_open"]
    failures: int
    error: str | None
    since: datetime
    rests_for: int
    calls: int
    urgent_calls: int


class Switch(Body):
    """On: no call leaves this service. The reason is kept; a switch is never refused for want of one."""

    on: Flag
    reason: Annotated[str, Text(500, lines=True)] | None = None


class Switched(BaseModel):
    """How the kill switch stands. `by_settings`: the service was started with it on, and only a start turns it off."""

    on: bool
    by_settings: bool
    since: datetime | None = Field(description="of its last turn, as are `by` and `reason` 最近一次操作的时间")
    by: str | None
    reason: str | None


class LateReceipt(Body):
    """A receipt that comes after the notice was sent; its signature is the proof."""

    receipt: Annotated[str, Text(20_000, least=10)]


def _shown(written: str | None) -> Any:
    """A piece of the set-up as it was recorded, its addresses without a secret."""
    held = json.loads(written or "null")
    for name in held or ():
        if name.endswith("url") and isinstance(held[name], str):
            held[name] = places.shown(held[name])
    return held


def router(ctx: Context, executor: Executor, windows: Windows, public_keys: list[dict[str, Any]]) -> APIRouter:
    """Everything about cases that is no case. `public_keys`: the one that signs now, then those that did before."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.get("/setup-changes", tags=["setup 配置"], summary="Who changed what of the set-up 配置变更")
    async def changes(
        _: Annotated[Principal, require("operator", "auditor")],
        cursor: Annotated[AskedWhole, Query(ge=0)] = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Addresses, connectors and the kill switch: what was before, what is now, by whom and when."""
        async with ctx.database.reading() as conn:
            rows = [dict(row) async for row in QUERIES.setup_changes_list(conn, after=cursor, max_rows=limit)]
        items = [row | {name: _shown(row[name]) for name in ("before", "after")} for row in rows]
        return {"items": items, "next": str(rows[-1]["change_id"]) if len(rows) == limit else None}

    @routes.get("/limits", tags=["setup 配置"], summary="Limits and windows in force 限额与期限")
    async def limits(_: Annotated[Principal, require("viewer", "operator", "approver", "auditor")]) -> dict[str, Any]:
        """How much may close per unit, kind, day and plan (nought: nothing), and how many days each window lasts."""
        return {
            "limits": asdict(ctx.limits),
            "windows": asdict(windows),
            "label": {"announce_days": "ASSUMED", "others": "local setting 本地设置"},
        }

    @routes.get("/targets", tags=["setup 配置"], summary="Whom this process calls, and who rests 调用目标与熔断状态")
    async def targets(
        _: Annotated[Principal, require("viewer", "operator")],
        state: Literal["closed", "open", "half_open"] | None = None,
    ) -> list[Target]:
        """Of this process alone. A target that fails again and again is left alone for a while."""
        shown = [Target(**found) for found in ctx.egress.targets.shown()]
        return [target for target in shown if state in (None, target.state)]

    @routes.post("/rounds", status_code=202, tags=["setup 配置"], summary="Let what is due move 推进到期个案")
    async def rounds(_: Annotated[Principal, require("operator")]) -> dict[str, str]:
        """Cases that are due are looked at now instead of at the next round; nothing becomes due by it."""
        await usecases.release_work(ctx)
        executor.wake()
        return {"released_until": ctx.now().isoformat()}

    @routes.post("/kill-switch", status_code=204, tags=["setup 配置"], summary="Stop every outgoing call 总开关")
    async def kill_switch(body: Switch, who: Annotated[Principal, require("operator")]) -> None:
        """While it is on no call leaves this service; cases wait where they are. Turned on it needs no reason."""
        await switch.turn(ctx, on=body.on, reason=body.reason, actor=who.identity)
        executor.wake()

    @routes.get("/kill-switch", tags=["setup 配置"], summary="Whether it is on, who turned it and why 总开关状态")
    async def kill_switch_now(
        _: Annotated[Principal, require("viewer", "operator", "approver", "auditor")],
    ) -> Switched:
        """Also whether the service was started with it on, which only another start can change."""
        async with ctx.database.reading() as conn:
            return Switched(**asdict(await switch.standing(ctx, conn)))

    @routes.post("/notices/{case_id}/receipt", status_code=204, tags=["public 公开"], summary="A late receipt 补交回执")
    @public
    async def receipt(case_id: UUID, body: LateReceipt) -> None:
        """It proves the notice when it is signed with the unit's key in force and names the notice's hash and the
        asset.

        The signature is the proof, so no token is asked for.
        """
        await usecases.late_receipt(ctx, case_id, body.receipt)
        executor.wake()

    @routes.get("/keys", tags=["public 公开"], summary="The keys of notices and case files, the one in use first 公钥")
    @public
    async def keys() -> dict[str, Any]:
        """Public keys by which notices, orders and case files are verified; earlier ones stay listed."""
        return {"keys": public_keys}

    return routes
