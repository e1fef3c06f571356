"""The register's records of units: each function is one transaction, opened and committed here."""

from libs.common.db.pool import Database
from libs.common.events.registry import UnitRecorded
from libs.common.text import in_one_language
from services.monitor.units import store


async def record_unit(database: Database, event: UnitRecorded) -> None:
    """Store a unit's code, its name and its parent in the tree, if newer than the stored ones."""
    async with database.transaction("record_unit") as conn:
        await store.QUERIES.unit_put(
            conn,
            unit_id=event.unit_id,
            version=event.version,
            parent_id=event.parent_id,
            scheme=event.scheme,
            value=event.value,
            name=in_one_language((one.language, one.text) for one in event.names) or event.value,
        )


async def units_incomplete(database: Database) -> bool:
    """Whether units are stored that were read before their codes or names were kept."""
    async with database.reading() as conn:
        return bool(await store.QUERIES.units_incomplete(conn))
