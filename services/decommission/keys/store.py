"""Rows of units' keys."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.errors import Missing
from libs.common.text import Text
from services.decommission.keys.domain import UnitKey

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


def to_key(row: Any) -> UnitKey:
    """A unit's key from a row of `unit_key_states`, its public_key as text."""
    fields = {name: row[name] for name in UnitKey.__dataclass_fields__}
    return UnitKey(**fields | {"public_key": json.loads(row["public_key"])})


async def history(conn: Connection, unit_id: UUID) -> list[UnitKey]:
    """Every key of a unit, the newest first."""
    return [to_key(row) async for row in QUERIES.unit_keys_of(conn, unit_id=unit_id)]


async def newest(conn: Connection, unit_id: UUID) -> UnitKey:
    """The key that was proposed last. Raises Missing where none was."""
    keys = await history(conn, unit_id)
    if not keys:
        raise Missing(what=Text(f"单位 {unit_id} 的通知地址", f"endpoint of unit {unit_id}"))
    return keys[0]
