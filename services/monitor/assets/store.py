"""The monitor's copy of the register, and which assets a case has stopped. Takes a connection, never commits."""

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.events.registry import AssetRecord

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def put_asset(conn: Connection, record: AssetRecord) -> bool:
    """Store a record of the register; False when one of the same or a higher version is stored."""
    fields = record.model_dump(exclude={"incarnation", "language", "changed_at", "tombstone_path"})
    return bool(await QUERIES.asset_put(conn, **fields))


async def unknown(conn: Connection, assets: Sequence[UUID | str]) -> list[UUID]:
    """Those of the assets that the register has not recorded, or not yet."""
    return [row["asset_id"] async for row in QUERIES.assets_unknown(conn, assets=list(assets))]


async def recorded_platforms(conn: Connection, platforms: Collection[str]) -> set[str]:
    """Those of the platforms that some asset of the register is on."""
    rows = QUERIES.platforms_recorded(conn, platforms=list(platforms))
    return {row["platform"] async for row in rows}
