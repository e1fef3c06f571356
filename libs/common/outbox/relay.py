"""Events leave through the transaction that made them; one relay per database carries them to Kafka."""

import asyncio
import contextlib
import zlib
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import aiokafka
import asyncpg
import msgspec
import structlog
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from prometheus_client import Counter, Gauge, Histogram

from libs.common.db.pool import PLUMBING, UNAVAILABLE, Connection, Database
from libs.common.events.envelope import Event, Headers, pack
from libs.common.process import crashpoints
from libs.common.telemetry import observe

log = structlog.get_logger()
PUBLISHED = Counter("jianfu_outbox_published_total", "Messages acknowledged by Kafka.", ["topic"])
DEPTH = Gauge("jianfu_outbox_rows", "Messages waiting for the relay.")
LATENCY = Histogram("jianfu_outbox_batch_seconds", "From taking a batch of rows to its commit.")
CHANNEL = "jianfu_outbox"
PUBLISH_TIMEOUT = 15.0
MAX_BYTES = 1_000_000  # brokers take 1,048,588 in a batch; one message too large would stop all behind it
ROWS, FEWEST_ROWS, MOST_ROWS = 500, 10, 5_000  # of one take: the first, and between which bounds the next ones are
TAKE_BYTES = 2_000_000  # about what one take shall hold, well within PUBLISH_TIMEOUT
_read_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]]).decode


class NotInTransaction(RuntimeError):
    """An event may be written only by the transaction that makes it true."""


async def emit(conn: Connection, event: Event, *, sequence: int, time: datetime) -> None:
    """Write an event beside the change it tells of. Raises NotInTransaction outside a transaction.

    `sequence` is the aggregate's version, `time` business time. Lock the aggregate's row first, or two
    writers of one key may swap.
    """
    message = pack(event, sequence=sequence, time=time, traceparent=observe.traceparent())
    await enqueue(conn, message.topic, message.key, message.body, message.headers)


async def enqueue(conn: Connection, topic: str, key: bytes | None, payload: bytes | None, headers: Headers) -> None:
    """Write a raw message to the outbox. Raises NotInTransaction outside a transaction, ValueError above MAX_BYTES."""
    if size(key, payload, headers) > MAX_BYTES:
        raise ValueError(f"a message for {topic} is larger than {MAX_BYTES} bytes")
    if not conn.is_in_transaction():
        raise NotInTransaction(f"a message for {topic} was written outside a transaction")
    await PLUMBING.outbox_add(
        conn, topic=topic, key=key, payload=payload, headers=msgspec.msgpack.encode(list(headers))
    )


def size(key: bytes | None, payload: bytes | None, headers: Headers) -> int:
    """Bytes of a message as it will travel, a little over-estimated."""
    return len(key or b"") + len(payload or b"") + sum(len(n) + len(v or b"") + 8 for n, v in headers) + 32


@lru_cache(maxsize=100_000)
def partition_of(key: bytes | None, count: int) -> int:
    """Kafka's default partition of a key among `count`. Cached: aiokafka's murmur2 is Python, and keys come again."""
    return int(murmur2(key or b"") & 0x7FFFFFFF) % count


class Publisher:
    """Sends rows in order as one record batch per partition, each waited for; idempotent, acks=all."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}

    async def _started(self) -> aiokafka.AIOKafkaProducer:
        if self._producer is None:
            producer = aiokafka.AIOKafkaProducer(
                **self._options,
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                max_batch_size=1 << 20,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def send(self, rows: Sequence[asyncpg.Record]) -> None:
        """Publish all rows or raise; within a partition in the order given."""
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            producer = await self._started()
            open_: dict[tuple[str, int], Any] = {}
            waiting = []
            for row in rows:
                target = (row["topic"], await self._partition(producer, row["topic"], row["key"]))
                headers = _read_headers(row["headers"])
                batch = open_.get(target) or open_.setdefault(target, producer.create_batch())
                record = {"key": row["key"], "value": row["payload"], "timestamp": None, "headers": headers}
                if batch.append(**record) is None:
                    batch.close()
                    await (await producer.send_batch(batch, target[0], partition=target[1]))
                    batch = open_[target] = producer.create_batch()
                    batch.append(**record)
            for (topic, partition), batch in open_.items():
                batch.close()
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*waiting)

    async def _partition(self, producer: aiokafka.AIOKafkaProducer, topic: str, key: bytes | None) -> int:
        count = self._partitions.get(topic)
        if count is None:
            count = self._partitions[topic] = len(await producer.partitions_for(topic))
        return partition_of(key, count)

    async def close(self) -> None:
        """Let go of the producer; bounded, since stopping one whose broker is away can hang."""
        producer, self._producer = self._producer, None
        self._partitions.clear()
        if producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(5):
                    await producer.stop()


def next_take(rows: Sequence[asyncpg.Record]) -> int:
    """How many rows to take next, if they are as large as these: fewer round trips for small ones, bounded bytes."""
    size = sum(len(row["payload"] or b"") + len(row["headers"]) for row in rows)
    return min(MOST_ROWS, max(FEWEST_ROWS, TAKE_BYTES * len(rows) // max(size, 1)))


class Relay:
    """Deletes and publishes what is visible, oldest first; the rows come back if Kafka does not take them."""

    def __init__(self, database: Database, publisher: Publisher, *, rows: int = ROWS, poll: float = 0.5) -> None:
        self._database = database
        self._publisher = publisher
        self._rows = rows
        self._poll = poll
        self._wake = asyncio.Event()
        self._poke = asyncio.Event()
        self.leading = False
        self.failing: str | None = None
        database.after_commit = self._committed

    def _committed(self) -> None:
        self._wake.set()
        if not self.leading:
            self._poke.set()

    async def run(self) -> None:
        """Lead when no other process of this database does; wait for the lead otherwise."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poke_leader())
            group.create_task(self._lead())

    async def drain(self, seconds: float) -> None:
        """Stop after the outbox is empty, whoever leads, or after the time given."""
        self._wake.set()
        with contextlib.suppress(*UNAVAILABLE):
            async with asyncio.timeout(seconds):
                while await self.depth():
                    await asyncio.sleep(0.02)

    async def depth(self) -> int:
        async with self._database.pool.acquire() as conn:
            count = int(await PLUMBING.outbox_depth(conn))
        DEPTH.set(count)
        return count

    async def _poke_leader(self) -> None:
        while True:
            await self._poke.wait()
            self._poke.clear()
            with contextlib.suppress(*UNAVAILABLE):
                async with self._database.pool.acquire() as conn:
                    await PLUMBING.outbox_notify(conn, channel=CHANNEL)
            await asyncio.sleep(0.003)

    async def _lead(self) -> None:
        while True:
            try:
                async with self._database.session() as conn:
                    await self._lead_on(conn)
            except (*UNAVAILABLE, asyncpg.PostgresError, KafkaError) as error:
                self.failing = f"{type(error).__name__}: {error}"
                log.warning("relay-failed", error=self.failing)
                await self._publisher.close()
            finally:
                self.leading = False
            await asyncio.sleep(self._poll)

    async def _lead_on(self, conn: Any) -> None:
        key = zlib.crc32(f"relay:{self._database.name}".encode())
        while not await PLUMBING.relay_lock(conn, key=key):
            self.failing = None  # it is another's turn, and nothing of ours is broken
            await asyncio.sleep(self._poll)
        self.leading = True
        await conn.add_listener(CHANNEL, self._heard)
        while True:
            self._wake.clear()
            asked = self._rows
            taken = await self._step(conn)
            self.failing = None
            if taken < asked:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._wake.wait()

    def _heard(self, *_: object) -> None:
        self._wake.set()

    async def _step(self, conn: Any) -> int:
        with LATENCY.time():
            async with conn.transaction():
                rows = [row async for row in PLUMBING.outbox_take(conn, batch=self._rows)]
                if not rows:
                    return 0
                rows.sort(key=lambda row: row["id"])
                crashpoints.point(f"{self._database.name}.relay.before-publish")
                await self._publisher.send(rows)
                crashpoints.point(f"{self._database.name}.relay.after-publish")
            crashpoints.point(f"{self._database.name}.relay.after-commit")
        for topic, count in Tally(row["topic"] for row in rows).items():
            PUBLISHED.labels(topic).inc(count)
        self._rows = next_take(rows)
        return len(rows)

    async def close(self) -> None:
        await self._publisher.close()
