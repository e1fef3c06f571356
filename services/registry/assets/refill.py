"""Fills what is kept of each asset so that it is found by what looks like it, where it was recorded without."""

import asyncio

import structlog

from libs.common.db.pool import UNAVAILABLE, Database
from services.registry.assets.store import QUERIES
from services.registry.identity import lookalikes

log = structlog.get_logger()
CHUNK = 500


async def looks(database: Database, *, most: int = CHUNK) -> int:
    """Do it for all, `most` in a transaction; answers how many lacked it. One that is written meanwhile has it."""
    filled = 0
    while True:
        async with database.transaction("fill_looks") as conn:
            rows = [row async for row in QUERIES.assets_unlooked(conn, looks_by=lookalikes.BY, max_rows=most)]
            kept = [" ".join(lookalikes.of_asset(row["identity"], row["address"], row["name"])) for row in rows]
            await QUERIES.asset_looks(
                conn, asset_ids=[row["asset_id"] for row in rows], looks=kept, looks_by=lookalikes.BY
            )
        filled += len(rows)
        if len(rows) < most:
            return filled
        await asyncio.sleep(0)


async def at_start(database: Database) -> None:
    """Fill what lacks, once the database is there; then wait, since a loop of a process does not end."""
    while True:
        try:
            if filled := await looks(database):
                log.info("looks-filled", assets=filled)
            break
        except UNAVAILABLE as error:
            log.warning("looks-put-off", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)
    await asyncio.Event().wait()
