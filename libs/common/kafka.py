"""Consuming Kafka: batches of raw records, every failure sorted once, offsets that another reader cannot undo."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import stamina
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.security import SASLPlaintext
from prometheus_client import Counter
from pydantic import ValidationError

from libs.common import dead, observe
from libs.common.db import UNAVAILABLE, Database
from libs.common.errors import DomainError
from libs.common.events.envelope import Event, Incoming, Malformed, unpack
from libs.common.fetching import Fetching

log = structlog.get_logger()
HANDLED = Counter("jianfu_events_total", "Records taken, by what became of them.", ["topic", "type", "outcome"])
TRANSIENT = (*UNAVAILABLE, KafkaError)
DEAD_IN_A_ROW = 50


class ConsumerStopped(RuntimeError):
    """So many records in a row were refused that the stream, not a record, must be at fault."""


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
    finished first.
    """

    def __init__(self, broker: KafkaBroker, topic: str, group: str, *, max_records: int = 500) -> None:
        instance = broker.instance if isinstance(broker, Broker) else None
        self.topic, self.group = topic, group
        self.done: dict[TopicPartition, int] = {}
        self.joined = False
        self.stopped: str | None = None
        self._sub: Any = broker.subscriber(
            topic, group_id=group, group_instance_id=None if instance is None else f"{group}-{instance}",
            batch=True, max_records=max_records, batch_timeout_ms=20, max_partition_fetch_bytes=4 << 20,
            auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR, listener=self,
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
        except (ConsumerStopped, asyncio.CancelledError):
            raise
        except Exception as error:
            log.warning("batch-failed", topic=self.topic, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)  # NACK_ON_ERROR itself retries without any delay
            raise

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.joined = False
        await self._sub.lock.wait_release(20)
        self.done.clear()  # a rebalance takes all and gives anew

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
        """Whether the consumer has joined, be it without a share of the partitions, and was not stopped."""
        return self.stopped is None and self.consumer is not None and self.joined

    def behind(self, ends: Mapping[TopicPartition, int]) -> int:
        """How many records lie between what is taken and these end offsets."""
        return sum(max(0, ends[tp] - taken) for tp, taken in self.done.items() if tp in ends)


class EndOffsets:
    """Asks for end offsets over connections of its own.

    On a consumer's connection the question would wait behind its long poll, half a second each time.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._client: AIOKafkaConsumer | None = None
        self._one = asyncio.Lock()

    async def of(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """End offset of each partition. Raises KafkaError, OSError or TimeoutError when the broker is away."""
        if not partitions:
            return {}
        async with asyncio.timeout(5), self._one:
            if self._client is None:
                client = AIOKafkaConsumer(**self._options, enable_auto_commit=False)
                try:
                    await client.start()
                except BaseException:
                    await client.stop()
                    raise
                self._client = client
            return dict(await self._client.end_offsets(list(partitions)))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(3):
                    await client.stop()


class EventSubscription(Subscription):
    """Events one by one, in order: transient failures are retried in place, what is refused is buried.

    Unknown types are acknowledged and counted, or the first new type of a newer producer would be poison.
    """

    def __init__(
        self, broker: KafkaBroker, database: Database, topic: str, service: str, handlers: Mapping[str, Handler]
    ) -> None:
        # a group of its own for each topic: a consumer that joins does not make the others of its service rejoin
        super().__init__(broker, topic, f"jianfu.{service}.{topic.removeprefix('jianfu.')}")
        self._database, self._service, self._handlers = database, service, handlers
        self._dead_in_a_row = 0

    async def take(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            if record.offset < self.done.get(tp, 0):
                continue
            outcome = await self._one(record)
            if outcome != "again":  # what was buried before a restart is no new sign of a broken stream
                self._dead_in_a_row = self._dead_in_a_row + 1 if outcome == "dead" else 0
            if tp in self.consumer.assignment():  # a batch may outlive its assignment
                self.done[tp] = record.offset + 1
            if self._dead_in_a_row >= DEAD_IN_A_ROW:
                self.stopped = f"{self.topic}: {DEAD_IN_A_ROW} records in a row were refused; see the dead letters"
                log.error("consumer-stopped", topic=self.topic, why=self.stopped)
                self.consumer.pause(*self.consumer.assignment())
                raise ConsumerStopped(self.stopped)

    async def _one(self, record: ConsumerRecord) -> str:
        kind, outcome = "?", "handled"
        incoming: Incoming | None = None
        try:
            incoming = unpack(record.headers, key=record.key, value=record.value, at=dead.appended(record))
            kind = incoming.type if incoming.type in self._handlers else "other"
            if kind == "other":
                outcome = "unknown"
            else:
                await self._act(incoming)
        except Malformed as error:
            outcome = await self._bury(record, None, error.code, str(error))
        except ValidationError as error:
            outcome = await self._bury(record, incoming, "invalid", first_fault(error))
        except DomainError as error:
            outcome = await self._bury(record, incoming, error.code, str(error))
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("event-failed", topic=record.topic, partition=record.partition, offset=record.offset)
            outcome = await self._bury(record, incoming, "unexpected", f"{type(error).__name__}: {error}")
        HANDLED.labels(self.topic, kind, outcome).inc()
        return outcome

    async def _act(self, incoming: Incoming) -> None:
        handler = self._handlers[incoming.type]
        event = handler.model.model_validate_json(incoming.body)
        attributes = {"event.id": incoming.id, "event.type": incoming.type, "event.subject": incoming.subject}
        with observe.consuming(f"{self._service} {incoming.type}", incoming.traceparent, attributes):
            async for attempt in stamina.retry_context(on=TRANSIENT, attempts=None, timeout=None, wait_max=10):
                with attempt:
                    await handler.act(event, incoming)

    async def _bury(self, record: ConsumerRecord, incoming: Incoming | None, code: str, reason: str) -> str:
        log.warning("record-refused", topic=record.topic, offset=record.offset, code=code, reason=reason)
        async for attempt in stamina.retry_context(on=TRANSIENT, attempts=None, timeout=None, wait_max=10):
            with attempt:
                new = await dead.bury(self._database, record, incoming, service=self._service, code=code, reason=reason)
        return "dead" if new else "again"


def first_fault(error: ValidationError) -> str:
    """The first fault of a body in words that name the field."""
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
