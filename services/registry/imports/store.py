"""Finished imports, and the changes of each. Takes a connection, never commits."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.registry.imports.files import File
from services.registry.imports.listing import Listing

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def add(conn: Connection, file: File, summary: Mapping[str, Any], *, rows: int, actor: str, at: datetime) -> None:
    """Keep that an import was finished; the same one again changes nothing."""
    record = {
        "import_id": file.import_id,
        "source": file.source,
        "stated_on": file.on,
        "sha256": file.sha256,
        "row_count": rows,
        "complete": file.complete,
        "actor": actor,
        "at": at,
    }
    await QUERIES.import_add(conn, record=json.dumps(record, default=str), summary=json.dumps(summary, sort_keys=True))


async def refused_before(conn: Connection, import_id: UUID) -> set[int] | None:
    """The lines that were refused when this import was finished; None when it was not."""
    before = await QUERIES.import_get(conn, import_id=import_id)
    return None if before is None else set(json.loads(before["summary"])["refused_lines"])


async def changes(conn: Connection, import_id: UUID) -> dict[UUID, str]:
    """The outcomes by asset of an import before it was cut off."""
    return {row["asset_id"]: row["outcome"] async for row in QUERIES.import_changes(conn, import_id=import_id)}


async def absent(conn: Connection, file: File, listing: Listing) -> list[UUID]:
    """The assets that the file's source listed before and the file lacks, of the kinds that the file lists."""
    kinds = sorted(listing.kinds) or ["account"]
    return [
        row["asset_id"]
        async for row in QUERIES.listed_assets(conn, source=file.source, kinds=kinds)
        if (row["kind"], row["platform"], row["identity"]) not in listing.listed and row["stated_on"] <= file.on
    ]
