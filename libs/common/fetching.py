"""What a consumer fetches: headers of any spelling, and whether it goes on fetching at all."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

POLL_MS = 200


class _Lenient(bytearray):
    """Bytes whose text is read as far as it is UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        return _Lenient(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)

    def decode(self, *_: Any) -> str:
        return bytes(self).decode("utf-8", "replace")


class _AnyNames:
    """A batch of records, read anew and leniently from the first header on whose name is not UTF-8."""

    def __init__(self, batch: Any, data: Any) -> None:
        self._batch, self._data = batch, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        last = -1
        try:
            for record in self._batch:
                last = record.offset
                yield record
        except UnicodeDecodeError:
            again = _DefaultRecordBatchPy(self._data)
            again._maybe_uncompress()
            again._buffer = _Lenient(again._buffer)
            yield from (record for record in again if record.offset > last)


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    """What a fetch brought from one partition."""

    def next_batch(self) -> Any:
        data = self._next_slice
        batch = super().next_batch()
        return _AnyNames(batch, data) if isinstance(batch, DefaultRecordBatch) else batch


# aiokafka raises at such a name, loses what it had read before it, and raises again for ever: any producer could stop a
# topic. What is said here of its inside is true of the pinned version and under test.
fetcher.MemoryRecords = _Records


class Fetching:
    """One consumer's fetch, in place of FastStream's, and whether it still brings anything.

    FastStream sleeps after each empty poll, so that a record waits up to twice the poll's time; this one waits in the
    client alone, which answers as soon as a record is there.
    """

    def __init__(self, max_records: int) -> None:
        self._max_records, self._taking = max_records, False
        self._stood: dict[TopicPartition, int] = {}

    async def batch(self, consumer: Any) -> tuple[ConsumerRecord, ...]:
        self._taking = False
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._max_records)
        self._taking = bool(found)
        return tuple(chain.from_iterable(found.values()))

    async def stalled(self, consumer: Any, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether records wait, none is being taken, and reading stands where it stood at the last call."""
        stands = {tp: await consumer.position(tp) for tp in consumer.assignment() if tp in ends}
        waiting = any(ends[tp] > at for tp, at in stands.items())
        before, self._stood = self._stood, stands
        return waiting and not self._taking and stands == before
