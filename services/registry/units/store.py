"""Rows of units to events and back. Takes a connection, never commits."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitName, UnitRecorded
from services.registry.spelling.texts import clean
from services.registry.units import codes
from services.registry.units.domain import unit_code, unit_id, unit_key

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def unit(conn: Connection, scheme: str, value: str) -> Any | None:
    """The row of a unit under its own code or an alias; None also for a text that no unit can have as its code."""
    scheme, value = codes.sought(clean("scheme", scheme), value)
    return await QUERIES.unit_by_key(conn, scheme=scheme, key=unit_key(value))


async def add_unit(conn: Connection, ref: UnitRef, *, now: datetime) -> bool:
    """Record a unit by its reference; False when it is recorded already."""
    new_id = unit_id(ref)
    scheme, value = unit_code(ref.scheme, ref.value)
    new = await QUERIES.unit_add(
        conn,
        unit_id=new_id,
        scheme=scheme,
        value=value,
        parent_id=None,
        level=None,
        region=None,
        changed_at=now,
    )
    await QUERIES.unit_alias_add(conn, scheme=scheme, key=unit_key(value), unit_id=new_id)
    return bool(new)


async def unit_event(conn: Connection, unit_id: UUID) -> UnitRecorded:
    """The whole record of a unit as an event."""
    row = await QUERIES.unit_get(conn, unit_id=unit_id)
    names = [UnitName(language=n["language"], text=n["name"]) async for n in QUERIES.unit_names(conn, unit_id=unit_id)]
    return UnitRecorded(
        unit_id=unit_id,
        version=row["version"],
        scheme=row["scheme"],
        value=row["value"],
        names=tuple(names),
        parent_id=row["parent_id"],
        level=row["level"],
        region=row["region"],
    )


async def aliases(conn: Connection, unit_id: UUID) -> list[tuple[str, str]]:
    """Every code under which a unit is known, its own included, as it is compared."""
    return [(row["scheme"], row["key"]) async for row in QUERIES.unit_aliases(conn, unit_id=unit_id)]
