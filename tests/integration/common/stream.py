"""A test's own events, written to and read back from a real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from libs.common.consumer import inbox
from libs.common.consumer.events import EventSubscription
from libs.common.db.pool import Database
from libs.common.events.envelope import Event, Incoming, pack
from libs.common.handler import Handler
from libs.common.kafka.broker import make_broker
from libs.common.outbox.emit import emit as emit_event
from libs.common.outbox.publisher import Publisher
from libs.common.outbox.relay import Relay
from tests.kit.waiting import eventually

NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)


class Counted(Event):
    """A thing was counted; the topic is the test's own."""

    TYPE: ClassVar[str] = "thing.counted"
    SOURCE: ClassVar[str] = "/test"
    KEY: ClassVar[str] = "thing"
    SUBJECT: ClassVar[str] = "thing"

    thing: str
    value: int


def counted_on(topic: str) -> type[Counted]:
    """The event as it travels on one topic."""
    return type("Counted", (Counted,), {"TOPIC": topic, "__module__": __name__})


def record(thing: str, number: int, **changed: Any) -> dict[str, Any]:
    """A well-formed record of `Counted`; `changed` replaces its key, value, or single headers by name."""
    message = pack(counted_on("-")(thing=thing, value=number), sequence=number, time=NOON)
    headers = [(name, changed.pop(name, raw)) for name, raw in message.headers]
    return {"key": message.key, "value": message.body, "headers": headers} | changed


async def produce(options: Mapping[str, Any], topic: str, records: Iterable[dict[str, Any]]) -> None:
    """Send in order and wait for every acknowledgement."""
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True, max_request_size=2 << 20)
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send(topic, **each) for each in records])
    finally:
        await producer.stop()


class RawName(str):
    """A header's name that travels as bytes which are no UTF-8, as another client library may send it."""

    def encode(self, *_: Any) -> bytes:
        return b"\xb5\xa5\xce\xbb"  # "unit" in GBK

    def __len__(self) -> int:
        return len(self.encode())


async def produce_as_written(
    options: Mapping[str, Any], topic: str, records: Iterable[dict[str, Any]], *, codec: int = 0
) -> None:
    """Send one batch to the first partition, with header names that aiokafka itself would not write."""
    producer = AIOKafkaProducer(**options, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1 << 20)
        for each in records:
            batch.append(timestamp=None, **each)
        batch.close()
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


async def read(options: Mapping[str, Any], topic: str) -> list[ConsumerRecord]:
    """All that a topic holds now, in the order of each partition."""
    consumer = AIOKafkaConsumer(topic, **options, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[ConsumerRecord] = []
        partitions = await eventually(consumer.assignment)
        left = {tp: end for tp, end in (await consumer.end_offsets(list(partitions))).items() if end}
        while left:
            for tp, batch in (await consumer.getmany(timeout_ms=200)).items():
                found += batch
                if tp in left and batch[-1].offset + 1 >= left[tp]:
                    del left[tp]
        return found
    finally:
        await consumer.stop()


async def emit(database: Database, event: Event, *, sequence: int = 1) -> None:
    async with database.transaction("emit") as conn:
        await emit_event(conn, event, sequence=sequence, time=NOON)


@asynccontextmanager
async def relaying(database: Database, options: Mapping[str, Any], **more: Any) -> AsyncIterator[Relay]:
    """A relay that runs until the block ends."""
    relay = Relay(database, Publisher(dict(options)), **more)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await relay.close()


class Recorder:
    """A handler with an inbox and an effect; `before` may raise, `seen` says what was acted on and in what order."""

    def __init__(self, database: Database, topic: str) -> None:
        self.database = database
        self.topic = topic
        self.seen: list[tuple[str, int]] = []
        self.calls = 0

    async def before(self, event: Counted) -> None:
        """Replaced by tests that want a handler to fail."""

    async def act(self, event: Counted, incoming: Incoming) -> None:
        self.calls += 1
        await self.before(event)
        async with self.database.transaction("count") as conn:
            if not await inbox.first_time(conn, "test", incoming.id):
                return
            await conn.execute(
                "insert into effects (topic, event_id, thing, value) values ($1, $2, $3, $4)",
                self.topic,
                incoming.id,
                event.thing,
                event.value,
            )
        self.seen.append((event.thing, event.value))

    async def effects(self) -> list[tuple[str, int]]:
        """What stands in the database, in the order it was written."""
        rows = await self.database.pool.fetch("select thing, value from effects order by n")
        return [(row["thing"], row["value"]) for row in rows]


@asynccontextmanager
async def consuming(
    options: Mapping[str, Any],
    recorder: Recorder,
    *,
    service: str = "registry",
    types: tuple[str, ...] = (),
    **more: Any,
) -> AsyncIterator[EventSubscription]:
    """A consumer of the recorder's topic with a broker of its own, joined before the block begins."""
    broker = make_broker(dict(options))
    handler = Handler(counted_on(recorder.topic), recorder.act)
    handlers = dict.fromkeys((Counted.TYPE, *types), handler)
    subscription = EventSubscription(broker, recorder.database, recorder.topic, service, handlers, **more)
    await broker.start()
    try:
        await eventually(lambda: subscription.ready)
        yield subscription
    finally:
        await broker.stop()
