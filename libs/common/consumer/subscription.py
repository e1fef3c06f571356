"""Consumes one topic in batches; its offsets cannot be undone by another reader."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import stamina
import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from libs.common.consumer.trouble import FIRST_PAUSE, LONGEST_PAUSE, TRANSIENT, Trouble
from libs.common.kafka import client_fixes
from libs.common.kafka.broker import Broker
from libs.common.kafka.fetching import COMMITTED, Fetching

log = structlog.get_logger()


class ConsumerStopped(RuntimeError):
    """So many records in a row met a fault of ours that reading on would only bury what is good."""


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
            topic,
            group_id=group,
            group_instance_id=None if instance is None else f"{group}-{instance}",
            batch=True,
            max_records=max_records,
            batch_timeout_ms=20,
            max_partition_fetch_bytes=4 << 20,
            auto_offset_reset="earliest",
            isolation_level=COMMITTED,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=self,
            parser=self._parse,
            decoder=self._decode,
            session_timeout_ms=30_000,
            heartbeat_interval_ms=3_000,
            rebalance_timeout_ms=60_000,
        )
        self._sub(self._batch)
        self.fetching = Fetching(max_records)
        client_fixes.fetch_by(self._sub, self.fetching.batch)

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
        await client_fixes.batch_finished(self._sub, 20)
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
