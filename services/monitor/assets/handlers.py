"""Kafka to use cases: the register, what cases tell and ask, and what sources state."""

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from libs.common.clock import Clock
from libs.common.consumer.subscription import EventSubscription, Handler
from libs.common.db.pool import Database
from libs.common.events.decommission import CaseRestored, CaseStopped, RecheckRequested
from libs.common.events.envelope import Incoming
from libs.common.events.intake import SourceStated
from libs.common.events.registry import (
    AssetAmended,
    AssetClosed,
    AssetGone,
    AssetRecord,
    AssetRegistered,
    AssetRestored,
    UnitRecorded,
)
from libs.common.refusals.senders import Senders
from libs.common.security.tokens import Authenticator
from services.monitor.policy.rulebook import RuleBook
from services.monitor.usage.senders import Gate
from services.monitor.verdicts import domain, usecases

SERVICE = "monitor"


def handlers_of(
    database: Database, book: RuleBook, clock: Clock, authenticator: Authenticator, gate: Gate
) -> dict[str, Mapping[str, Handler]]:
    """Topic → event type → how it is read and acted on."""

    async def recorded(event: AssetRecord, _: Incoming) -> None:
        await usecases.record_asset(database, event)

    async def unit(event: UnitRecorded, _: Incoming) -> None:
        await usecases.record_unit(database, event)

    async def stopped(event: CaseStopped, incoming: Incoming) -> None:
        await usecases.mark_stopped(database, event, event_id=incoming.id, stopped=True)

    async def restored(event: CaseRestored, incoming: Incoming) -> None:
        await usecases.mark_stopped(database, event, event_id=incoming.id, stopped=False)

    async def asked(event: RecheckRequested, incoming: Incoming) -> None:
        await usecases.answer_recheck(database, book, event, clock, event_id=incoming.id)

    async def stated(event: SourceStated, incoming: Incoming) -> None:
        agent = authenticator.principal(incoming.authorization, at=incoming.appended)
        agent.require("agent")
        domain.speaks_for(agent.sources, event.source)
        try:
            await usecases.state_source(
                database,
                event,
                who=agent.identity,
                today=clock.today(),
                came=gate.came(incoming.appended),
                late_days=gate.late_days,
            )
        except domain.StaleRevision as error:
            if int(str(error.params["held"])) <= event.revision:
                raise  # another content under a revision that is held: somebody forgot to raise it
            # else a late copy of a statement that was replaced: nothing is wrong with it

    records = (AssetRegistered, AssetAmended, AssetGone, AssetRestored, AssetClosed)
    return {
        AssetRecord.TOPIC: {model.TYPE: Handler(model, recorded) for model in records},
        UnitRecorded.TOPIC: {UnitRecorded.TYPE: Handler(UnitRecorded, unit)},
        RecheckRequested.TOPIC: {
            CaseStopped.TYPE: Handler(CaseStopped, stopped),
            CaseRestored.TYPE: Handler(CaseRestored, restored),
            RecheckRequested.TYPE: Handler(RecheckRequested, asked),
        },
        SourceStated.TOPIC: {SourceStated.TYPE: Handler(SourceStated, stated)},
    }


class RegisterSubscription(EventSubscription):
    """Reads the compacted register from its beginning while it is held without the sponsors of its assets."""

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: nowhere yet where all has to be read again, else as any consumer of events."""
        if await usecases.register_incomplete(self._database):
            return {}
        return await super().position(partitions)


class UnitsSubscription(EventSubscription):
    """Reads the compacted topic of units from its beginning while units are held without their codes or names."""

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on: nowhere yet where all has to be read again, else as any consumer of events."""
        if await usecases.units_incomplete(self._database):
            return {}
        return await super().position(partitions)


def subscriptions(
    broker: KafkaBroker,
    database: Database,
    handlers: Mapping[str, Mapping[str, Handler]],
    senders: Mapping[str, Senders],
    patience: float,
) -> list[EventSubscription]:
    """One consumer per topic of events; those of the intake with their senders."""
    kinds = {AssetRecord.TOPIC: RegisterSubscription, UnitRecorded.TOPIC: UnitsSubscription}
    return [
        kinds.get(topic, EventSubscription)(
            broker, database, topic, SERVICE, handlers[topic], senders=senders.get(topic), patience=patience
        )
        for topic in handlers
    ]
