"""HTTP: the kill switch, rounds, and whom this process calls."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.exact import Flag
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.decommission.controls import usecases
from services.decommission.deps import Deps


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
    reason: Annotated[str, Plain(500, lines=True)] | None = None


class Switched(BaseModel):
    """How the kill switch stands. `by_settings`: the service was started with it on, and only a start turns it off."""

    on: bool
    by_settings: bool
    since: datetime | None = Field(description="of its last turn, as are `by` and `reason` 最近一次操作的时间")
    by: str | None
    reason: str | None


def router(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """What an operator controls of the machine; `wake` tells the executor that something may be due."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.get("/targets", tags=["setup 配置"], summary="Whom this process calls, and who rests 调用目标与熔断状态")
    async def targets(
        _: Annotated[Principal, require("viewer", "operator")],
        state: Literal["closed", "open", "half_open"] | None = None,
    ) -> list[Target]:
        """Of this process alone. A target that fails again and again is left alone for a while."""
        shown = [Target(**found) for found in deps.egress.targets.shown()]
        return [target for target in shown if state in (None, target.state)]

    @routes.post("/rounds", status_code=202, tags=["setup 配置"], summary="Let what is due move 推进到期个案")
    async def rounds(_: Annotated[Principal, require("operator")]) -> dict[str, str]:
        """Cases that are due are looked at now instead of at the next round; nothing becomes due by it."""
        await usecases.release_work(deps)
        wake()
        return {"released_until": deps.now().isoformat()}

    @routes.post("/kill-switch", status_code=204, tags=["setup 配置"], summary="Stop every outgoing call 总开关")
    async def kill_switch(body: Switch, who: Annotated[Principal, require("operator")]) -> None:
        """While it is on no call leaves this service; cases wait where they are. Turned on it needs no reason."""
        await usecases.turn(deps, on=body.on, reason=body.reason, actor=who.identity)
        wake()

    @routes.get("/kill-switch", tags=["setup 配置"], summary="Whether it is on, who turned it and why 总开关状态")
    async def kill_switch_now(
        _: Annotated[Principal, require("viewer", "operator", "approver", "auditor")],
    ) -> Switched:
        """Also whether the service was started with it on, which only another start can change."""
        async with deps.database.reading() as conn:
            return Switched(**asdict(await usecases.standing(deps, conn)))

    return routes
