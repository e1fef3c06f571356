"""Reading again what a sender that is set aside has sent beyond what is kept of it, while the broker has it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from libs.common.kafka import client_fixes
from libs.common.kafka.fetching import COMMITTED
from libs.common.kafka.unread import Unread
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import record_size, sender_of

MOST_FOUND = 200
MOST_BYTES = 8 << 20  # of what is found; one record more may exceed it
MOST_READ = 20_000  # records of all senders that are looked through for one page
WITHIN = 10.0  # seconds for one page


@dataclass
class Found:
    """A sender's records between two offsets of a partition; the next page begins at `next_offset`."""

    next_offset: int
    records: list[ConsumerRecord] = field(default_factory=list)


class Reread:
    """Reads intake topics again, over a connection that lasts for one page."""

    def __init__(self, options: dict[str, Any], authenticator: Authenticator) -> None:
        client_fixes.install()
        self._options, self._authenticator = options, authenticator

    async def page(self, topic: str, partition: int, first: int, last: int, sender: str) -> Found:
        """What one sender has sent from `first` to `last`, up to a page of it; ends early where reading takes long.

        Raises OSError or TimeoutError while the broker is away.
        """
        tp = TopicPartition(topic, partition)
        client = AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, auto_offset_reset="earliest", isolation_level=COMMITTED
        )
        try:
            async with asyncio.timeout(WITHIN):
                await client.start()
                client.assign([tp])
                first = max(first, (await client.beginning_offsets([tp]))[tp])
                client.seek(tp, first)
            return await self._collect(client, tp, first, last, sender)
        except KafkaError as error:
            raise ConnectionError(f"the broker does not answer: {type(error).__name__}") from error
        finally:
            await client.stop()

    async def _collect(self, client: AIOKafkaConsumer, tp: TopicPartition, first: int, last: int, sender: str) -> Found:
        found, size, read = Found(first), 0, 0
        ends = asyncio.get_running_loop().time() + WITHIN
        while found.next_offset <= last and read < MOST_READ and asyncio.get_running_loop().time() < ends:
            records = (await client.getmany(tp, timeout_ms=500, max_records=1000)).get(tp, ())
            for record in records:
                if record.offset > last:
                    found.next_offset = last + 1
                    return found
                if len(found.records) >= MOST_FOUND or size >= MOST_BYTES:
                    return found
                read += 1
                found.next_offset = record.offset + 1
                if not isinstance(record.value, Unread) and sender_of(self._authenticator, record) == sender:
                    found.records.append(record)
                    size += record_size(record)
            # what stands in the log and is no record, such as a transaction's mark, is passed over too
            found.next_offset = max(found.next_offset, await client.position(tp))
        return found
