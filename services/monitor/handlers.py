"""Kafka: which event of which topic leads to which use case, and the consumers that read the topics."""

from collections.abc import Mapping

from faststream.kafka import KafkaBroker

from libs.common.consumer.events import EventSubscription
from libs.common.events.intake import SourceStated
from libs.common.events.registry import AssetRecord, UnitRecorded
from libs.common.handler import Handler
from libs.common.senders.aside import Bounds, Senders
from services.monitor.assets import handlers as asset_handlers
from services.monitor.deps import Deps
from services.monitor.rechecks import handlers as recheck_handlers
from services.monitor.sources import handlers as source_handlers
from services.monitor.units import handlers as unit_handlers

SERVICE = "monitor"
Handlers = Mapping[str, Mapping[str, Handler]]
REREADING = {
    AssetRecord.TOPIC: asset_handlers.RegisterSubscription,
    UnitRecorded.TOPIC: unit_handlers.UnitsSubscription,
}


def build(deps: Deps) -> Handlers:
    """Topic → event type → how it is read and acted on."""
    by_topic: dict[str, dict[str, Handler]] = {}
    for part in (
        asset_handlers.build(deps.database),
        unit_handlers.build(deps.database),
        recheck_handlers.build(deps.database, deps.book, deps.clock),
        source_handlers.build(deps.database, deps.clock, deps.authenticator, deps.gate),
    ):
        for topic, by_type in part.items():
            by_topic.setdefault(topic, {}).update(by_type)
    return by_topic


def subscriptions(
    deps: Deps, handlers: Handlers, broker: KafkaBroker, *, bounds: Bounds, patience: float
) -> list[EventSubscription]:
    """One consumer per topic of events; that of the intake with its senders."""
    senders = {SourceStated.TOPIC: Senders(deps.database, deps.authenticator, SourceStated.TOPIC, bounds)}
    return [
        REREADING.get(topic, EventSubscription)(
            broker, deps.database, topic, SERVICE, by_type, senders=senders.get(topic), patience=patience
        )
        for topic, by_type in handlers.items()
    ]
