"""HTTP: sweeps, verdicts, findings, and why an asset is judged as it is."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from libs.common.clock import Clock
from libs.common.db.pool import PLUMBING, Database
from libs.common.errors import Missing
from libs.common.events.monitor import SignalRead
from libs.common.exact import AskedFlag, Day
from libs.common.http import paging
from libs.common.http.app import Cursor, Limit, require
from libs.common.http.bodies import Body
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.monitor.policy.rulebook import RuleBook, recompute
from services.monitor.sweeps.run import Sweeper, answer
from services.monitor.units import store as units
from services.monitor.verdicts import explain as why
from services.monitor.verdicts import store

READERS = ("viewer", "operator", "approver", "auditor")
Reader = Annotated[Principal, require(*READERS)]
UnitToo = Annotated[Principal, require(*READERS, "unit")]  # who as a unit reads its own alone


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


class VerdictHeld(BaseModel):
    asset_id: UUID
    verdict: str
    rule: str | None
    from_day: date = Field(description="since when it has been so")


class VerdictList(BaseModel):
    items: list[VerdictHeld]
    next: UUID | None


class Finding(BaseModel):
    """One hit of one rule on one asset, with everything needed to compute it again."""

    finding_id: UUID
    asset_id: UUID
    name: str | None = Field(description="对象现名 how the asset is called now; null where it is not known")
    platform: str | None
    address: str | None
    unit_id: UUID | None
    unit_name: str | None
    rule: str
    ordinal: int
    state: Literal["open", "cleared"]
    verdict: str
    proposal: str
    pack: str
    pack_version: str
    when: str
    basis: str
    label: str
    clears_when: str
    signals: list[SignalRead]
    agents: list[str] = Field(description="whose statements the silence rested on when it was opened 申报代理")
    recomputed: bool | None = Field(description="the truth of `when` for `signals`, computed now")
    opened_on: date
    opened_at: datetime
    cleared_on: date | None
    cleared_at: datetime | None
    cleared_because: str | None


class FindingList(BaseModel):
    items: list[Finding]
    next: str | None


def router(database: Database, book: RuleBook, sweeper: Sweeper, clock: Clock) -> APIRouter:
    """Sweeps and what they find."""
    routes = APIRouter(prefix="/monitor/v1")

    @routes.post("/sweeps", tags=["sweeps 巡查"], summary="Sweep today 执行当日巡查")
    async def sweep(_: Annotated[Principal, require("operator")], asked: SweepAsked | None = None) -> Sweep:
        """All rules over all watched assets, for the last day that believed sources vouch for.

        Where today's sweep has been already, only what has come to be watched since is judged and added, so what was
        imported shows at once. What was judged today is judged again tomorrow.
        """
        return Sweep(**await sweeper.sweep(asked=True))

    @routes.get("/sweeps/{day}", tags=["sweeps 巡查"], summary="What a day's sweep found 某日巡查结果")
    async def swept(day: Day, _: Reader) -> Sweep:
        """How many assets had which verdict, and what each rule came to. A day without a sweep is not found (404)."""
        async with database.reading() as conn:
            row = await store.QUERIES.sweep_get(conn, day=day)
        if row is None:
            raise Missing(what=(f"{day} 的巡查", f"sweep {day}"))
        return Sweep(**answer(row))

    @routes.get("/verdicts", tags=["sweeps 巡查"], summary="Verdicts on a day 某日结论")
    async def verdicts(
        who: UnitToo,
        day: Day | None = None,
        verdict: Literal["ACTIVE", "IDLE", "ZOMBIE", "UNKNOWN"] | None = None,
        limit: Limit = 100,
        cursor: UUID | None = None,
    ) -> VerdictList:
        """The verdict on each asset as it stood on that day, today if none is named; `from_day` says since when.

        A unit's token reads those of its own assets and of the units below it; so it is for findings.
        """
        async with database.reading() as conn:
            below = await units.reach(conn, who, READERS)
            rows = [
                VerdictHeld(**row)
                async for row in store.QUERIES.verdict_list(
                    conn, day=day or clock.today(), verdict=verdict, below=below, after=cursor, max_rows=limit
                )
            ]
        return VerdictList(items=rows, next=rows[-1].asset_id if len(rows) == limit else None)

    @routes.get("/findings", tags=["findings 发现"], summary="Findings 发现列表")
    async def findings(
        who: UnitToo,
        state: Literal["open", "cleared"] | None = None,
        rule: Annotated[str, Text(20)] | None = None,
        asset_id: UUID | None = None,
        opened_from: Annotated[Day | None, Query(description="自此日起发现 opened on this day or later")] = None,
        opened_to: Annotated[Day | None, Query(description="至此日止发现 opened on this day or earlier")] = None,
        watched: Annotated[AskedFlag | None, Query(description="对象仍在监测之列 whether the asset is watched")] = None,
        limit: Limit = 100,
        cursor: Cursor | None = None,
    ) -> FindingList:
        """The newest first. One of an asset that was closed, or is gone, stays as it was when that was last watched."""
        begin = paging.place(cursor)
        async with database.reading() as conn:
            below = await units.reach(conn, who, READERS)
            await PLUMBING.plan_for_values(conn)
            rows = [
                shown(row)
                async for row in store.QUERIES.finding_list(
                    conn, state=state, rule=rule, asset_id=asset_id, opened_from=opened_from, opened_to=opened_to,
                    watched=watched, below=below, at=begin.at, which=begin.which, max_rows=limit + 1,
                )
            ]  # fmt: skip
        items, after = paging.cut(rows, limit, lambda finding: (finding.opened_at, finding.finding_id))
        return FindingList(items=items, next=after)

    @routes.get("/findings/{finding_id}", tags=["findings 发现"], summary="One finding 单个发现")
    async def finding(finding_id: UUID, who: UnitToo) -> Finding:
        """With the values that it read, their sources and ages, and whether its rule is true of them, computed now.

        To a unit's token another unit's finding is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await units.reach(conn, who, READERS)
            row = await store.QUERIES.finding_seen(conn, finding_id=finding_id, below=below)
        if row is None:
            raise Missing(what=str(finding_id))
        return shown(row)

    @routes.get("/assets/{asset_id}/why", tags=["findings 发现"], summary="Why it is judged so 结论依据")
    async def explain(asset_id: UUID, who: UnitToo) -> why.Why:
        """Each rule with the signals it reads: true, false, or unknown and for want of what.

        To a unit's token another unit's asset is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await units.reach(conn, who, READERS)
            if below is not None and not await store.QUERIES.asset_seen(conn, asset_id=asset_id, below=below):
                raise Missing(what=str(asset_id))
            return await why.explain(conn, book, asset_id, clock.today())

    return routes


def shown(row: Any) -> Finding:
    """A finding as the API shows it, its truth recomputed from the evidence it stores."""
    fields = dict(row)
    fields["when"] = fields.pop("condition")
    signals = store.evidence(fields["signals"])
    return Finding(**fields | {"signals": signals, "recomputed": recompute(fields["when"], signals)})
