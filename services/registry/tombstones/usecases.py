"""The effects of a case on its asset; each function is one transaction and takes an event once."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from libs.common.consumer import inbox
from libs.common.db.pool import Database
from libs.common.events import registry as events
from libs.common.events.decommission import CaseClosed
from libs.common.outbox.emit import emit
from services.registry.assets import domain, store
from services.registry.assets import usecases as asset_usecases
from services.registry.assets.domain import Asset
from services.registry.assets.store import Cause
from services.registry.tombstones import store as tombstone_store
from services.registry.tombstones.domain import path_of


async def stop(database: Database, asset_id: UUID, event_id: str, *, now: datetime) -> None:
    """A case stopped an asset. Raises Missing."""
    await _move(database, asset_id, event_id, lambda asset: domain.stopped(asset, now=now), "stopped")


async def resume(database: Database, asset_id: UUID, event_id: str, *, now: datetime) -> None:
    """A case gave an asset back. Raises Missing."""
    await _move(database, asset_id, event_id, lambda asset: domain.resumed(asset, now=now), "resumed")


async def _move(
    database: Database, asset_id: UUID, event_id: str, moved: Callable[[Asset], Asset], outcome: str
) -> None:
    async with database.transaction("case_moved") as conn:
        if await inbox.first_time(conn, "decommission", event_id):
            current = await asset_usecases.known(conn, asset_id)
            after = moved(current)
            if after.version != current.version:
                await asset_usecases.save(conn, after, outcome, Cause(actor="decommission", event=event_id))


async def close(database: Database, event: CaseClosed, event_id: str, *, now: datetime) -> None:
    """A case ended in a verified closure: the record is terminal and gets its tombstone. Raises Missing."""
    async with database.transaction("close_asset") as conn:
        if not await inbox.first_time(conn, "decommission", event_id):
            return
        after = domain.closed(await asset_usecases.known(conn, event.asset_id), now=now)
        await store.put(conn, after, outcome="closed", cause=Cause(actor="decommission", event=event_id))
        await tombstone_store.add(conn, event)
        closed = events.AssetClosed(**store.fields(after), tombstone_path=path_of(event.asset_id))
        await emit(conn, closed, sequence=after.version, time=now)
