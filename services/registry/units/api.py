"""HTTP: units."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Invalid, Missing
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.http.app import Limit, require
from libs.common.http.bodies import Body
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.registry.assets import domain, store
from services.registry.assets.store import QUERIES
from services.registry.units import usecases as units

NIL = UUID(int=0)
READ_ALL = ("viewer", "registrar", "operator", "approver", "auditor")


class Code(Body):
    """A unit's code under a scheme, such as cn-uscc 统一社会信用代码."""

    scheme: Annotated[str, Text(40)] = Field(examples=["cn-uscc"])
    value: Annotated[str, Text(400)] = Field(examples=["11510000008282516L"])


class Name(Body):
    """One name of a unit in one language (BCP 47, `und` where unknown)."""

    language: Annotated[str, Text(20, least=0)]
    text: Annotated[str, Text(400)]


class UnitIn(Code):
    """A unit to record, or more of what is known of one."""

    names: list[Name] = Field(min_length=1, max_length=20)
    parent: Code | None = None
    level: Annotated[str, Text(40, least=0)] | None = Field(None, examples=["county"])
    region: Annotated[str, Text(20, least=0)] | None = Field(None, examples=["510104"])
    aliases: list[Code] = Field(
        default_factory=list, max_length=20, description="该单位的其他代码 other codes under which the unit is known"
    )


class HeldCode(BaseModel):
    """A code as it is held; whatever is held is shown."""

    scheme: str
    value: str


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
    aliases: list[HeldCode] = Field(description="小写,合并空格 as they are compared, the unit's own code included")


class Units(BaseModel):
    """A page of units; ask again with `cursor=next`."""

    items: list[Unit]
    next: str | None


def _unit(event: UnitRecorded, aliases: list[tuple[str, str]]) -> Unit:
    return Unit(**event.model_dump(), aliases=[HeldCode(scheme=scheme, value=value) for scheme, value in aliases])


def router(database: Database, clock: Clock) -> APIRouter:
    """Units."""
    routes = APIRouter(prefix="/registry/v1/units", tags=["units 单位"])

    @routes.post(
        "",
        status_code=201,
        summary="Record a unit or add to it 登记单位",
    )
    async def record(body: UnitIn, _: Annotated[Principal, require("registrar")]) -> Unit:
        """What is known of the unit is added to; sent again, nothing changes. The parent must be recorded."""
        first = body.names[0]
        ref = UnitRef(scheme=body.scheme, value=body.value, name=first.text, language=first.language)
        parent = (body.parent.scheme, body.parent.value) if body.parent else None
        more = units.More(
            names=tuple((name.language, name.text) for name in body.names),
            aliases=tuple((code.scheme, code.value) for code in body.aliases),
            level=body.level,
            region=body.region,
        )
        return _unit(*await units.record_unit(database, ref, more, parent=parent, now=clock.now()))

    @routes.get("", summary="List units 单位列表")
    async def listed(
        who: Annotated[Principal, require(*READ_ALL, "unit")],
        scheme: Annotated[
            Annotated[str, Text(40)] | None, Query(description="代码体系,与 value 同用 with `value`")
        ] = None,
        value: Annotated[Annotated[str, Text(400)] | None, Query(description="单位代码 its code or an alias")] = None,
        name: Annotated[
            Annotated[str, Text(400)] | None, Query(description="名称或其开头 a name or its beginning")
        ] = None,
        cursor: UUID = NIL,
        limit: Limit = 100,
    ) -> Units:
        """In the order of their ids: all, the one under a code, or those with a name that begins so; case is no matter.

        `scheme` and `value` go together, as `cn-uscc` and `11510000008282516L`. A unit's token reads its own unit and
        those below it.
        """
        if (scheme is None) != (value is None):
            missing = "scheme" if scheme is None else "value"
            raise Invalid(
                field=missing, accepted="scheme and value together", why=(f"缺少 {missing}", f"{missing} is missing")
            )
        beginning = None if name is None else domain.shown("name", name)
        wanted = None
        async with database.reading() as conn:
            below = await units.reach(conn, who, READ_ALL)
            if scheme is not None and value is not None:
                found = await store.unit(conn, scheme, domain.clean("value", value))
                if found is None:
                    return Units(items=[], next=None)
                wanted = found["unit_id"]
            listing = QUERIES.unit_list(conn, unit_id=wanted, name=beginning, below=below, after=cursor, max_rows=limit)
            rows: list[Any] = [row async for row in listing]
        parts = ("names", "aliases")
        items = [Unit(**dict(row) | {part: json.loads(row[part]) for part in parts}) for row in rows]
        return Units(items=items, next=str(items[-1].unit_id) if len(items) == limit else None)

    @routes.get("/{unit_id}", summary="One unit 单位详情")
    async def unit(unit_id: UUID, who: Annotated[Principal, require(*READ_ALL, "unit")]) -> Unit:
        """With all the names and codes under which it is known.

        To a unit's token a unit that is not below its own is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await units.reach(conn, who, READ_ALL)
            if await QUERIES.unit_seen(conn, unit_id=unit_id, below=below) is None:
                raise Missing(what=(f"单位 {unit_id}", f"unit {unit_id}"))
            return _unit(await store.unit_event(conn, unit_id), await store.aliases(conn, unit_id))

    return routes
