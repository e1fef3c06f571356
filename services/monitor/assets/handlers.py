"""Kafka to use cases: the register of assets, and the assets that cases stop and restore."""

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from libs.common.consumer.events import EventSubscription
from libs.common.db.pool import Database
from libs.common.events.decommission import CaseRestored, CaseStopped
from libs.common.events.envelope import Incoming
from libs.common.events.registry import (
    AssetAmended,
    AssetClosed,
    AssetGone,
    AssetRecord,
    AssetRegistered,
    AssetRestored,
)
from libs.common.handler import Handler
from services.monitor.assets import usecases

RECORDS = (AssetRegistered, AssetAmended, AssetGone, AssetRestored, AssetClosed)


def build(database: Database) -> dict[str, Mapping[str, Handler]]:
    """Topic → event type → how it is read and acted on."""

    async def recorded(event: AssetRecord, _: Incoming) -> None:
        await usecases.record_asset(database, event)

    async def moved(event: CaseStopped | CaseRestored, incoming: Incoming) -> None:
        await usecases.mark_stopped(database, event, event_id=incoming.id)

    return {
        AssetRecord.TOPIC: {model.TYPE: Handler(model, recorded) for model in RECORDS},
        CaseStopped.TOPIC: {model.TYPE: Handler(model, moved) for model in (CaseStopped, CaseRestored)},
    }


class RegisterSubscription(EventSubscription):
    """Reads the compacted register from its beginning while assets are stored without their sponsors."""

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: at the beginning where all has to be read again, else as any consumer of events."""
        if await usecases.register_incomplete(self._database):
            return {}
        return await super().position(partitions)
