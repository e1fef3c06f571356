"""What is mended in aiokafka and FastStream by reaching into their private parts; nothing else does.

aiokafka unpacks a whole batch at once, whatever it unpacks to, and raises again and again where it cannot read on: any
producer could so take a consumer's memory, or stop its topic, with 35 KB. Here a batch is bounded before it is
unpacked, its text is read leniently, and reading always goes on. FastStream sleeps after each empty poll, and shows
neither its fetch nor its lock.

What is said here of the inside of these libraries is true of the versions in `MENDED`: `install` refuses others.
"""

import hashlib
import struct
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBase,
    DefaultRecordBatch,
    _DefaultRecordBatchPy,
    _DefaultRecordPy,
)
from aiokafka.record.memory_records import _MemoryRecordsPy

from libs.common.kafka.unpacking import MAX_UNPACKED, PLAIN, TooLarge, unpacked
from libs.common.kafka.unread import Unread

MENDED = {"aiokafka": "0.14.0", "faststream": "0.7.8"}
MAX_FETCH = 4 << 20  # bytes unpacked of one partition's fetch, after which the rest is fetched anew
HEAD = DefaultRecordBase.HEADER_STRUCT


class _Lenient(bytearray):
    """Bytes whose text is read as far as it is UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        return _Lenient(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)

    def decode(self, *_: Any) -> str:
        return bytes(self).decode("utf-8", "replace")


class _Nothing:
    """A batch without records, at which the reading of a fetch ends."""

    is_control_batch, producer_id = True, None

    def __init__(self, next_offset: int) -> None:
        self.next_offset = next_offset

    def validate_crc(self) -> bool:
        return True


class _Batch:
    """One batch whose checksum was looked at; what cannot be read of it comes as one record with an Unread value."""

    def __init__(self, batch: Any, data: Any, spend: Callable[[int], None], fault: Unread | None = None) -> None:
        self._batch, self._data, self._spend, self._fault = batch, data, spend, fault
        self.next_offset = batch.next_offset
        self._records: Iterator[Any] | None = None
        if fault is not None and fault.code == "corrupt":  # of its head only what agrees with itself is believed
            head = HEAD.unpack_from(data)
            self.next_offset = batch.base_offset + (head[12] if head[12] == head[6] + 1 > 0 else 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    @property
    def is_control_batch(self) -> bool:
        return self._fault is None and bool(self._batch.is_control_batch)

    def validate_crc(self) -> bool:
        return True

    def __next__(self) -> Any:
        """The next record; the client asks the mark of a transaction for its one, to see whether it was aborted."""
        self._records = self._records or iter(self)
        return next(self._records)

    def __iter__(self) -> Iterator[Any]:
        if self._fault is not None:
            yield self._standing_in(self._fault)
            return
        last = self._batch.base_offset - 1
        plain = self._data
        try:
            if self._batch.compression_type != PLAIN:
                plain = self._plain()
                self._batch = DefaultRecordBatch(plain)
            self._spend(len(plain))
            for record in self._batch:
                last = record.offset
                yield record
        except UnicodeDecodeError:
            again = _DefaultRecordBatchPy(plain)
            again._buffer = _Lenient(again._buffer)
            yield from self._whole(record for record in again if record.offset > last)
        except TooLarge:
            told = f"the batch unpacks to more than {MAX_UNPACKED:,} bytes; send smaller batches"
            yield self._standing_in(Unread.of("too_large", told, self._batch.base_offset))
        except (CorruptRecordException, ValueError, IndexError) as error:
            yield self._standing_in(Unread.of("corrupt", f"the batch cannot be read on: {error}", last + 1))

    def _whole(self, records: Iterator[Any]) -> Iterator[Any]:
        last = self._batch.base_offset - 1
        try:
            for record in records:
                last = record.offset
                yield record
        except (CorruptRecordException, ValueError, IndexError) as error:
            yield self._standing_in(Unread.of("corrupt", f"the batch cannot be read on: {error}", last + 1))

    def _plain(self) -> bytes:
        """The batch as it would be without compression."""
        head = list(HEAD.unpack_from(self._data))
        body = unpacked(self._batch.compression_type, self._data[HEAD.size :])
        head[5] &= ~DefaultRecordBase.CODEC_MASK
        return bytes(HEAD.pack(*head)) + body

    def _standing_in(self, value: Unread) -> Any:
        batch = self._batch
        return _DefaultRecordPy(self.next_offset - 1, batch.max_timestamp, batch.timestamp_type, None, value, [])


class Records(_MemoryRecordsPy):  # type: ignore[misc]
    """What a fetch brought from one partition. A bad checksum is believed when the same bytes come a second time."""

    doubtful: dict[bytes, None] = {}  # noqa: RUF012 - shared on purpose: the next fetch is another object
    spent = 0

    def _spend(self, size: int) -> None:
        self.spent += size

    def next_batch(self) -> Any:
        data = self._next_slice
        assert data is not None  # noqa: S101 - whoever asks has asked `has_next`
        if self.spent > MAX_FETCH:
            return self._end(data)
        if len(data) < HEAD.size or data[self.MAGIC_OFFSET] != 2:
            # Kafka 4 stores nothing else, and takes nothing else
            super()._cache_next()
            return _Batch(_Alien(data), data, self._spend, Unread.of("corrupt", "unknown format", _offset(data)))
        batch = super().next_batch()
        if batch.validate_crc():
            return _Batch(batch, data, self._spend)
        seen = hashlib.sha256(data).digest()
        if seen not in self.doubtful:
            if len(self.doubtful) > 1000:
                self.doubtful.clear()
            self.doubtful[seen] = None
            return self._end(data)
        return _Batch(batch, data, self._spend, Unread.of("corrupt", "wrong checksum", batch.base_offset))

    def _end(self, data: Any) -> _Nothing:
        self._next_slice = None
        return _Nothing(_offset(data))


class _Alien:
    """A batch of a format that is not read: all that is known is where it stands."""

    timestamp_type, max_timestamp, producer_id = 0, -1, None

    def __init__(self, data: Any) -> None:
        self.base_offset = _offset(data)
        self.next_offset = self.base_offset + 1


def _offset(data: Any) -> int:
    return int(struct.unpack_from(">q", data)[0])


class UnknownVersion(RuntimeError):
    """A client library is installed in a version whose inside was not looked at."""


def install() -> None:
    """Have every consumer of this process read its fetches this way; once or more often. Raises UnknownVersion."""
    for library, mended in MENDED.items():
        if (installed := version(library)) != mended:
            raise UnknownVersion(f"{library} {installed} is installed; its private parts are mended for {mended} alone")
    fetcher.MemoryRecords = Records


def fetch_by(subscriber: Any, fetch: Callable[[Any], Awaitable[tuple[ConsumerRecord, ...]]]) -> None:
    """Have a FastStream subscriber fetch its batches this way."""
    subscriber.get_msg = fetch


async def batch_finished(subscriber: Any, within: float) -> None:
    """Wait until no batch of a FastStream subscriber is being handled, for so many seconds at most."""
    await subscriber.lock.wait_release(within)
