"""Events from committed rows to Kafka's acknowledgement.

Beside it aiokafka's `create_batch` producing the same bytes from memory, which is the fastest way to send them that
Python's clients offer: no database, no rows to delete, no order to wait for.
"""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from benchmarks import harness
from benchmarks.harness import Env, Result, Wrong
from libs.common.db.pool import Database
from libs.common.events.envelope import Event, Outgoing, pack
from libs.common.outbox.emit import emit
from libs.common.outbox.publisher import Publisher, partition_of
from libs.common.outbox.relay import Relay

ROWS, PARTITIONS = 60_000, 4
COMMITS_A_SECOND, SECONDS = 500, 10
NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)
NAME = "outbox relay"


class Told(Event):
    """About as much as an event of the registry says."""

    TYPE: ClassVar[str] = "thing.told"
    TOPIC: ClassVar[str] = "-"
    SOURCE: ClassVar[str] = "/bench"
    KEY: ClassVar[str] = "thing"
    SUBJECT: ClassVar[str] = "thing"

    thing: UUID
    note: str


async def run(env: Env) -> list[Result]:
    """Rates of draining rows written before and rows written meanwhile, and the time from commit to acknowledgement."""
    messages = made(env.size(ROWS))
    runs = await harness.by_turns(
        {
            "create_batch": lambda: from_memory(env, messages, aiokafkas),
            "create_batch, cached partitions": lambda: from_memory(env, messages, partition_of),
            "jianfu, rows waiting": lambda: waiting(env, messages),
            "jianfu, rows coming": lambda: coming(env, messages),
        },
        env.repeats,
    )
    delays = await under_load(env)
    quantiles = statistics.quantiles(delays, n=100)
    return [
        harness.rate(NAME, "create_batch", runs),
        harness.compared(NAME, "jianfu, rows waiting", "create_batch", runs, expected=0.5),
        harness.compared(NAME, "jianfu, rows waiting", "create_batch, cached partitions", runs),
        harness.compared(NAME, "jianfu, rows coming", "create_batch", runs),
        Result(NAME, f"commit to acknowledgement, p50 at {COMMITS_A_SECOND}/s", quantiles[49] * 1000, "ms"),
        Result(NAME, f"commit to acknowledgement, p99 at {COMMITS_A_SECOND}/s", quantiles[98] * 1000, "ms"),
    ]


def made(rows: int) -> list[Outgoing]:
    """Events of 1,000 things, as `emit` packs them."""
    pick = random.Random(1)
    things = [UUID(int=pick.getrandbits(128), version=4) for _ in range(1_000)]
    trace = f"00-{pick.getrandbits(128):032x}-{pick.getrandbits(64):016x}-01"
    events = [Told(thing=pick.choice(things), note=f"{pick.getrandbits(800):0200x}") for _ in range(rows)]
    return [pack(event, sequence=number, time=NOON, traceparent=trace) for number, event in enumerate(events, start=1)]


def aiokafkas(key: bytes, count: int) -> int:
    """The partition as aiokafka itself computes it for every record: what one would take. Ours remembers it."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


async def from_memory(env: Env, messages: Sequence[Outgoing], partition: Callable[[bytes, int], int]) -> float:
    """The same records, idempotent and acknowledged by all, in batches as large as the producer makes them."""
    topic = await env.topic(PARTITIONS)
    producer = AIOKafkaProducer(
        **env.options, acks="all", enable_idempotence=True, compression_type="lz4", max_batch_size=1 << 20
    )
    records = [
        (message.key, {"key": message.key, "value": message.body, "timestamp": None, "headers": list(message.headers)})
        for message in messages
    ]
    await producer.start()
    try:
        await producer.partitions_for(topic)
        started = time.perf_counter()
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        sent = []
        for key, record in records:
            place = partition(key, PARTITIONS)
            if batches[place].append(**record) is None:
                sent.append(await producer.send_batch(batches[place], topic, partition=place))
                batches[place] = producer.create_batch()
                batches[place].append(**record)
        for place, batch in enumerate(batches):
            sent.append(await producer.send_batch(batch, topic, partition=place))
        await asyncio.gather(*sent)
        spent = time.perf_counter() - started
    finally:
        await producer.stop()
    await check(env, topic, messages)
    return len(messages) / spent


async def waiting(env: Env, messages: Sequence[Outgoing]) -> float:
    """All rows stand in the table when the relay starts to lead."""
    topic = await env.topic(PARTITIONS)
    async with env.database("registry") as database:
        await database.pool.copy_records_to_table(
            "outbox",
            records=[(topic, m.key, m.body, msgspec.msgpack.encode(list(m.headers))) for m in messages],
            columns=("topic", "key", "payload", "headers"),
        )
        publisher = Publisher(env.options)
        await warm(publisher, topic)
        async with relaying(database, publisher):
            started = time.perf_counter()
            while await database.pool.fetchval("select exists (select from outbox)"):
                await asyncio.sleep(0.005)
            spent = time.perf_counter() - started
    await check(env, topic, messages)
    return len(messages) / spent


async def coming(env: Env, messages: Sequence[Outgoing]) -> float:
    """Four writers commit 50 rows at a time in this very process while the relay carries what is there."""
    topic = await env.topic(PARTITIONS)
    async with env.database("registry") as database:
        publisher = Publisher(env.options)
        await warm(publisher, topic)
        rows = [(topic, m.key, m.body, msgspec.msgpack.encode(list(m.headers))) for m in messages]
        chunks = iter([rows[begin : begin + 50] for begin in range(0, len(rows), 50)])

        async def write() -> None:
            for chunk in chunks:
                async with database.transaction("write") as conn:
                    await conn.copy_records_to_table(
                        "outbox", records=chunk, columns=("topic", "key", "payload", "headers")
                    )

        async with relaying(database, publisher):
            started = time.perf_counter()
            await asyncio.gather(*(write() for _ in range(4)))
            while await database.pool.fetchval("select exists (select from outbox)"):
                await asyncio.sleep(0.005)
            spent = time.perf_counter() - started
    await check(env, topic, messages, ordered=False)
    return len(messages) / spent


class Timed(Publisher):
    """Remembers when each row was acknowledged."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.acknowledged: dict[bytes, float] = {}

    async def send(self, rows: Sequence[asyncpg.Record]) -> None:
        await super().send(rows)
        now = time.perf_counter()
        self.acknowledged |= {row["key"]: now for row in rows}


async def under_load(env: Env) -> list[float]:
    """Seconds from each commit to its acknowledgement, with commits at a steady rate."""
    topic = await env.topic(PARTITIONS)
    told = type("Told", (Told,), {"TOPIC": topic, "__module__": __name__})
    committed: dict[bytes, float] = {}
    commits = env.size(COMMITS_A_SECOND * SECONDS)
    async with env.database("registry") as database:
        publisher = Timed(env.options)
        await warm(publisher, topic)

        async def commit(number: int) -> None:
            event = told(thing=UUID(int=number), note="x" * 200)
            async with database.transaction("write") as conn:
                await emit(conn, event, sequence=1, time=NOON)
            committed[str(event.thing).encode()] = time.perf_counter()

        async with relaying(database, publisher), asyncio.TaskGroup() as group:
            begin = time.perf_counter()
            for number in range(commits):
                await asyncio.sleep(max(0.0, begin + number / COMMITS_A_SECOND - time.perf_counter()))
                group.create_task(commit(number))
            while len(publisher.acknowledged) < commits:
                await asyncio.sleep(0.005)
    return [publisher.acknowledged[key] - when for key, when in committed.items()]


async def warm(publisher: Publisher, topic: str) -> None:
    """Connect and learn the topic, as a relay that has been running has."""
    producer = await publisher._started()
    await publisher._partition(producer, topic, b"")


@asynccontextmanager
async def relaying(database: Database, publisher: Publisher) -> AsyncIterator[None]:
    relay = Relay(database, publisher)
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await relay.close()


async def check(env: Env, topic: str, messages: Sequence[Outgoing], *, ordered: bool = True) -> None:
    """Every record arrived once with its bytes, and in order per key where the rows were. Raises Wrong."""
    consumer = AIOKafkaConsumer(**env.options, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        arrived: dict[bytes, list[bytes]] = {}
        taken = 0
        while taken < len(messages):
            found = await consumer.getmany(timeout_ms=2_000, max_records=5_000)
            if not found:
                raise Wrong(f"{taken} of {len(messages)} records arrived")
            for records in found.values():
                taken += len(records)
                for record in records:
                    arrived.setdefault(record.key, []).append(record.value)
    finally:
        await consumer.stop()
    sent: dict[bytes, list[bytes]] = {}
    for message in messages:
        sent.setdefault(message.key, []).append(message.body)
    if not ordered:
        arrived, sent = ({key: sorted(values) for key, values in each.items()} for each in (arrived, sent))
    if arrived != sent:
        raise Wrong("what arrived is not what was sent, or not in its order")
