"""Kafka to use cases: the register of units."""

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from libs.common.consumer.events import EventSubscription
from libs.common.db.pool import Database
from libs.common.events.envelope import Incoming
from libs.common.events.registry import UnitRecorded
from libs.common.handler import Handler
from services.monitor.units import usecases


def build(database: Database) -> dict[str, Mapping[str, Handler]]:
    """Topic → event type → how it is read and acted on."""

    async def recorded(event: UnitRecorded, _: Incoming) -> None:
        await usecases.record_unit(database, event)

    return {UnitRecorded.TOPIC: {UnitRecorded.TYPE: Handler(UnitRecorded, recorded)}}


class UnitsSubscription(EventSubscription):
    """Reads the compacted topic of units from its beginning while units are stored without their codes or names."""

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: at the beginning where all has to be read again, else as any consumer of events."""
        if await usecases.units_incomplete(self._database):
            return {}
        return await super().position(partitions)
