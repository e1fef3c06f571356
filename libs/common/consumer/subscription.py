"""Consuming Kafka: batches of raw records, every failure sorted once, offsets that another reader cannot undo."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import stamina
import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.security import SASLPlaintext
from prometheus_client import Counter
from pydantic import ValidationError

from libs.common.consumer.batches import Unread
from libs.common.consumer.fetching import COMMITTED, Fetching
from libs.common.consumer.patience import Back, Patience
from libs.common.consumer.trouble import FIRST_PAUSE, LONGEST_PAUSE, TRANSIENT, Trouble
from libs.common.db.pool import UNSTORABLE, Database
from libs.common.dead_letters import store as dead
from libs.common.errors import DomainError
from libs.common.events.envelope import Event, Incoming, Malformed, from_outside, unpack
from libs.common.http.bodies import Fault
from libs.common.refusals.senders import Senders
from libs.common.refusals.store import Refusal
from libs.common.telemetry import observe

log = structlog.get_logger()
HANDLED = Counter("jianfu_events_total", "Records taken, by what became of them.", ["topic", "type", "outcome"])
UNEXPECTED_IN_A_ROW = 50


class ConsumerStopped(RuntimeError):
    """So many records in a row met a fault of ours that reading on would only bury what is good."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How one type of event is read and acted on; `act` runs one use case."""

    model: type[Event]
    act: Callable[[Any, Incoming], Awaitable[None]]


class Broker(KafkaBroker):
    """FastStream's broker, and the name under which its consumers come back to their groups.

    With a name a consumer is a static member: a process that was killed and started again gets its partitions back at
    once, instead of waiting until the group has given up the dead one. No two live processes may share a name.
    """

    instance: str | None = None


def make_broker(options: dict[str, Any]) -> Broker:
    """FastStream's broker as we use it: quiet logs, no type magic, a bounded drain on stop."""
    rest = {k: v for k, v in options.items() if not k.startswith(("sasl_", "security_"))}
    security = None
    if "sasl_plain_username" in options:
        security = SASLPlaintext(options["sasl_plain_username"], options["sasl_plain_password"], use_ssl=False)
    return Broker(
        **rest, security=security, graceful_timeout=15, log_level=logging.DEBUG, logger=None, apply_types=False,
        acks="all", enable_idempotence=True, compression_type="lz4",
        allow_auto_create_topics=False,  # partitions are never altered, so topics come from their file alone
    )  # fmt: skip


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of one topic: FastStream fetches batches, `take` handles them, `done` says how far it is.

    A batch that raises is fetched again (NACK_ON_ERROR seeks back); on revocation the running batch is
    finished first. What lasts longer than `patience` seconds is trouble, of which `ready` and `reason` tell.
    """

    first_pause = FIRST_PAUSE

    def __init__(
        self, broker: KafkaBroker, topic: str, group: str, *, max_records: int = 500, patience: float = 120
    ) -> None:
        instance = broker.instance if isinstance(broker, Broker) else None
        self.topic, self.group = topic, group
        self.done: dict[TopicPartition, int] = {}
        self.joined = False
        self.trouble = Trouble(topic, patience)
        self._pause = 0.0
        self._sub: Any = broker.subscriber(
            topic, group_id=group, group_instance_id=None if instance is None else f"{group}-{instance}",
            batch=True, max_records=max_records, batch_timeout_ms=20, max_partition_fetch_bytes=4 << 20,
            auto_offset_reset="earliest", isolation_level=COMMITTED, ack_policy=AckPolicy.NACK_ON_ERROR, listener=self,
            parser=self._parse, decoder=self._decode,
            session_timeout_ms=30_000, heartbeat_interval_ms=3_000, rebalance_timeout_ms=60_000,
        )  # fmt: skip
        self._sub(self._batch)
        self.fetching = Fetching(max_records)
        self._sub.get_msg = self.fetching.batch  # type: ignore[method-assign]

    async def take(self, records: Sequence[ConsumerRecord]) -> None:
        """Handle one batch; raise to have it delivered again."""
        raise TypeError("a Subscription is used through its subclasses")

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where to go on after an assignment: Kafka's committed offsets."""
        found = {tp: await self.consumer.committed(tp) for tp in partitions}
        return {tp: offset for tp, offset in found.items() if offset is not None}

    @property
    def consumer(self) -> Any:
        return self._sub.consumer

    async def _parse(self, records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        # FastStream's own parser dies of a null or non-UTF-8 header, and then the batch is skipped.
        number = str(records[0].offset)
        return KafkaAckableMessage(records, b"", correlation_id="-", message_id=number, consumer=self.consumer)

    async def _decode(self, message: Any) -> Any:
        return message.raw_message

    async def _batch(self, records: Sequence[ConsumerRecord]) -> None:
        if self.stopped:
            self.consumer.pause(*self.consumer.assignment())
            raise ConsumerStopped(self.stopped)
        try:
            await self.take(records)
            self.trouble.over()
        except (ConsumerStopped, asyncio.CancelledError):
            raise
        except Exception as error:
            self.trouble.failed(error)
            log.warning("batch-failed", topic=self.topic, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)  # NACK_ON_ERROR itself retries without any delay
            raise

    @property
    def stopped(self) -> str | None:
        """Why it waits on purpose."""
        return self.trouble.waits

    def stand_back(self, why: str) -> None:
        """Read nothing for a while, each time for longer, and then try again by itself."""
        self._pause = min(max(2 * self._pause, self.first_pause), LONGEST_PAUSE)
        told = f"{self.topic}: {why}; trying again after {self._pause:g} s"
        self.trouble.wait(told)
        self.consumer.pause(*self.consumer.assignment())
        asyncio.get_running_loop().call_later(self._pause, self._try_again, told)

    def _try_again(self, told: str) -> None:
        if self.trouble.waits != told:  # it waits for something else by now
            return
        self.trouble.wait(None)
        if self.consumer is not None:
            self.consumer.resume(*self.consumer.assignment())

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.joined = False
        await self._sub.lock.wait_release(20)
        self.done.clear()  # a rebalance takes all and gives anew
        self.fetching.forget()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        start: dict[TopicPartition, int] = {}
        # The client swallows an error of ours here and reads on, with a consumer that never knows that it has joined.
        async for attempt in stamina.retry_context(on=TRANSIENT, attempts=None, timeout=30, wait_max=5):
            with attempt:
                start = await self.position(list(assigned)) if assigned else {}
                if missing := [tp for tp in assigned if tp not in start]:
                    start |= await self.consumer.beginning_offsets(missing)
        for tp, offset in start.items():
            self.consumer.seek(tp, offset)
            self.done[tp] = offset
        self.joined = True

    @property
    def ready(self) -> bool:
        """Whether the consumer has joined, be it without a share of the partitions, and gets on."""
        return self.reason is None

    @property
    def reason(self) -> str | None:
        """Why it is not ready, in words."""
        joined = self.consumer is not None and self.joined
        return self.trouble.reason or (None if joined else "has not joined its group")

    def behind(self, ends: Mapping[TopicPartition, int]) -> int:
        """How many records lie between what is taken and these end offsets; nothing that can be read lies in none."""
        return sum(max(0, ends[tp] - self.fetching.beyond(tp, at)) for tp, at in self.done.items() if tp in ends)


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
                HANDLED.labels(self.topic, "?", "parked").inc()
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
            HANDLED.labels(self.topic, kind, outcome).inc()
            return outcome
        try:
            at, outside = dead.appended(record), from_outside(self.topic)
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
        HANDLED.labels(self.topic, kind, outcome).inc()
        return outcome

    def _unknown(self, kind: str) -> Refusal:
        known = ", ".join(sorted(self._handlers))
        zh, en = f"此处没有 {kind},可用:{known}", f"{kind} is not known here; expected one of {known}"
        return Refusal("unknown_type", f"ce_type:{zh}", f"ce_type: {en}", (Fault("ce_type", zh, en),))

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

        with observe.consuming(f"{self._service} {incoming.type}", incoming.traceparent, attributes):
            tp = TopicPartition(record.topic, record.partition)
            done = await self._patience.for_record(tp, record.offset, lambda: handler.act(event, incoming), set_aside)
        return "handled" if done else "stuck"

    async def _refuse(self, record: ConsumerRecord, incoming: Incoming | None, refusal: Refusal) -> str:
        """Bury it, and count it against its sender."""
        outcome, senders = await self._bury(record, incoming, refusal), self._senders
        if outcome == "dead" and senders is not None and senders.refused(record, refusal.code, refusal.en):
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
        log.warning("record-refused", topic=record.topic, offset=record.offset, code=refusal.code, reason=refusal.en)
        sender = None if self._senders is None else self._senders.speaker(record)
        return await dead.bury(self._database, record, incoming, service=self._service, refusal=refusal, sender=sender)
