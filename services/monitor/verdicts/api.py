"""HTTP: verdicts, findings, and why an asset is judged as it is."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.errors import Missing
from libs.common.exact import AskedFlag, Day
from libs.common.http import paging
from libs.common.http.guards import require
from libs.common.http.paging import Cursor, Limit
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.monitor.assets import store as asset_store
from services.monitor.policy.rulebook import RuleBook
from services.monitor.units import store as unit_store
from services.monitor.verdicts import schemas, store
from services.monitor.verdicts.explain import explanation
from services.monitor.verdicts.schemas import Finding, FindingList, VerdictHeld, VerdictList, Why

UnitToo = Annotated[Principal, require(*READERS, "unit")]  # a unit's token reads its own alone


def router(database: Database, book: RuleBook, clock: Clock) -> APIRouter:
    """Verdicts and findings."""
    routes = APIRouter(prefix="/monitor/v1")

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
            below = await unit_store.reach(conn, who, READERS)
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
        rule: Annotated[str, Plain(20)] | None = None,
        asset_id: UUID | None = None,
        opened_from: Annotated[Day | None, Query(description="自此日起发现 opened on this day or later")] = None,
        opened_to: Annotated[Day | None, Query(description="至此日止发现 opened on this day or earlier")] = None,
        watched: Annotated[AskedFlag | None, Query(description="对象仍在监测之列 whether the asset is watched")] = None,
        limit: Limit = 100,
        cursor: Cursor | None = None,
    ) -> FindingList:
        """The newest first. One of an asset that was closed, or is gone, stays as it was when that was last watched."""
        after = paging.place(cursor)
        async with database.reading() as conn:
            below = await unit_store.reach(conn, who, READERS)
            await PLUMBING.plan_for_values(conn)
            rows = [
                schemas.finding(row)
                async for row in store.QUERIES.finding_list(
                    conn,
                    state=state,
                    rule=rule,
                    asset_id=asset_id,
                    opened_from=opened_from,
                    opened_to=opened_to,
                    watched=watched,
                    below=below,
                    at=after.at,
                    which=after.which,
                    max_rows=limit + 1,
                )
            ]
        items, following = paging.cut(rows, limit, lambda finding: (finding.opened_at, finding.finding_id))
        return FindingList(items=items, next=following)

    @routes.get("/findings/{finding_id}", tags=["findings 发现"], summary="One finding 单个发现")
    async def finding(finding_id: UUID, who: UnitToo) -> Finding:
        """With the values that it read, their sources and ages, and whether its rule is true of them, computed now.

        To a unit's token another unit's finding is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await unit_store.reach(conn, who, READERS)
            row = await store.QUERIES.finding_seen(conn, finding_id=finding_id, below=below)
        if row is None:
            raise Missing(what=str(finding_id))
        return schemas.finding(row)

    @routes.get("/assets/{asset_id}/why", tags=["findings 发现"], summary="Why it is judged so 结论依据")
    async def explain(asset_id: UUID, who: UnitToo) -> Why:
        """Each rule with the signals it reads: true, false, or unknown and for want of what.

        To a unit's token another unit's asset is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await unit_store.reach(conn, who, READERS)
            if below is not None and not await asset_store.QUERIES.asset_seen(conn, asset_id=asset_id, below=below):
                raise Missing(what=str(asset_id))
            return explanation(await store.examine(conn, book, asset_id, clock.today()))

    return routes
