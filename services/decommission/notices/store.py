"""Rows of notices, and where the next one goes."""

from pathlib import Path
from typing import Any

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.assets.domain import Subject
from services.decommission.cases.store import Case
from services.decommission.keys import store as key_store

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def endpoint_of(conn: Connection, case: Case, subject: Subject) -> Any | None:
    """Where the next attempt of a case's notice goes; None where there is nowhere."""
    attempts = case.row.windows.notice_attempts
    if attempts > 1 and case.progress.delivery.attempts + 1 >= attempts:
        above = await key_store.QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=1)
        if above is not None:
            return above
    return await key_store.QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=0)
