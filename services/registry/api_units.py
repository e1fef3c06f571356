"""HTTP: units."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from libs.common.auth import Principal
from libs.common.clock import Clock
from libs.common.db import Database
from libs.common.errors import Missing
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.web import require
from services.registry import store, usecases
from services.registry.store import QUERIES

NIL = UUID(int=0)
READ = ("viewer", "registrar", "operator", "auditor", "unit")


class Code(BaseModel):
    """A unit's code under a scheme, such as cn-uscc 统一社会信用代码."""

    scheme: str = Field(min_length=1, max_length=40, examples=["cn-uscc"])
    value: str = Field(min_length=1, max_length=400, examples=["11510000008282516M"])


class UnitIn(Code):
    """A unit to record, or more of what is known of one."""

    names: list[UnitName] = Field(min_length=1, max_length=20)
    parent: Code | None = None
    level: str | None = Field(None, max_length=40, examples=["county"])
    region: str | None = Field(None, max_length=20, examples=["510104"])


class Unit(BaseModel):
    """A recorded unit."""

    unit_id: UUID
    version: int
    scheme: str
    value: str
    names: list[UnitName]
    parent_id: UUID | None
    level: str | None
    region: str | None


class Units(BaseModel):
    """A page of units; ask again with `cursor=next`."""

    items: list[Unit]
    next: str | None


def _unit(event: UnitRecorded) -> Unit:
    return Unit(**event.model_dump())


def router(database: Database, clock: Clock) -> APIRouter:
    """Units."""
    routes = APIRouter(prefix="/registry/v1/units", tags=["units 单位"])

    @routes.post("", status_code=201, summary="Record a unit or add to it 登记单位")
    async def record(body: UnitIn, _: Annotated[Principal, require("registrar")]) -> Unit:
        first = body.names[0]
        ref = UnitRef(scheme=body.scheme, value=body.value, name=first.text, language=first.language)
        parent = (body.parent.scheme, body.parent.value) if body.parent else None
        names = [(name.language, name.text) for name in body.names]
        event = await usecases.record_unit(
            database, ref, names=names, parent=parent, level=body.level, region=body.region, now=clock.now()
        )
        return _unit(event)

    @routes.get("", summary="List units 单位列表")
    async def units(
        _: Annotated[Principal, require(*READ)],
        cursor: UUID = NIL,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Units:
        async with database.reading() as conn:
            rows: list[Any] = [row async for row in QUERIES.unit_list(conn, after=cursor, max_rows=limit)]
        items = [Unit(**{**dict(row), "names": json.loads(row["names"])}) for row in rows]
        return Units(items=items, next=str(items[-1].unit_id) if len(items) == limit else None)

    @routes.get("/{unit_id}", summary="One unit 单位详情")
    async def unit(unit_id: UUID, _: Annotated[Principal, require(*READ)]) -> Unit:
        async with database.reading() as conn:
            if await QUERIES.unit_get(conn, unit_id=unit_id) is None:
                raise Missing(what=f"unit {unit_id}")
            return _unit(await store.unit_event(conn, unit_id))

    return routes
