"""Rows of connectors: how the assets of each platform are reached."""

import json
from pathlib import Path
from typing import Any

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.connectors import types
from services.decommission.connectors.domain import Reach

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
COLUMNS = ("type", "stop_url", "restore_url", "probe_url", "honours_keys")


def settings_of(row: Any) -> dict[str, Any]:
    """The settings that have no column of their own."""
    settings: dict[str, Any] = json.loads(row["settings"])
    return settings


async def reach(conn: Connection, platform: str) -> Reach | None:
    """How a platform's assets are reached; None where nobody has set it."""
    row = await QUERIES.connector_get(conn, platform=platform)
    if row is None:
        return None
    settings = settings_of(row) | {"stop_url": row["stop_url"], "restore_url": row["restore_url"]}
    return Reach(
        connector=types.connect(row["type"], settings),
        probe_url=row["probe_url"],
        probe_revision=row["probe_revision"],
        honours_keys=row["honours_keys"],
    )


async def put(conn: Connection, platform: str, stated: dict[str, Any]) -> None:
    """Set a connector; a column that its type does not state is empty."""
    columns = {"stop_url": "", "restore_url": ""} | {name: stated[name] for name in COLUMNS if name in stated}
    rest = {name: value for name, value in stated.items() if name not in COLUMNS}
    await QUERIES.connector_put(conn, platform=platform, **columns, settings=json.dumps(rest))
