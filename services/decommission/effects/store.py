"""Rows of external effects: one for each attempt of a step, under its idempotency key."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def repeated(conn: Connection, case_id: UUID, step: str) -> bool:
    """Whether the attempt under way had begun before and has left no result: it may have been carried out."""
    last = await QUERIES.effect_find(conn, case_id=case_id, step=step)
    return last is not None and last["result"] is not None


async def end(conn: Connection, key: UUID, state: str, **result: Any) -> None:
    """Write down how an effect ended."""
    await QUERIES.effect_end(conn, key=key, state=state, result=json.dumps(result))
