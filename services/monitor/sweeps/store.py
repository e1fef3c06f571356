"""The sweeps of business days. Takes a connection, never commits."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def begin(
    conn: Connection, day: date, *, healthy: list[str], packs: Mapping[str, str], counts: Mapping[str, Any]
) -> None:
    """Begin the sweep of a day, for the sources that are believed and the packs in force."""
    await QUERIES.sweep_begin(conn, day=day, healthy=healthy, packs=json.dumps(packs), counts=json.dumps(counts))


async def move(conn: Connection, row: Any, *, reached: Any, finished: bool, counts: Mapping[str, Any]) -> Any:
    """Note how far a sweep has come; answers its row as it is then."""
    await QUERIES.sweep_move(conn, day=row["day"], reached=reached, finished=finished, counts=json.dumps(counts))
    return await QUERIES.sweep_get(conn, day=row["day"])


def counts(row: Any) -> dict[str, Any]:
    """The counts of a sweep, by verdict and by rule."""
    by_name: dict[str, Any] = json.loads(row["counts"])
    return by_name


def summary(row: Any) -> dict[str, Any]:
    """A sweep as it is answered: its day, whether it is finished, and its counts."""
    return {"day": row["day"], "finished": row["finished"]} | counts(row)
