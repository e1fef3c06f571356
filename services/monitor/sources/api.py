"""HTTP: sources, their terms, health and days."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.exact import Count, Day, Share
from libs.common.http.app import Limit, require
from libs.common.http.bodies import Body
from libs.common.security.tokens import Principal
from services.monitor.admissions import api as api_admissions
from services.monitor.verdicts import domain, store, usecases

READERS = ("viewer", "operator", "approver", "auditor", "agent")


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
    admission: api_admissions.Admission | None
    admitted_on: date | None = Field(description="since when without a break; silence counts from there 接纳起始日")
    healthy: bool
    code: str
    reason: str
    last_whole_day: date | None


class SourceList(BaseModel):
    items: list[Source]
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


class DayList(BaseModel):
    items: list[SourceDay]
    next: str | None = None


def router(database: Database, clock: Clock) -> APIRouter:
    """Sources."""
    routes = APIRouter(prefix="/monitor/v1/sources", tags=["sources 来源"])

    async def listed() -> list[Source]:
        async with database.reading() as conn:
            today = clock.today()
            healths = await store.healths(conn, today)
            held = {
                row["source"]: api_admissions.shown(row) async for row in store.QUERIES.admissions_on(conn, day=today)
            }
            found = []
            async for row in store.QUERIES.source_list(conn, today=today):
                health, name = healths[row["source"]], row["source"]
                terms = store.terms(row)
                found.append(
                    Source(
                        source=name,
                        admission=held.get(name),
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
            return found

    @routes.put("/{source}", summary="Set a source's terms 设置来源要求")
    async def configure(
        source: api_admissions.SourceName, terms: TermsIn, who: Annotated[Principal, require("operator")]
    ) -> Source:
        """How it is judged; that it is listened to at all takes its admission."""
        await usecases.configure_source(
            database,
            source,
            domain.Terms(terms.rhythm_days, terms.floor_share, terms.lookback_days),
            actor=who.identity,
            today=clock.today(),
            at=clock.now(),
        )
        return next(found for found in await listed() if found.source == source)

    @routes.get("", summary="Sources and their health 来源及其健康状态")
    async def sources(_: Annotated[Principal, require(*READERS)]) -> SourceList:
        """Each with the terms it is judged by, whether it is healthy and why not, and what it is admitted for."""
        return SourceList(items=await listed())

    @routes.get("/{source}/days", summary="A source's days, latest first 来源逐日情况")
    async def days(
        source: api_admissions.SourceName,
        _: Annotated[Principal, require(*READERS)],
        limit: Limit = 100,
        cursor: Day | None = None,
    ) -> DayList:
        """What arrived, what was stated, and whether the day is whole: only then does its silence count."""
        async with database.reading() as conn:
            rows = [
                SourceDay(**row)
                async for row in store.QUERIES.source_days_list(conn, source=source, before=cursor, max_rows=limit)
            ]
            if not rows and cursor is None and await store.QUERIES.source_get(conn, source=source) is None:
                raise Missing(what=source)
        return DayList(items=rows, next=rows[-1].day.isoformat() if len(rows) == limit else None)

    return routes
