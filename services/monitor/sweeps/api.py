"""HTTP: the sweeps of business days."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.exact import Day
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.monitor.sweeps import store

Reader = Annotated[Principal, require(*READERS)]


class RuleCount(BaseModel):
    """What one rule came to over all watched assets."""

    true: int
    false: int
    unknown: int
    opened: int
    cleared: int


class Sweep(BaseModel):
    """What the sweep of one business day found; asked for again, it adds what has come to be watched since."""

    day: date
    finished: bool
    assets: int
    opened: int
    cleared: int
    active: int
    idle: int
    zombie: int
    unknown: int
    by_rule: dict[str, RuleCount]


class SweepAsked(Body):
    """Nothing to say: the day is that of the business clock."""


def router(database: Database, run: Callable[[], Awaitable[dict[str, Any]]]) -> APIRouter:
    """Sweeps; `run` sweeps today, and what is new since where it was swept already."""
    routes = APIRouter(prefix="/monitor/v1", tags=["sweeps 巡查"])

    @routes.post("/sweeps", summary="Sweep today 执行当日巡查")
    async def sweep(_: Annotated[Principal, require("operator")], asked: SweepAsked | None = None) -> Sweep:
        """All rules over all watched assets, for the last day that believed sources vouch for.

        Where today's sweep has been already, only what has come to be watched since is judged and added, so what was
        imported shows at once. What was judged today is judged again tomorrow.
        """
        return Sweep(**await run())

    @routes.get("/sweeps/{day}", summary="What a day's sweep found 某日巡查结果")
    async def swept(day: Day, _: Reader) -> Sweep:
        """How many assets had which verdict, and what each rule came to. A day without a sweep is not found (404)."""
        async with database.reading() as conn:
            row = await store.QUERIES.sweep_get(conn, day=day)
        if row is None:
            raise Missing(what=Text(f"{day} 的巡查", f"sweep {day}"))
        return Sweep(**store.summary(row))

    return routes
