"""HTTP: who admits a source, for which agents, measures and assets, since when; and what was changed by whom."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.exact import AskedWhole, Day, Flag
from libs.common.http.bodies import Body
from libs.common.http.front import KIB
from libs.common.http.guards import bounded, require
from libs.common.http.paging import Limit, Page
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal, check_subject
from libs.common.strings import Plain
from services.monitor.admissions import domain, store, usecases

SourceName = Annotated[str, Plain(100)]


def _who(agent: str) -> str:
    """An agent that a token could stand for. Raises Unfit."""
    if subject := agent.partition("|")[2]:
        check_subject(subject)
    return agent


Identity = Annotated[str, Plain(600), AfterValidator(_who)]
Reason = Annotated[str, Plain(2000, least=0, lines=True)]


class ScopeIn(Body):
    """What a source may cover; the parts that are given all have to hold."""

    everything: Flag = Field(False, description="whatever is recorded, with a reason; else at least one part 全部对象")
    units: Annotated[list[UUID] | None, Field(max_length=500, description="these units and all below 单位及其下级")] = (
        None
    )
    platforms: Annotated[list[Annotated[str, Plain(60)]] | None, Field(max_length=100, description="平台")] = None
    kinds: Annotated[list[Literal["app", "account", "group"]] | None, Field(max_length=3, description="类别")] = None
    assets: Annotated[list[UUID] | None, Field(max_length=2_000, description="a list of assets 对象清单")] = None


class AdmissionIn(Body):
    """For whom and what a source is admitted."""

    agents: Annotated[
        list[Identity],
        Field(min_length=1, max_length=100, description="`issuer|subject` of the tokens that speak for it 代理标识"),
    ]
    measures: Annotated[
        list[Annotated[str, Plain(40)]], Field(min_length=1, max_length=40, description="what it may tell of 指标")
    ]
    covers: ScopeIn
    since: Day | None = Field(None, description="first day that counts, today or later; today if absent 起始日")
    reason: Reason = ""


class Scope(BaseModel):
    """What a source may cover, as it is held."""

    everything: bool
    units: list[UUID] | None
    platforms: list[str] | None
    kinds: list[str] | None
    assets: list[UUID] | None


class WithdrawalIn(Body):
    """From which day on a source may nothing any more; the day may have passed."""

    since: Day | None = Field(None, description="today if absent 终止日")
    reason: Annotated[str, Plain(2000, lines=True)]


class Admission(BaseModel):
    """One version of what a source may do; not `admitted`: from `since` on it may nothing."""

    version: int
    since: date
    admitted: bool
    agents: list[str]
    measures: list[str]
    covers: Scope
    reason: str
    decided_by: str
    decided_at: datetime


class AdmissionList(Page[Admission]):
    """All versions, oldest first; in force on a day is the last one whose `since` is not after it."""

    next: str | None = None


class Change(BaseModel):
    """One change of a source's terms or admission."""

    change_id: int
    what: Literal["terms", "admission", "withdrawal"]
    before: dict[str, Any] | None
    after: dict[str, Any]
    actor: str
    at: datetime


class ChangeList(BaseModel):
    items: list[Change]
    next: int | None


def router(database: Database, clock: Clock) -> APIRouter:
    """Admissions of sources."""
    routes = APIRouter(prefix="/monitor/v1/sources/{source}", tags=["sources 来源"])

    async def versions(source: str) -> list[Admission]:
        async with database.reading() as conn:
            rows = [shown(row) async for row in store.QUERIES.admission_list(conn, source=source)]
            if not rows and not await store.exists(conn, source):
                raise Missing(what=source)
        return rows

    async def decide(source: str, decided: domain.Admission, who: Principal) -> Admission:
        await usecases.admit_source(database, source, decided, actor=who.identity, today=clock.today(), at=clock.now())
        return (await versions(source))[-1]

    @routes.put("/admission", summary="Admit a source 接纳来源")
    @bounded(256 * KIB)
    async def admit(
        source: SourceName, asked: AdmissionIn, who: Annotated[Principal, require("operator")]
    ) -> Admission:
        """Silence counts from that day on, never for days before; asked again it changes nothing.

        Units, assets and platforms are those that the registry has told of, under the names that it gives them.
        """
        part = asked.covers
        scope = domain.Scope(
            everything=part.everything,
            units=_set(part.units),
            platforms=_set(part.platforms),
            kinds=_set(part.kinds),
            assets=_set(part.assets),
        )
        agents = tuple(sorted({domain.identity(agent) for agent in asked.agents}))
        measures = tuple(sorted(set(asked.measures)))
        since = asked.since or clock.today()
        decided = domain.Admission(
            since=since, admitted=True, agents=agents, measures=measures, scope=scope, reason=asked.reason
        )
        return await decide(source, decided, who)

    @routes.put("/withdrawal", summary="Withdraw a source's admission 撤销接纳")
    async def withdraw(
        source: SourceName, asked: WithdrawalIn, who: Annotated[Principal, require("operator")]
    ) -> Admission:
        """From that day on nothing of it counts but the posts that it delivered."""
        since = asked.since or clock.today()
        return await decide(source, domain.Admission(since=since, admitted=False, reason=asked.reason), who)

    @routes.get("/admissions", summary="All versions of a source's admission 历次接纳")
    async def history(source: SourceName, _: Annotated[Principal, require(*READERS)]) -> AdmissionList:
        """Oldest first; in force on a day is the last one that begins no later."""
        return AdmissionList(items=await versions(source))

    @routes.get("/changes", summary="Who changed what of a source, latest first 变更记录")
    async def changes(
        source: SourceName,
        _: Annotated[Principal, require(*READERS)],
        limit: Limit = 100,
        cursor: Annotated[AskedWhole | None, Query(ge=1)] = None,
    ) -> ChangeList:
        """Terms, admissions and withdrawals: what was before, what is now, by whom and when."""
        async with database.reading() as conn:
            rows = store.QUERIES.source_change_list(conn, source=source, before_id=cursor, max_rows=limit)
            items = [Change(**dict(row) | _parsed(row)) async for row in rows]
        return ChangeList(items=items, next=items[-1].change_id if len(items) == limit else None)

    return routes


def shown(row: Any) -> Admission:
    """A version as the API shows it."""
    return Admission(**dict(row) | {"covers": Scope(**dict(row))})


def _parsed(row: Any) -> dict[str, Any]:
    return {name: None if row[name] is None else json.loads(row[name]) for name in ("before", "after")}


def _set(given: list[Any] | None) -> tuple[Any, ...] | None:
    return None if given is None else tuple(sorted(set(given)))
