"""Assets as the public's question looks for them. Takes a connection, never commits."""

import json
from collections.abc import Collection, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from libs.common import days
from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.events.intake import Kind
from services.registry.assets.domain import Asset
from services.registry.assets.store import to_asset
from services.registry.assets.transitions import public_state
from services.registry.verification.domain import PublicAsset

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def by_identity(
    conn: Connection, kind: Kind, platform: str | None, identity: str, *, apart: Collection[str] = ()
) -> list[Asset]:
    """The latest life of each asset with an identity, not locked; without a platform none of the platforms `apart`."""
    rows = QUERIES.assets_by_identity(conn, kinds=[kind], platform=platform, identity=identity, apart=sorted(apart))
    return [to_asset(row) async for row in rows]


async def alike(
    conn: Connection, tokens: Sequence[str], platform: str | None, *, apart: Collection[str] = (), most: int
) -> list[Asset]:
    """The latest lives of the assets with one of these tokens, not locked; those that run come first."""
    rows = QUERIES.assets_alike(conn, tokens=list(tokens), platform=platform, apart=sorted(apart), max_rows=most)
    return [to_asset(row) async for row in rows]


async def published(conn: Connection, assets: Sequence[Asset], zone: tzinfo) -> list[PublicAsset]:
    """These assets with all that the public reads of them; days are those of `zone`."""
    ids = [asset.asset_id for asset in assets]
    rows = {row["asset_id"]: row async for row in QUERIES.assets_published(conn, asset_ids=ids)}
    return [_published(asset, rows[asset.asset_id], zone) for asset in assets]


def _published(asset: Asset, row: Any, zone: tzinfo) -> PublicAsset:
    state = public_state(asset.record, asset.running)
    since = asset.listed_on if row["turned"] == 1 else days.of(row["turned_at"], zone)
    names = [(name["language"], name["text"]) for name in json.loads(row["names"])]
    return PublicAsset(
        asset=asset,
        state=state,
        since=row["closed_on"] if state == "closed" and row["closed_on"] else since,
        unit_id=row["unit_id"],
        names=names or [("und", f"{row['scheme']}:{row['value']}")],
        closed_on=row["closed_on"],
        stopped_on=row["stopped_on"],
        rule=row["rule"],
        title=row["title"],
        basis=row["basis"],
        reason=row["reason"],
        successor=row["successor"],
    )
