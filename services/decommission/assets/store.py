"""Rows of assets."""

from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.assets.domain import Subject

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def subject(conn: Connection, asset_id: UUID) -> Subject | None:
    row = await QUERIES.subject_get(conn, asset_id=asset_id)
    return None if row is None else Subject(**dict(row))
