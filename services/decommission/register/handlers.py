"""From Kafka to use cases: what the registry tells of assets and units."""

from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import TopicPartition

from libs.common.consumer.events import EventSubscription
from libs.common.events import registry
from libs.common.events.envelope import Incoming
from libs.common.handler import Handler
from services.decommission.deps import Deps
from services.decommission.register import usecases

ASSET_EVENTS: tuple[type[registry.AssetRecord], ...] = (
    registry.AssetRegistered,
    registry.AssetAmended,
    registry.AssetGone,
    registry.AssetRestored,
    registry.AssetClosed,
)


def assets(deps: Deps, wake: Callable[[], None]) -> dict[str, Handler]:
    """Handlers of `jianfu.registry`; a case may have waited for its asset."""

    async def know(event: registry.AssetRecord, incoming: Incoming) -> None:
        await usecases.know_asset(deps, event, incoming.id)
        wake()

    return {model.TYPE: Handler(model, know) for model in ASSET_EVENTS}


def units(deps: Deps) -> dict[str, Handler]:
    """Handlers of `jianfu.registry.units`."""

    async def know(event: registry.UnitRecorded, _: Incoming) -> None:
        await usecases.know_unit(deps, event)

    return {registry.UnitRecorded.TYPE: Handler(registry.UnitRecorded, know)}


class Units(EventSubscription):
    """Reads the compacted topic of units from its beginning while units are held without their names."""

    def __init__(self, deps: Deps, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._deps = deps

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: nowhere yet where all has to be read again, else as any consumer of events."""
        if await usecases.units_nameless(self._deps):
            return {}
        return await super().position(partitions)
