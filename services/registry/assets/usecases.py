"""Use cases on one asset; each public function that takes a database is one transaction."""

from datetime import date, datetime
from uuid import UUID

import structlog

from libs.common.db.pool import Connection, Database
from libs.common.errors import Missing
from libs.common.events import registry as events
from libs.common.outbox.emit import emit
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.registry.assets import domain, store
from services.registry.assets.domain import Asset, NotClosed
from services.registry.assets.store import QUERIES, Cause
from services.registry.spelling.texts import clean
from services.registry.units.usecases import require_scope

log = structlog.get_logger()
EVENT: dict[str, type[events.AssetRecord]] = {
    "registered": events.AssetRegistered,
    "amended": events.AssetAmended,
    "gone": events.AssetGone,
    "restored": events.AssetRestored,
    "stopped": events.AssetAmended,
    "resumed": events.AssetAmended,
}


async def save(conn: Connection, asset: Asset, outcome: str, cause: Cause) -> None:
    """Write a new version and emit its event."""
    await store.put(conn, asset, outcome=outcome, cause=cause)
    await emit(conn, EVENT[outcome](**store.fields(asset)), sequence=asset.version, time=asset.changed_at)


async def known(conn: Connection, asset_id: UUID) -> Asset:
    """An asset by its id, locked. Raises Missing."""
    current = await store.lock(conn, asset_id)
    if current is None:
        raise Missing(field="asset_id", what=Text(f"对象 {asset_id}", f"asset {asset_id}"))
    return current


async def permits(conn: Connection, current: Asset) -> bool:
    """Whether an operator lets this closed asset come back early."""
    return current.record == "closed" and await QUERIES.permit_get(conn, asset_id=current.asset_id) is not None


async def amend(
    database: Database,
    asset_id: UUID,
    version: int,
    who: Principal,
    *,
    name: str | None,
    language: str | None,
    opened_on: date | None,
    now: datetime,
) -> Asset:
    """Correct facts of a record that the caller has read at `version`. Raises VersionConflict, OutOfScope."""
    async with database.transaction("amend_asset") as conn:
        current = await known(conn, asset_id)
        await require_scope(conn, who, current.sponsor_id)
        after = domain.amend(current, version, name=name, language=language, opened_on=opened_on, now=now)
        if after.version != current.version:
            await save(conn, after, "amended", Cause(actor=who.subject, event="request"))
    return after


async def permit_reopening(database: Database, asset_id: UUID, who: Principal, reason: str, *, now: datetime) -> Asset:
    """Permit a closed asset to come back before its cooldown is over. Raises Missing, NotClosed."""
    async with database.transaction("permit_reopening") as conn:
        current = await known(conn, asset_id)
        if current.record != "closed":
            raise NotClosed(asset_id=asset_id)
        reason = clean("reason", reason)
        await QUERIES.permit_add(conn, asset_id=asset_id, permitted_by=who.subject, reason=reason, at=now)
    log.info("reopening-permitted", asset_id=str(asset_id), actor=who.subject)
    return current
