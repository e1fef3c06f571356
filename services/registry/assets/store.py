"""Rows of assets to the domain and back. Takes a connection, never commits."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.registry.assets.domain import Asset, Key
from services.registry.identity.canonical import Canonical
from services.registry.lookalikes import skeleton

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
FIELDS = tuple(Asset.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The actor of a change, the event, file or request that carried it, and a note where more needs saying."""

    actor: str
    event: str
    note: str | None = None


def fields(asset: Asset) -> dict[str, Any]:
    return {name: getattr(asset, name) for name in FIELDS}


def to_asset(row: Any) -> Asset:
    return Asset(**{name: row[name] for name in FIELDS})


def _lock_text(kind: str, identity: Canonical) -> str:
    return f"{kind} {identity.platform} {identity.identity}"


async def lock_identities(conn: Connection, identities: Iterable[tuple[str, Canonical]]) -> None:
    """Lock many identities until the transaction ends, in one order for all callers."""
    texts = sorted({_lock_text(kind, identity) for kind, identity in identities})
    async for _ in QUERIES.identities_lock(conn, texts=texts):
        pass


async def latest(conn: Connection, kind: str, identity: Canonical, *, identity_locked: bool = False) -> Asset | None:
    """Lock and return the latest life of an asset; a second caller for the same identity waits."""
    if not identity_locked:
        await QUERIES.identity_lock(conn, text_=_lock_text(kind, identity))
    row = await QUERIES.asset_latest(conn, kind=kind, platform=identity.platform, identity=identity.identity)
    return None if row is None else to_asset(row)


async def peek(conn: Connection, kind: str, identity: Canonical) -> Asset | None:
    """The latest life of an asset, not locked."""
    row = await QUERIES.asset_peek(conn, kind=kind, platform=identity.platform, identity=identity.identity)
    return None if row is None else to_asset(row)


async def peek_all(conn: Connection, wanted: Iterable[Key]) -> dict[Key, Asset]:
    """The latest life of each of many assets, by kind, platform and identity, not locked."""
    keys = sorted(set(wanted))
    rows = QUERIES.assets_latest(
        conn,
        kinds=[kind for kind, _, _ in keys],
        platforms=[platform for _, platform, _ in keys],
        identities=[identity for _, _, identity in keys],
    )
    return {(row["kind"], row["platform"], row["identity"]): to_asset(row) async for row in rows}


async def lock(conn: Connection, asset_id: UUID) -> Asset | None:
    row = await QUERIES.asset_lock(conn, asset_id=asset_id)
    return None if row is None else to_asset(row)


async def lock_all(conn: Connection, asset_ids: Sequence[UUID]) -> list[Asset]:
    """Many assets as they are once they are locked, by their ids."""
    return [to_asset(row) async for row in QUERIES.assets_lock(conn, asset_ids=list(asset_ids))]


async def put(conn: Connection, asset: Asset, *, outcome: str, cause: Cause) -> None:
    """Write the current record and its version, in one statement."""
    await QUERIES.asset_put(
        conn,
        record=json.dumps(fields(asset), default=str, ensure_ascii=False, sort_keys=True),
        looks=skeleton.of_asset(asset.identity, asset.address, asset.name),
        looks_by=skeleton.BY,
        actor=cause.actor,
        cause=cause.event,
        outcome=outcome,
        note=cause.note,
    )


async def stated(conn: Connection, asset_ids: Sequence[UUID], on: date) -> None:
    """Record that the source repeated its statement for a later day."""
    await QUERIES.assets_stated(conn, asset_ids=list(asset_ids), on_=on)
