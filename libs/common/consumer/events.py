"""Consumes events one by one and sorts every failure once: retried, refused, or an error of ours."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from libs.common.consumer.patience import Back, Patience
from libs.common.consumer.subscription import ConsumerStopped, Subscription
from libs.common.consumer.trouble import TRANSIENT
from libs.common.db.errors import UNSTORABLE
from libs.common.db.pool import Database
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import DomainError
from libs.common.events.envelope import Event, Incoming, Malformed, from_outside, unpack
from libs.common.handler import Handler
from libs.common.http.bodies import Fault, listed
from libs.common.kafka.unread import Unread
from libs.common.refusals.store import Refusal
from libs.common.senders.aside import Senders
from libs.common.telemetry import metrics, traces
from libs.common.text import Text

log = structlog.get_logger()
UNEXPECTED_IN_A_ROW = 50


class EventSubscription(Subscription):
    """Events one by one, in order: transient failures are retried in place, what is refused is buried.

    Unknown types are acknowledged and counted, or the first new type of a newer producer would be poison; on a topic
    where strangers write they are buried, for there nobody else would ever tell the sender of his slip. Of a record
    that fails while the database answers only the partition waits, and not for ever: then the record is set aside.
    With `senders`, one of whom too much is refused is set aside with all that it sends.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        database: Database,
        topic: str,
        service: str,
        handlers: Mapping[str, Handler],
        *,
        senders: Senders | None = None,
        patience: float = 120,
    ) -> None:
        # a group of its own for each topic: a consumer that joins does not make the others of its service rejoin
        super().__init__(broker, topic, f"jianfu.{service}.{topic.removeprefix('jianfu.')}", patience=patience)
        self._database, self._service, self._handlers, self._senders = database, service, handlers, senders
        self._unexpected_in_a_row = 0
        self._patience = Patience(self.trouble, database)

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        await super().on_partitions_revoked(revoked)
        self._patience.forget()

    async def take(self, records: Sequence[ConsumerRecord]) -> None:
        if self._senders is not None:
            await self._patience.until_done(self._senders.look)
        parked: list[ConsumerRecord] = []  # of one sender, in a row
        owner = ""
        back: set[TopicPartition] = set()  # what follows a record that its partition waits for is fetched again
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            if tp in back or record.offset < self.done.get(tp, 0):
                continue
            sender = self._aside(record)
            if parked and sender != owner:
                await self._park(owner, parked, back)
                parked = []
            if sender is not None:
                owner = sender
                parked.append(record)
            else:
                await self._judge(record, back)
        if parked:
            await self._park(owner, parked, back)

    def _aside(self, record: ConsumerRecord) -> str | None:
        """The record's sender, where it is set aside."""
        if self._senders is None or not self._senders.aside or isinstance(record.value, Unread):
            return None
        sender = self._senders.of(record)
        return sender if sender in self._senders.aside else None

    async def _park(self, sender: str, records: Sequence[ConsumerRecord], back: set[TopicPartition]) -> None:
        assert self._senders is not None  # noqa: S101 - who else would have named a sender
        senders, parked = self._senders, False

        async def park() -> None:
            nonlocal parked
            parked = await senders.park(sender, records)

        await self._patience.until_done(park)
        for record in records:
            if parked:
                metrics.EVENTS.labels(self.topic, "?", "parked").inc()
                self._is_done(record)
            else:  # it was released meanwhile
                await self._judge(record, back)

    async def _judge(self, record: ConsumerRecord, back: set[TopicPartition]) -> None:
        """Judge one, unless its partition is among those that stand back; it joins them where it waits for this one."""
        tp = TopicPartition(record.topic, record.partition)
        if tp in back:
            return
        try:
            outcome = await self._one(record)
        except Back:
            back.add(tp)
            self._stand_aside(tp, record.offset)
            return
        self._is_done(record)
        if outcome != "again":  # what was buried before a restart is no new sign of a fault
            self._unexpected_in_a_row = self._unexpected_in_a_row + 1 if outcome == "unexpected" else 0
        if self._unexpected_in_a_row >= UNEXPECTED_IN_A_ROW:
            self._unexpected_in_a_row = UNEXPECTED_IN_A_ROW - 1  # one more, and it waits for longer
            why = f"{UNEXPECTED_IN_A_ROW} records in a row met a fault of ours; see the dead letters"
            self.stand_back(why)
            raise ConsumerStopped(why)
        if outcome == "handled":
            self._pause = 0.0

    def _stand_aside(self, tp: TopicPartition, offset: int) -> None:
        """Read a partition no further, and come back to this record of it after a while."""
        if tp in self.consumer.assignment():  # a batch may outlive its assignment
            self.consumer.pause(tp)
            self.consumer.seek(tp, offset)
            asyncio.get_running_loop().call_later(self._patience.pause(tp), self._come_back, tp)

    def _come_back(self, tp: TopicPartition) -> None:
        if self.consumer is not None and tp in self.consumer.assignment() and not self.stopped:
            self.consumer.resume(tp)

    def _is_done(self, record: ConsumerRecord) -> None:
        tp = TopicPartition(record.topic, record.partition)
        if tp in self.consumer.assignment():  # a batch may outlive its assignment
            self.done[tp] = record.offset + 1

    async def _one(self, record: ConsumerRecord) -> str:
        kind, outcome = "?", "handled"
        incoming: Incoming | None = None
        if isinstance(unread := record.value, Unread):
            unreadable = Refusal.plain(unread.code, unread.told(record.offset))
            outcome = await self._bury(replace(record, value=None), None, unreadable)
            metrics.EVENTS.labels(self.topic, kind, outcome).inc()
            return outcome
        try:
            at, outside = dead_letter_store.appended(record), from_outside(self.topic)
            incoming = unpack(record.headers, key=record.key, value=record.value, at=at, outside=outside)
            kind = incoming.type if incoming.type in self._handlers else "other"
            if kind != "other":
                outcome = await self._act(record, incoming)
            elif from_outside(self.topic):
                outcome = await self._refuse(record, incoming, self._unknown(incoming.type))
            else:
                outcome = "unknown"
        except Malformed as error:
            outcome = await self._refuse(record, None, Refusal.of(error))
        except (ValidationError, DomainError, *UNSTORABLE) as error:
            outcome = await self._refuse(record, incoming, Refusal.of(error, self._model(incoming)))
        except (Back, *TRANSIENT):
            raise
        except Exception as error:
            log.exception("event-failed", topic=record.topic, partition=record.partition, offset=record.offset)
            reason = f"{type(error).__name__}: {error}"
            outcome = await self._bury(record, incoming, Refusal.plain("unexpected", reason))
            outcome = "unexpected" if outcome == "dead" else outcome
        if outcome == "handled" and self._senders is not None and self._senders.watched:
            self._senders.handled(self._senders.of(record))
        metrics.EVENTS.labels(self.topic, kind, outcome).inc()
        return outcome

    def _unknown(self, kind: str) -> Refusal:
        known = ", ".join(sorted(self._handlers))
        fault = Fault(
            "ce_type", Text(f"此处没有 {kind},可用:{known}", f"{kind} is not known here; expected one of {known}")
        )
        return Refusal("unknown_type", listed([fault]), (fault,))

    def _model(self, incoming: Incoming | None) -> type[Event] | None:
        handler = self._handlers.get(incoming.type) if incoming else None
        return handler.model if handler else None

    async def _act(self, record: ConsumerRecord, incoming: Incoming) -> str:
        handler = self._handlers[incoming.type]
        event = handler.model.model_validate_json(incoming.body)
        attributes = {"event.id": incoming.id, "event.type": incoming.type, "event.subject": incoming.subject or ""}

        async def set_aside(error: BaseException) -> None:
            reason = (
                f"failed for {self.trouble.patience:g} s while the database answered: {type(error).__name__}: {error}"
            )
            await self._enter(record, incoming, Refusal.plain("stuck", reason))

        with traces.consuming(f"{self._service} {incoming.type}", incoming.traceparent, attributes):
            tp = TopicPartition(record.topic, record.partition)
            done = await self._patience.for_record(tp, record.offset, lambda: handler.act(event, incoming), set_aside)
        return "handled" if done else "stuck"

    async def _refuse(self, record: ConsumerRecord, incoming: Incoming | None, refusal: Refusal) -> str:
        """Bury it, and count it against its sender."""
        outcome, senders = await self._bury(record, incoming, refusal), self._senders
        if outcome == "dead" and senders is not None and senders.refused(record, refusal.code, refusal.text.en):
            await self._patience.until_done(senders.write)
        return outcome

    async def _bury(self, record: ConsumerRecord, incoming: Incoming | None, refusal: Refusal) -> str:
        new = False

        async def bury() -> None:
            nonlocal new
            new = await self._enter(record, incoming, refusal)

        await self._patience.until_done(bury)
        return "dead" if new else "again"

    async def _enter(self, record: ConsumerRecord, incoming: Incoming | None, refusal: Refusal) -> bool:
        log.warning(
            "record-refused", topic=record.topic, offset=record.offset, code=refusal.code, reason=refusal.text.en
        )
        sender = None if self._senders is None else self._senders.speaker(record)
        return await dead_letter_store.bury(
            self._database, record, incoming, service=self._service, refusal=refusal, sender=sender
        )
