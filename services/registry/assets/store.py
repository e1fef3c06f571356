"""Rows to domain and back. Takes a connection, never commits."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection, load_queries
from libs.common.events.intake import Kind, UnitRef
from libs.common.events.registry import UnitName, UnitRecorded
from services.registry.assets import domain
from services.registry.assets.domain import Asset
from services.registry.identity import lookalikes
from services.registry.identity.canonical import Canonical
from services.registry.units import codes

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
FIELDS = tuple(Asset.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Who says it, which event, file or request it came with, and a note where that is not the whole story."""

    actor: str
    event: str
    note: str | None = None


def fields(asset: Asset) -> dict[str, Any]:
    return {name: getattr(asset, name) for name in FIELDS}


def to_asset(row: Any) -> Asset:
    return Asset(**{name: row[name] for name in FIELDS})


def _lock_text(kind: str, what: Canonical) -> str:
    return f"{kind} {what.platform} {what.identity}"


async def lock_identities(conn: Connection, whats: Iterable[tuple[str, Canonical]]) -> None:
    """Hold many identities to the transaction's end, in one order whoever asks."""
    async for _ in QUERIES.identities_lock(conn, texts=sorted({_lock_text(kind, what) for kind, what in whats})):
        pass


async def latest(conn: Connection, kind: str, what: Canonical, *, identity_held: bool = False) -> Asset | None:
    """The latest life of an asset, locked; two callers for one identity wait for each other."""
    if not identity_held:
        await QUERIES.identity_lock(conn, text_=_lock_text(kind, what))
    row = await QUERIES.asset_latest(conn, kind=kind, platform=what.platform, identity=what.identity)
    return None if row is None else to_asset(row)


async def peek(conn: Connection, kind: str, what: Canonical) -> Asset | None:
    """The latest life of an asset, for looking only."""
    row = await QUERIES.asset_peek(conn, kind=kind, platform=what.platform, identity=what.identity)
    return None if row is None else to_asset(row)


async def peek_all(conn: Connection, whats: Iterable[tuple[Kind, str, str]]) -> dict[tuple[Kind, str, str], Asset]:
    """The latest life of each of many assets, by kind, platform and identity, for looking only."""
    keys = sorted(set(whats))
    found = QUERIES.assets_latest(
        conn, kinds=[kind for kind, _, _ in keys], platforms=[platform for _, platform, _ in keys],
        identities=[identity for _, _, identity in keys],
    )  # fmt: skip
    return {(row["kind"], row["platform"], row["identity"]): to_asset(row) async for row in found}


async def by_identity(
    conn: Connection, kind: Kind, platform: str | None, identity: str, *, apart: Collection[str] = ()
) -> list[Asset]:
    """The latest life of whatever goes by an identity, for looking only; without a platform not of those `apart`."""
    rows = QUERIES.assets_by_identity(conn, kinds=[kind], platform=platform, identity=identity, apart=sorted(apart))
    return [to_asset(row) async for row in rows]


async def alike(
    conn: Connection, tokens: Sequence[str], platform: str | None, *, apart: Collection[str] = (), most: int
) -> list[Asset]:
    """The latest lives of what was found to look like something, for looking only; those that run come first."""
    rows = QUERIES.assets_alike(conn, tokens=list(tokens), platform=platform, apart=sorted(apart), max_rows=most)
    return [to_asset(row) async for row in rows]


async def lock(conn: Connection, asset_id: UUID) -> Asset | None:
    row = await QUERIES.asset_lock(conn, asset_id=asset_id)
    return None if row is None else to_asset(row)


async def lock_all(conn: Connection, asset_ids: Sequence[UUID]) -> list[Asset]:
    """Many assets as they are once they are locked, by their ids."""
    return [to_asset(row) async for row in QUERIES.assets_lock(conn, asset_ids=list(asset_ids))]


async def put(conn: Connection, asset: Asset, *, outcome: str, cause: Cause) -> None:
    """Write the current record and its version beside each other."""
    values = fields(asset)
    whole = json.dumps(values, default=str, ensure_ascii=False, sort_keys=True)
    await QUERIES.asset_put(
        conn,
        **values,
        actor=cause.actor,
        cause=cause.event,
        outcome=outcome,
        note=cause.note,
        whole=whole,
        looks=lookalikes.of_asset(asset.identity, asset.address, asset.name),
        looks_by=lookalikes.BY,
    )


async def stated(conn: Connection, asset_ids: Sequence[UUID], on: date) -> None:
    """The source said the same again of a later day."""
    await QUERIES.assets_stated(conn, asset_ids=list(asset_ids), on_=on)


async def unit(conn: Connection, scheme: str, value: str) -> Any | None:
    """A unit under its own code or an alias; what no unit's code can be is found nowhere."""
    scheme, value = codes.sought(domain.clean("scheme", scheme), value)
    return await QUERIES.unit_by_key(conn, scheme=scheme, key=domain.unit_key(value))


async def add_unit(conn: Connection, ref: UnitRef, *, now: datetime) -> bool:
    """Record a unit by its reference; False when it is there already."""
    unit_id = domain.unit_id(ref)
    scheme, value = domain.unit_code(ref.scheme, ref.value)
    new = await QUERIES.unit_add(
        conn, unit_id=unit_id, scheme=scheme, value=value, parent_id=None, level=None,
        region=None, changed_at=now,
    )  # fmt: skip
    await QUERIES.unit_alias_add(conn, scheme=scheme, key=domain.unit_key(value), unit_id=unit_id)
    return bool(new)


async def unit_event(conn: Connection, unit_id: UUID) -> UnitRecorded:
    """The whole record of a unit as an event."""
    row = await QUERIES.unit_get(conn, unit_id=unit_id)
    names = [UnitName(language=n["language"], text=n["name"]) async for n in QUERIES.unit_names(conn, unit_id=unit_id)]
    return UnitRecorded(
        unit_id=unit_id, version=row["version"], scheme=row["scheme"], value=row["value"], names=tuple(names),
        parent_id=row["parent_id"], level=row["level"], region=row["region"],
    )  # fmt: skip


async def aliases(conn: Connection, unit_id: UUID) -> list[tuple[str, str]]:
    """Every code under which a unit is known, its own included, as it is compared."""
    return [(row["scheme"], row["key"]) async for row in QUERIES.unit_aliases(conn, unit_id=unit_id)]
