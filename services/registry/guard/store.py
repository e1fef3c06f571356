"""Disappearances. Takes a connection, never commits."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def pending_among(conn: Connection, asset_ids: Sequence[UUID]) -> set[UUID]:
    """The ids, among these assets, whose disappearance waits for a person."""
    return {row["asset_id"] async for row in QUERIES.pending_among(conn, asset_ids=list(asset_ids))}
