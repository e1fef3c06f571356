"""HTTP: units."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Invalid, Missing
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitRecorded
from libs.common.http.guards import require
from libs.common.http.paging import Limit
from libs.common.security.roles import RECORD_READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.registry.spelling.texts import clean, shown
from services.registry.units import store, usecases
from services.registry.units.domain import UnitAdditions
from services.registry.units.schemas import HeldCode, Unit, UnitIn, Units
from services.registry.units.store import QUERIES

NIL = UUID(int=0)


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
        additions = UnitAdditions(
            names=tuple((name.language, name.text) for name in body.names),
            aliases=tuple((code.scheme, code.value) for code in body.aliases),
            level=body.level,
            region=body.region,
        )
        return _unit(*await usecases.record_unit(database, ref, additions, parent=parent, now=clock.now()))

    @routes.get("", summary="List units 单位列表")
    async def listed(
        who: Annotated[Principal, require(*RECORD_READERS, "unit")],
        scheme: Annotated[
            Annotated[str, Plain(40)] | None, Query(description="代码体系,与 value 同用 with `value`")
        ] = None,
        value: Annotated[Annotated[str, Plain(400)] | None, Query(description="单位代码 its code or an alias")] = None,
        name: Annotated[
            Annotated[str, Plain(400)] | None, Query(description="名称或其开头 a name or its beginning")
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
                field=missing,
                accepted="scheme and value together",
                why=Text(f"缺少 {missing}", f"{missing} is missing"),
            )
        beginning = None if name is None else shown("name", name)
        wanted = None
        async with database.reading() as conn:
            below = await usecases.reach(conn, who, RECORD_READERS)
            if scheme is not None and value is not None:
                row = await store.unit(conn, scheme, clean("value", value))
                if row is None:
                    return Units(items=[], next=None)
                wanted = row["unit_id"]
            listing = QUERIES.unit_list(conn, unit_id=wanted, name=beginning, below=below, after=cursor, max_rows=limit)
            rows: list[Any] = [row async for row in listing]
        parts = ("names", "aliases")
        items = [Unit(**dict(row) | {part: json.loads(row[part]) for part in parts}) for row in rows]
        return Units.of(items, limit, lambda last: last.unit_id)

    @routes.get("/{unit_id}", summary="One unit 单位详情")
    async def unit(unit_id: UUID, who: Annotated[Principal, require(*RECORD_READERS, "unit")]) -> Unit:
        """With all the names and codes under which it is known.

        To a unit's token a unit that is not below its own is as one that does not exist.
        """
        async with database.reading() as conn:
            below = await usecases.reach(conn, who, RECORD_READERS)
            if await QUERIES.unit_seen(conn, unit_id=unit_id, below=below) is None:
                raise Missing(what=Text(f"单位 {unit_id}", f"unit {unit_id}"))
            return _unit(await store.unit_event(conn, unit_id), await store.aliases(conn, unit_id))

    return routes
