"""HTTP: assets, events, imports, the guard, tombstones."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from libs.common import idempotency
from libs.common.auth import Principal
from libs.common.clock import Clock
from libs.common.db import Database
from libs.common.errors import Invalid, Missing
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, Kind
from libs.common.events.registry import RecordState, RunningState
from libs.common.kafka import first_fault
from libs.common.web import public, require, require_version
from services.registry import domain, imports, pages, store, usecases
from services.registry.identity import canonical
from services.registry.store import QUERIES
from services.registry.usecases import Policy

NIL = UUID(int=0)
READ = ("viewer", "registrar", "operator", "auditor", "unit")
MODELS: dict[str, type[AssetDeclared] | type[AssetCorrected] | type[AssetDelisted]] = {
    model.TYPE: model for model in (AssetDeclared, AssetCorrected, AssetDelisted)
}


class Asset(BaseModel):
    """The current record of an asset."""

    asset_id: UUID
    version: int
    kind: Kind
    platform: str
    identity: str
    incarnation: int
    address: str
    name: str
    language: str
    sponsor_id: UUID
    record: RecordState
    running: RunningState
    source: str
    listed_on: date
    opened_on: date | None
    changed_at: datetime


class Assets(BaseModel):
    """A page of assets; ask again with `cursor=next`."""

    items: list[Asset]
    next: str | None


class Correction(BaseModel):
    """Facts that may be corrected without touching identity."""

    name: str | None = Field(None, min_length=1, max_length=400)
    language: str | None = Field(None, max_length=20)
    opened_on: date | None = None


class CloudEvent(BaseModel):
    """A CloudEvent 1.0 in structured mode."""

    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=200)
    type: Literal["asset.declared", "asset.corrected", "asset.delisted"]
    specversion: Literal["1.0"] = "1.0"
    time: AwareDatetime | None = None
    data: dict[str, Any]


class Outcome(BaseModel):
    """What an event did."""

    outcome: str
    asset_id: UUID


class Decision(BaseModel):
    """What a person decides on a held disappearance."""

    decision: Literal["apply", "drop"]
    reason: str = Field(min_length=1, max_length=1000)


def _asset(held: domain.Asset) -> Asset:
    return Asset(**asdict(held))


def router(database: Database, clock: Clock, policy: Policy) -> APIRouter:
    """All routes but those of units."""
    routes = APIRouter(prefix="/registry/v1")

    @routes.post(
        "/assets", status_code=201, response_model=Asset, tags=["assets 对象"], summary="Record an asset 登记对象"
    )
    async def declare(
        body: AssetDeclared,
        request: Request,
        who: Annotated[Principal, require("registrar", "unit")],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        raw = await request.body()
        async with database.transaction("declare_asset") as conn:
            given = await idempotency.recall(conn, who.subject, idempotency_key, raw)
            if given is not None:
                return Response(given[1], given[0], media_type="application/json")
            cause = usecases.Cause(who.subject, f"api {idempotency_key or ''}".strip())
            result = await usecases.apply(conn, body, who, cause, now=clock.now(), policy=policy)
            if result.outcome == "unchanged":
                raise domain.DuplicateAsset(field="address", twin=result.asset_id, source=body.source)
            held = await store.lock(conn, result.asset_id)
            assert held is not None  # noqa: S101 - written above
            answer = _asset(held).model_dump_json().encode()
            await idempotency.keep(conn, who.subject, idempotency_key, raw, status=201, answer=answer)
        return Response(answer, 201, media_type="application/json", headers={"ETag": f'"{held.version}"'})

    @routes.get("/assets", tags=["assets 对象"], summary="List assets 对象列表")
    async def assets(
        _: Annotated[Principal, require(*READ)],
        kind: Kind | None = None,
        platform: str | None = None,
        sponsor: UUID | None = None,
        record: RecordState | None = None,
        running: RunningState | None = None,
        source: str | None = None,
        cursor: UUID = NIL,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Assets:
        async with database.reading() as conn:
            found = QUERIES.asset_list(
                conn, kind=kind, platform=platform, sponsor=sponsor, running=running, record=record, source=source,
                after=cursor, max_rows=limit,
            )  # fmt: skip
            items = [_asset(store.to_asset(row)) async for row in found]
        return Assets(items=items, next=str(items[-1].asset_id) if len(items) == limit else None)

    @routes.get("/assets/{asset_id}", tags=["assets 对象"], summary="One asset 对象详情")
    async def asset(asset_id: UUID, response: Response, _: Annotated[Principal, require(*READ)]) -> Asset:
        async with database.reading() as conn:
            row = await QUERIES.asset_get(conn, asset_id=asset_id)
        if row is None:
            raise Missing(what=f"asset {asset_id}")
        response.headers["ETag"] = f'"{row["version"]}"'
        return _asset(store.to_asset(row))

    @routes.get("/assets/{asset_id}/history", tags=["assets 对象"], summary="All versions of an asset 历史版本")
    async def history(asset_id: UUID, _: Annotated[Principal, require(*READ)]) -> dict[str, Any]:
        async with database.reading() as conn:
            rows = [dict(row) async for row in QUERIES.version_list(conn, asset_id=asset_id)]
        return {"items": [row | {"record": json.loads(row["record"])} for row in rows], "next": None}

    @routes.patch("/assets/{asset_id}", tags=["assets 对象"], summary="Correct an asset's facts 更正对象信息")
    async def amend(
        asset_id: UUID,
        body: Correction,
        who: Annotated[Principal, require("registrar", "unit")],
        if_match: Annotated[str | None, Header()] = None,
    ) -> Asset:
        facts = body.model_dump()
        after = await usecases.amend(database, asset_id, require_version(if_match), who, now=clock.now(), **facts)
        return _asset(after)

    @routes.post("/events", status_code=202, tags=["intake 接入"], summary="A lifecycle CloudEvent 生命周期事件")
    async def event(body: CloudEvent, who: Annotated[Principal, require("registrar", "unit")]) -> Outcome:
        try:
            told = MODELS[body.type].model_validate(body.data)
        except ValidationError as error:
            raise Invalid(field=f"data.{first_fault(error).partition(':')[0]}", why=first_fault(error)) from None
        result = await usecases.take_in(
            database, told, who, source=body.source, event_id=body.id, now=clock.now(), policy=policy
        )
        return Outcome(outcome=result.outcome, asset_id=result.asset_id)

    @routes.post("/imports", tags=["intake 接入"], summary="Import a source's list as CSV 导入名录")
    async def import_file(
        request: Request,
        who: Annotated[Principal, require("registrar")],
        source: Annotated[str, Query(min_length=1, max_length=100)],
        on: date,
        mode: Literal["dry-run", "apply"] = "dry-run",
        complete: bool = False,
        unit_scheme: Annotated[str, Query(min_length=1, max_length=40)] = "name",
    ) -> dict[str, Any]:
        file = imports.File(await request.body(), source, on, unit_scheme, complete)
        report = await imports.run(database, file, who, apply=mode == "apply", now=clock.now(), policy=policy)
        kinds = ("added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held")
        return {
            "import_id": report.import_id, "mode": report.mode, "rows": report.rows,
            "summary": {kind: report.summary[kind] for kind in kinds}, "verdicts": report.verdicts,
        }  # fmt: skip

    @routes.get("/guard/held", tags=["guard 消失防护"], summary="Disappearances held for a person 待人工确认的消失")
    async def held(_: Annotated[Principal, require("operator", "registrar")]) -> dict[str, Any]:
        async with database.reading() as conn:
            return {"items": [dict(row) async for row in QUERIES.disappearances_held(conn)], "next": None}

    @routes.post("/guard/held/{which}", tags=["guard 消失防护"], summary="Apply or drop one 确认或忽略")
    async def decide(which: UUID, body: Decision, who: Annotated[Principal, require("operator")]) -> Outcome:
        result = await usecases.decide_held(
            database, which, go=body.decision == "apply", reason=body.reason, actor=who.subject, now=clock.now()
        )
        return Outcome(outcome=result.outcome, asset_id=result.asset_id)

    @routes.get("/summary", tags=["assets 对象"], summary="Counts by kind and state 按类别和状态统计")
    async def summary(_: Annotated[Principal, require(*READ)]) -> dict[str, Any]:
        async with database.reading() as conn:
            return {"items": [dict(row) async for row in QUERIES.asset_counts(conn)], "next": None}

    @routes.get("/tombstones/{asset_id}", tags=["public 公开"], summary="When and why an asset was closed 关停公告")
    @public
    async def tombstone(asset_id: UUID, request: Request) -> Response:
        async with database.reading() as conn:
            row = await QUERIES.tombstone_get(conn, asset_id=asset_id)
        if row is None:
            raise Missing(what=f"tombstone {asset_id}")
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(pages.tombstone(dict(row)))
        return JSONResponse(TypeAdapter(dict[str, Any]).dump_python(dict(row), mode="json"))

    @routes.get("/verify", tags=["public 公开"], summary="Is this address official? 是否官方账号")
    @public
    async def verify(
        address: Annotated[str, Query(min_length=1, max_length=2000)], platform: str = ""
    ) -> dict[str, Any]:
        what = canonical("account", platform or "web", address)
        async with database.reading() as conn:
            found = await store.peek(conn, "account", what)
        if found is None:
            return {"status": "unknown", "platform": what.platform, "identity": what.identity}
        status = "closed" if found.record == "closed" else "gone" if found.running == "gone" else "official"
        tomb = f"/registry/v1/tombstones/{found.asset_id}" if status == "closed" else None
        return {
            "status": status, "asset_id": found.asset_id, "platform": what.platform, "identity": what.identity,
            "name": found.name, "tombstone": tomb,
        }  # fmt: skip

    return routes
