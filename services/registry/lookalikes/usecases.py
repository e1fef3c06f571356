"""Computes the tokens of assets that were recorded without them; each chunk is one transaction."""

import asyncio

from libs.common.db.pool import Database
from services.registry.lookalikes import skeleton
from services.registry.lookalikes.store import QUERIES

CHUNK = 500


async def fill(database: Database, *, most: int = CHUNK) -> int:
    """Fill the tokens of all assets, `most` in a transaction; answers how many lacked them.

    An asset that is written meanwhile has its tokens from that write.
    """
    filled = 0
    while True:
        async with database.transaction("fill_looks") as conn:
            rows = [row async for row in QUERIES.assets_unlooked(conn, looks_by=skeleton.BY, max_rows=most)]
            looks = [" ".join(skeleton.of_asset(row["identity"], row["address"], row["name"])) for row in rows]
            await QUERIES.asset_looks(
                conn, asset_ids=[row["asset_id"] for row in rows], looks=looks, looks_by=skeleton.BY
            )
        filled += len(rows)
        if len(rows) < most:
            return filled
        await asyncio.sleep(0)
