"""Sends outbox rows to Kafka: in order, one record batch per partition, each acknowledged."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import aiokafka
import asyncpg
import msgspec
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

PUBLISH_TIMEOUT = 15.0


_read_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]]).decode


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
