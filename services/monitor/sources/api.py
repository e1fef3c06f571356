"""HTTP: sources, their terms, health and days, and what their agents state."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.events.intake import SourceStated
from libs.common.exact import Count, Day, Share
from libs.common.http.bodies import Body
from libs.common.http.front import MIB
from libs.common.http.guards import bounded, require
from libs.common.http.paging import Limit, Page
from libs.common.refusals.noting import intake, noting
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from services.monitor.admissions import api as admission_api
from services.monitor.admissions import store as admission_store
from services.monitor.admissions.names import speaks_for
from services.monitor.admissions.usecases import Gate
from services.monitor.sources import store, usecases
from services.monitor.sources.health import Terms

SOURCE_READERS = (*READERS, "agent")


class TermsIn(Body):
    """How a source is judged."""

    rhythm_days: Count = Field(
        1,
        ge=1,
        le=31,
        description="1 where a day is stated before the next one begins, 2 where it is "
        "stated in the course of the next day, and so on; before that nothing is missed 申报周期(天)",
    )
    floor_share: Share = Field(0.8, ge=0, le=1, description="fewer covered assets than this share of usual: partial")
    lookback_days: Count = Field(7, ge=1, le=60, description="how many due days must all be whole")


class Source(BaseModel):
    """A source with its terms, its health today, and its admission in force; none: nothing of it is taken."""

    source: str
    rhythm_days: int
    floor_share: float
    lookback_days: int
    admission: admission_api.Admission | None
    admitted_on: date | None = Field(description="since when without a break; silence counts from there 接纳起始日")
    healthy: bool
    code: str
    reason: str
    last_whole_day: date | None


class SourceList(Page[Source]):
    next: str | None = None


class SourceDay(BaseModel):
    """One day of a source; `whole`: what arrived is what was stated, so its silence counts as silence."""

    day: date
    received: int
    stated: int | None
    revision: int
    covered: int | None
    beyond: int = Field(
        description="stated assets it is not admitted for: it vouches for none of them 超出接纳范围的对象数"
    )
    stated_by: str | None = Field(description="the agent whose statement it is 申报代理")
    whole: bool
    measures: list[str] = Field(description="申报的指标 what it vouches for, by name; nothing of what is not named")


class DayList(Page[SourceDay]):
    next: str | None = None


class Stated(BaseModel):
    outcome: str = Field(description="applied, or unchanged when the same statement is already held")
    covered: int = Field(description="assets that it vouches for 申报有效的对象数")
    not_covered: int = Field(description="assets that the source is not admitted for 超出接纳范围的对象数")
    not_covered_ids: list[UUID] = Field(description="the first ten of those")


def statements(database: Database, clock: Clock, gate: Gate) -> APIRouter:
    """Statements over HTTP."""
    routes = APIRouter(prefix="/monitor/v1", tags=["intake 接入"], route_class=noting(database))

    @routes.post("/statements", status_code=202, summary="State a source's day 申报来源日数据")
    @intake("source", "day", "revision")
    @bounded(1 * MIB)
    async def state(stated: SourceStated, principal: Annotated[Principal, require("agent")]) -> Stated:
        """What it vouches for: the assets it covered, the measures it took, how many records it sent.

        Only where that many arrived does absence mean zero. A later statement of the day needs a higher `revision`.
        """
        speaks_for(principal.sources, stated.source)
        result = await usecases.state_source(
            database,
            stated,
            who=principal.identity,
            today=clock.today(),
            came=gate.came(),
            late_days=gate.late_days,
        )
        return Stated(
            outcome=result.outcome,
            covered=result.covered,
            not_covered=result.not_covered,
            not_covered_ids=list(result.beyond[:10]),
        )

    return routes


def router(database: Database, clock: Clock) -> APIRouter:
    """Sources."""
    routes = APIRouter(prefix="/monitor/v1/sources", tags=["sources 来源"])

    async def listed() -> list[Source]:
        async with database.reading() as conn:
            today = clock.today()
            healths = await store.healths(conn, today)
            rows = admission_store.QUERIES.admissions_on(conn, day=today)
            admitted = {row["source"]: admission_api.shown(row) async for row in rows}
            items = []
            async for row in store.QUERIES.source_list(conn, today=today):
                health, name = healths[row["source"]], row["source"]
                terms = store.terms(row)
                items.append(
                    Source(
                        source=name,
                        admission=admitted.get(name),
                        admitted_on=row["admitted_on"],
                        healthy=health.healthy,
                        code=health.code,
                        reason=health.reason,
                        last_whole_day=row["last_whole"],
                        rhythm_days=terms.rhythm_days,
                        floor_share=terms.floor_share,
                        lookback_days=terms.lookback_days,
                    )
                )
            return items

    @routes.put("/{source}", summary="Set a source's terms 设置来源要求")
    async def configure(
        source: admission_api.SourceName, terms: TermsIn, who: Annotated[Principal, require("operator")]
    ) -> Source:
        """How it is judged; that it is listened to at all takes its admission."""
        await usecases.configure_source(
            database,
            source,
            Terms(**terms.model_dump()),
            actor=who.identity,
            today=clock.today(),
            at=clock.now(),
        )
        return next(item for item in await listed() if item.source == source)

    @routes.get("", summary="Sources and their health 来源及其健康状态")
    async def sources(_: Annotated[Principal, require(*SOURCE_READERS)]) -> SourceList:
        """Each with the terms it is judged by, whether it is healthy and why not, and what it is admitted for."""
        return SourceList(items=await listed())

    @routes.get("/{source}/days", summary="A source's days, latest first 来源逐日情况")
    async def days(
        source: admission_api.SourceName,
        _: Annotated[Principal, require(*SOURCE_READERS)],
        limit: Limit = 100,
        cursor: Day | None = None,
    ) -> DayList:
        """What arrived, what was stated, and whether the day is whole: only then does its silence count."""
        async with database.reading() as conn:
            rows = [
                SourceDay(**row)
                async for row in store.QUERIES.source_days_list(conn, source=source, before=cursor, max_rows=limit)
            ]
            if not rows and cursor is None and not await admission_store.exists(conn, source):
                raise Missing(what=source)
        return DayList.of(rows, limit, lambda last: last.day.isoformat())

    return routes
