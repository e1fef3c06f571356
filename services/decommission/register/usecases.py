"""What the registry says of assets and units is kept; one transaction each."""

from libs.common.consumer import inbox
from libs.common.events.registry import AssetRecord, UnitRecorded
from libs.common.text import in_one_language
from services.decommission.assets import domain as asset_domain
from services.decommission.assets import store as asset_store
from services.decommission.cases import store as case_store
from services.decommission.deps import CONSUMER, Deps
from services.decommission.units import store as unit_store


async def know_asset(deps: Deps, event: AssetRecord, event_id: str) -> None:
    """Keep what the registry says of an asset, if it is newer than what is held; cases that waited for it wake."""
    async with deps.database.transaction("know_asset") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        await asset_store.QUERIES.asset_lock(conn, text_=str(event.asset_id))
        fields = set(asset_domain.Subject.__dataclass_fields__)
        await asset_store.QUERIES.subject_put(conn, **event.model_dump(include=fields))
        await case_store.QUERIES.cases_wake(conn, asset_id=event.asset_id, now=deps.now())


async def know_unit(deps: Deps, event: UnitRecorded) -> None:
    """Keep what the registry says of a unit, if it is newer than what is held; the same again changes nothing."""
    async with deps.database.transaction("know_unit") as conn:
        await unit_store.QUERIES.unit_put(
            conn,
            unit_id=event.unit_id,
            version=event.version,
            parent_id=event.parent_id,
            scheme=event.scheme,
            value=event.value,
            name=in_one_language((one.language, one.text) for one in event.names) or event.value,
        )


async def units_nameless(deps: Deps) -> bool:
    """Whether units are held that were told before their names were kept."""
    async with deps.database.reading() as conn:
        return bool(await unit_store.QUERIES.units_without_name(conn))
