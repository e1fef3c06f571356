"""Rows of signed heads."""

from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.heads.domain import Head, Notary

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def head_of(conn: Connection, case_id: UUID, notary: Notary) -> Head | None:
    """Where a case's log ended when that was last signed. Raises BadCheckpoint."""
    row = await QUERIES.checkpoint_of(conn, case_id=str(case_id))
    if row is None:
        return None
    found = notary.known(row["day"], row["actual"], row["signature"])
    if found is None:
        whole = await QUERIES.checkpoint_get(conn, day=row["day"])
        found = notary.read(whole["day"], whole["content"], whole["signature"])
    return found.heads[str(case_id)]
