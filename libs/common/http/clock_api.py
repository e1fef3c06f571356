"""Routes over the business clock: read it, and step it where it is a stepped one."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.clock import Clock, ClockNotStepped, SteppedClock
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.exact import Instant
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.security.tokens import Principal


class Step(Body):
    """The instant to step the business clock to."""

    now: Instant


class Stepped(BaseModel):
    """Where the business clock stands."""

    now: datetime
    mode: str


def clock_router(service: str, database: Database, clock: Clock) -> APIRouter:
    """Read the business clock, and step it where it is a stepped one."""
    router = APIRouter(prefix=f"/{service}/v1/clock", tags=["clock 时钟"])

    @router.get("", summary="Read the business clock 读取业务时钟")
    async def read(_: Annotated[Principal, require("clock", "viewer", "operator")]) -> Stepped:
        """Business time: by it things fall due. `mode` says whether it is the system's or is stepped."""
        return Stepped(now=clock.now(), mode=clock.mode)

    @router.post("", summary="Step the business clock forward 步进业务时钟")
    async def step(body: Step, _: Annotated[Principal, require("clock")]) -> Stepped:
        """Only where the service runs with a stepped clock, for rehearsals; it never goes back."""
        if not isinstance(clock, SteppedClock):
            raise ClockNotStepped()
        clock.check(body.now)
        async with database.transaction("step_clock") as conn:
            await PLUMBING.clock_write(conn, instant=body.now)
        clock.set(max(body.now, clock.now()))
        return Stepped(now=clock.now(), mode=clock.mode)

    return router
