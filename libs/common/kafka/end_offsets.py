"""End offsets of partitions, asked for over a connection of their own."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from libs.common.kafka.fetching import COMMITTED


class EndOffsets:
    """Asks for end offsets over connections of its own: where a transaction is open, what is sent after its beginning
    is not to be read yet, and the end lies before it.

    On a consumer's connection the question would wait behind its long poll, half a second each time.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self._client: AIOKafkaConsumer | None = None
        self._one = asyncio.Lock()

    async def of(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """End offset of each partition. Raises KafkaError, OSError or TimeoutError when the broker is away."""
        if not partitions:
            return {}
        async with asyncio.timeout(5), self._one:
            if self._client is None:
                client = AIOKafkaConsumer(**self.options, enable_auto_commit=False, isolation_level=COMMITTED)
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
