"""Rows to domain and back. Takes a connection, never commits."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db import Connection, load_queries
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitName, UnitRecorded
from services.registry import domain
from services.registry.domain import Asset
from services.registry.identity import Canonical

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
FIELDS = tuple(Asset.__dataclass_fields__)


def to_asset(row: Any) -> Asset:
    return Asset(**{name: row[name] for name in FIELDS})


async def latest(conn: Connection, kind: str, what: Canonical) -> Asset | None:
    """The latest life of an asset, locked; two callers for one identity wait for each other."""
    await QUERIES.identity_lock(conn, text_=f"{kind} {what.platform} {what.identity}")
    row = await QUERIES.asset_latest(conn, kind=kind, platform=what.platform, identity=what.identity)
    return None if row is None else to_asset(row)


async def peek(conn: Connection, kind: str, what: Canonical) -> Asset | None:
    """The latest life of an asset, for looking only."""
    row = await QUERIES.asset_peek(conn, kind=kind, platform=what.platform, identity=what.identity)
    return None if row is None else to_asset(row)


async def lock(conn: Connection, asset_id: UUID) -> Asset | None:
    row = await QUERIES.asset_lock(conn, asset_id=asset_id)
    return None if row is None else to_asset(row)


async def put(conn: Connection, asset: Asset, *, actor: str, cause: str, outcome: str) -> None:
    """Write the current record and its version beside each other."""
    await QUERIES.asset_put(conn, **asdict(asset))
    record = json.dumps(asdict(asset), default=str, ensure_ascii=False, sort_keys=True)
    await QUERIES.version_add(
        conn, asset_id=asset.asset_id, version=asset.version, at=asset.changed_at, actor=actor, cause=cause,
        outcome=outcome, record=record,
    )  # fmt: skip


async def unit(conn: Connection, scheme: str, value: str) -> Any | None:
    """A unit under its own code or an alias."""
    return await QUERIES.unit_by_key(conn, scheme=scheme, key=domain.unit_key(value))


async def add_unit(
    conn: Connection, ref: UnitRef, *, now: datetime, parent: UUID | None = None, level: str | None = None,
    region: str | None = None,
) -> bool:  # fmt: skip
    """Record a unit by its reference; False when it is there already."""
    unit_id = domain.unit_id(ref)
    new = await QUERIES.unit_add(
        conn, unit_id=unit_id, scheme=ref.scheme, value=" ".join(ref.value.split()), parent_id=parent, level=level,
        region=region, changed_at=now,
    )  # fmt: skip
    await QUERIES.unit_alias_add(conn, scheme=ref.scheme, key=domain.unit_key(ref.value), unit_id=unit_id)
    return bool(new)


async def unit_event(conn: Connection, unit_id: UUID) -> UnitRecorded:
    """The whole record of a unit as an event."""
    row = await QUERIES.unit_get(conn, unit_id=unit_id)
    names = [UnitName(language=n["language"], text=n["name"]) async for n in QUERIES.unit_names(conn, unit_id=unit_id)]
    return UnitRecorded(
        unit_id=unit_id, version=row["version"], scheme=row["scheme"], value=row["value"], names=tuple(names),
        parent_id=row["parent_id"], level=row["level"], region=row["region"],
    )  # fmt: skip
