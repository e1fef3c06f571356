"""HTTP: assets, their history, corrections and reopening."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.events.intake import Kind
from libs.common.events.registry import RecordState, RunningState
from libs.common.exact import AskedWhole
from libs.common.http.guards import require
from libs.common.http.paging import Limit
from libs.common.refusals.noting import intake, noting
from libs.common.security.roles import RECORD_READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.registry.assets import schemas, store, usecases
from services.registry.assets.domain import Asset
from services.registry.assets.store import QUERIES
from services.registry.units.usecases import reach
from services.registry.versions import IfMatch, require_version

NIL = UUID(int=0)
LAST_VERSION = (1 << 31) - 1
WITH_AGENTS = (*RECORD_READERS, "agent")  # an agent that delivers usage names each asset by its id
ETAG = {"ETag": {"description": "版本,用于 If-Match the version, for If-Match", "schema": {"type": "string"}}}


def shown(asset: Asset) -> schemas.Asset:
    return schemas.Asset(**store.fields(asset), previous_id=asset.previous_id)


def router(database: Database, clock: Clock) -> APIRouter:
    """Assets."""
    routes = APIRouter(prefix="/registry/v1", tags=["assets 对象"], route_class=noting(database))

    @routes.get("/assets", summary="List assets 对象列表")
    async def assets(
        who: Annotated[Principal, require(*WITH_AGENTS, "unit")],
        kind: Kind | None = None,
        platform: Annotated[str, Plain(60)] | None = None,
        sponsor: UUID | None = None,
        record: RecordState | None = None,
        running: RunningState | None = None,
        source: Annotated[str, Plain(100)] | None = None,
        cursor: UUID = NIL,
        limit: Limit = 100,
    ) -> schemas.Assets:
        """In the order of their ids. `platform` is the canonical name, such as `x` or `weibo`.

        A unit's token reads those of its own unit and of the units below it; so it is for all that it reads.
        """
        async with database.reading() as conn:
            below = await reach(conn, who, WITH_AGENTS)
            rows = QUERIES.asset_list(
                conn,
                kind=kind,
                platform=platform,
                sponsor=sponsor,
                running=running,
                record=record,
                source=source,
                below=below,
                after=cursor,
                max_rows=limit,
            )
            items = [shown(store.to_asset(row)) async for row in rows]
        return schemas.Assets.of(items, limit, lambda last: last.asset_id)

    @routes.get(
        "/assets/{asset_id}",
        summary="One asset 对象详情",
        responses={200: {"headers": ETAG}},
    )
    async def asset(
        asset_id: UUID, response: Response, who: Annotated[Principal, require(*WITH_AGENTS, "unit")]
    ) -> schemas.Asset:
        """The record as it stands now; its version, the `ETag`, is what a correction names in `If-Match`.

        To a unit's token another unit's asset is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await reach(conn, who, WITH_AGENTS)
            row = await QUERIES.asset_seen(conn, asset_id=asset_id, below=below)
        if row is None:
            raise Missing(what=Text(f"对象 {asset_id}", f"asset {asset_id}"))
        response.headers["ETag"] = f'"{row["version"]}"'
        return shown(store.to_asset(row))

    @routes.get(
        "/assets/{asset_id}/history",
        summary="All versions of an asset 历史版本",
    )
    async def history(
        asset_id: UUID,
        who: Annotated[Principal, require(*RECORD_READERS, "unit")],
        cursor: Annotated[AskedWhole, Query(ge=0)] = 0,
        limit: Limit = 100,
    ) -> schemas.Versions:
        """Every version with who changed it, what caused it and why; nothing is ever rewritten.

        A unit's token reads the versions in which the asset was its own.
        """
        async with database.reading() as conn:
            below = await reach(conn, who, RECORD_READERS)
            if await QUERIES.asset_seen(conn, asset_id=asset_id, below=below) is None:
                raise Missing(what=Text(f"对象 {asset_id}", f"asset {asset_id}"))
            rows: list[Any] = [
                dict(row)
                async for row in QUERIES.version_list(
                    conn, asset_id=asset_id, below=below, after=min(cursor, LAST_VERSION), max_rows=limit
                )
            ]
        items = [schemas.Version(**row | {"record": json.loads(row["record"])}) for row in rows]
        return schemas.Versions.of(items, limit, lambda last: last.version)

    @routes.patch(
        "/assets/{asset_id}",
        summary="Correct an asset's facts 更正对象信息",
        responses={200: {"headers": ETAG}},
    )
    @intake("asset_id")
    async def amend(
        asset_id: UUID,
        body: schemas.Correction,
        response: Response,
        who: Annotated[Principal, require("registrar", "unit")],
        if_match: IfMatch = None,
    ) -> schemas.Asset:
        """Needs `If-Match` with the version that was read; 409 `version_conflict` when somebody was faster."""
        facts = body.model_dump()
        after = await usecases.amend(database, asset_id, require_version(if_match), who, now=clock.now(), **facts)
        response.headers["ETag"] = f'"{after.version}"'
        return shown(after)

    @routes.post(
        "/assets/{asset_id}/reopening",
        summary="Permit a reopening before the cooldown 准予提前重新登记",
    )
    async def permit(
        asset_id: UUID, body: schemas.Reason, who: Annotated[Principal, require("operator")]
    ) -> schemas.Asset:
        """A closed asset may come back as a new record after a cooldown; this is the exception, with its reason.

        The next declaration of the asset, from whatever way in, then makes the new record, linked to this one.
        """
        return shown(await usecases.permit_reopening(database, asset_id, who, body.reason, now=clock.now()))

    @routes.get(
        "/summary",
        summary="Counts by kind, platform and state 按类别、平台和状态统计",
    )
    async def summary(who: Annotated[Principal, require(*RECORD_READERS, "unit")]) -> schemas.Counts:
        """How many assets of each kind and platform are in which state. Never by unit or person.

        A unit's token has its own assets counted, with those of the units below it.
        """
        async with database.reading() as conn:
            below = await reach(conn, who, RECORD_READERS)
            rows = QUERIES.asset_counts(conn, below=below)
            return schemas.Counts(items=[schemas.Count(**dict(row)) async for row in rows])

    return routes
