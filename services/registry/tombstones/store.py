"""Rows of tombstones. Takes a connection, never commits."""

from pathlib import Path

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.events.decommission import CaseClosed

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def add(conn: Connection, event: CaseClosed) -> None:
    """Keep how a case ended; an asset has one tombstone, and the same event again changes nothing."""
    await QUERIES.tombstone_add(conn, record=event.model_dump_json())
