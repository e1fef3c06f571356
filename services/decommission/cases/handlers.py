"""From Kafka to use cases."""

from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import TopicPartition

from libs.common.consumer.subscription import EventSubscription, Handler
from libs.common.events import registry
from libs.common.events.envelope import Incoming
from libs.common.events.monitor import (
    FindingCleared,
    FindingConfirmed,
    FindingOpened,
    FindingRefuted,
    RecheckInconclusive,
)
from services.decommission.cases import usecases
from services.decommission.cases.domain import Windows
from services.decommission.context import Context

ASSET_EVENTS: tuple[type[registry.AssetRecord], ...] = (
    registry.AssetRegistered, registry.AssetAmended, registry.AssetGone, registry.AssetRestored, registry.AssetClosed,
)  # fmt: skip


def assets(ctx: Context, wake: Callable[[], None]) -> dict[str, Handler]:
    """Handlers of `jianfu.registry`; a case may have waited for its asset."""

    async def know(told: registry.AssetRecord, incoming: Incoming) -> None:
        await usecases.know_asset(ctx, told, incoming.id)
        wake()

    return {model.TYPE: Handler(model, know) for model in ASSET_EVENTS}


def units(ctx: Context) -> dict[str, Handler]:
    """Handlers of `jianfu.registry.units`."""

    async def know(told: registry.UnitRecorded, _: Incoming) -> None:
        await usecases.know_unit(ctx, told)

    return {registry.UnitRecorded.TYPE: Handler(registry.UnitRecorded, know)}


class Units(EventSubscription):
    """Reads the compacted topic of units from its beginning while units are held without their names."""

    def __init__(self, ctx: Context, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._ctx = ctx

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: nowhere yet where all has to be read again, else as any consumer of events."""
        if await usecases.units_nameless(self._ctx):
            return {}
        return await super().position(partitions)


def findings(ctx: Context, windows: Windows, wake: Callable[[], None]) -> dict[str, Handler]:
    """Handlers of `jianfu.monitor`; each may make a case due."""

    async def opened(told: FindingOpened, incoming: Incoming) -> None:
        await usecases.open_case(ctx, told, incoming.id, windows)
        wake()

    async def cleared(told: FindingCleared, incoming: Incoming) -> None:
        await usecases.finding_cleared(ctx, told, incoming.id)
        wake()

    async def answered(told: Any, incoming: Incoming) -> None:
        await usecases.recheck_answered(ctx, told, incoming.id)
        wake()

    found = {FindingOpened.TYPE: Handler(FindingOpened, opened), FindingCleared.TYPE: Handler(FindingCleared, cleared)}
    answers = (FindingConfirmed, FindingRefuted, RecheckInconclusive)
    return found | {model.TYPE: Handler(model, answered) for model in answers}
