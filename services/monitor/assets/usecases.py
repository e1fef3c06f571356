"""Changes by the register and by cases: each function is one transaction, opened and committed here."""

from libs.common.consumer import inbox
from libs.common.db.pool import Database
from libs.common.events.decommission import CaseRestored, CaseStopped
from libs.common.events.registry import AssetRecord
from services.monitor.assets import store

CONSUMER = "monitor"


async def record_asset(database: Database, record: AssetRecord) -> bool:
    """Store the registry's record of an asset, if newer than the stored one."""
    async with database.transaction("record_asset") as conn:
        return await store.put_asset(conn, record)


async def mark_stopped(database: Database, event: CaseStopped | CaseRestored, *, event_id: str) -> None:
    """A case stopped an asset, or brought it back: stop watching it, or watch it again."""
    async with database.transaction("mark_stopped") as conn:
        if await inbox.first_time(conn, CONSUMER, event_id):
            stopped = isinstance(event, CaseStopped)
            await store.QUERIES.stop_put(conn, asset_id=event.asset_id, case_id=event.case_id, stopped=stopped)


async def register_incomplete(database: Database) -> bool:
    """Whether some stored assets were read before the register named their sponsors."""
    async with database.reading() as conn:
        return bool(await store.QUERIES.assets_without_sponsor(conn))
