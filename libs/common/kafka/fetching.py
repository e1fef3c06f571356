"""How one consumer fetches, and whether it still brings anything."""

import contextlib
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

POLL_MS = 200
COMMITTED: Final = "read_committed"  # what a sender takes back by aborting its transaction has never been sent


class Fetching:
    """One consumer's fetch, in place of FastStream's, and whether it still brings anything.

    FastStream sleeps after each empty poll, so that a record waits up to twice the poll's time; this one waits in the
    client alone, which answers as soon as a record is there.

    `passed`: up to where a partition was read, the marks of transactions and what was aborted in them included.
    `given`: up to where it has brought records.
    """

    def __init__(self, max_records: int) -> None:
        self._max_records, self._taking = max_records, False
        self._stood: dict[TopicPartition, int] = {}
        self.passed: dict[TopicPartition, int] = {}
        self.given: dict[TopicPartition, int] = {}

    async def batch(self, consumer: Any) -> tuple[ConsumerRecord, ...]:
        self._taking = False
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._max_records)
        self._taking = bool(found)
        self.given |= {tp: records[-1].offset + 1 for tp, records in found.items() if records}
        with contextlib.suppress(IllegalStateError):  # one was taken away meanwhile
            for tp in consumer.assignment() - consumer.paused():
                self.passed[tp] = await consumer.position(tp)
        return tuple(chain.from_iterable(found.values()))

    def forget(self) -> None:
        """The partitions are given anew."""
        self.passed.clear()
        self.given.clear()

    def beyond(self, tp: TopicPartition, done: int) -> int:
        """Up to where a partition is read, all of whose records before `done` are taken.

        Of what came after them nothing is on its way only where all that it brought is taken.
        """
        return max(done, self.passed.get(tp, done)) if self.given.get(tp, done) <= done else done

    async def stalled(self, consumer: Any, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether records wait, none is being taken, and reading stands where it stood at the last call.

        A partition that is paused stands still on purpose.
        """
        reading = consumer.assignment() - consumer.paused()
        stands = {tp: await consumer.position(tp) for tp in reading if tp in ends}
        waiting = any(ends[tp] > at for tp, at in stands.items())
        before, self._stood = self._stood, stands
        return waiting and not self._taking and stands == before
