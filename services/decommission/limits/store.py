"""Rows of slots: what was given out of a day's limits."""

from datetime import date
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.limits.domain import SlotsTaken

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def taken(conn: Connection, day: date, unit_id: UUID, kind: str) -> SlotsTaken:
    """How many of a day's slots are taken already."""
    row = await QUERIES.slots_taken(conn, day=day, unit_id=unit_id, kind=kind)
    return SlotsTaken(day=row["day"], unit=row["unit"], kind=row["kind"])
