"""How fetched batches are read: bounded before they are unpacked, leniently where a name is no UTF-8, never for ever.

aiokafka unpacks a whole batch at once, whatever it unpacks to, and raises again and again where it cannot read on: any
producer could so take a consumer's memory, or stop its topic, with 35 KB. What is said here of its inside is true of
the pinned version and under test.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

import cramjam
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBase,
    DefaultRecordBatch,
    _DefaultRecordBatchPy,
    _DefaultRecordPy,
)
from aiokafka.record.memory_records import _MemoryRecordsPy

# A broker takes 1 MiB at once, unpacked where the topic says so; eight times that is room for one set otherwise.
MAX_UNPACKED = 8 << 20  # bytes of one batch
MAX_FETCH = 4 << 20  # bytes unpacked of one partition's fetch, after which the rest is fetched anew
HEAD = DefaultRecordBase.HEADER_STRUCT
PLAIN, GZIP, SNAPPY, LZ4, ZSTD = range(5)


class Unread(bytes):
    """The value of a record that stands for those from `first` to its own offset, which were not read; it is empty."""

    code: str
    reason: str
    first: int

    @classmethod
    def of(cls, code: str, reason: str, first: int) -> "Unread":
        made = cls()
        made.code, made.reason, made.first = code, reason, first
        return made

    def told(self, last: int) -> str:
        """The reason with the offsets it is about."""
        return f"{self.reason} (offsets {self.first} to {last})"


class TooLarge(Exception):
    """A batch unpacks to more than MAX_UNPACKED."""


class _Lenient(bytearray):
    """Bytes whose text is read as far as it is UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        return _Lenient(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)

    def decode(self, *_: Any) -> str:
        return bytes(self).decode("utf-8", "replace")


_room = bytearray(MAX_UNPACKED)


def unpacked(kind: int, data: Any) -> bytes:
    """A batch's records as they are without compression.

    Raises TooLarge as soon as they exceed the bound, whatever the sender says of their size, and
    CorruptRecordException.
    """
    try:
        if kind == SNAPPY:
            return b"".join(_snappy(bytes(data)))
        size = _INTO[kind](data, _room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise TooLarge from None
        raise CorruptRecordException(f"cannot be unpacked: {error}") from None
    except (KeyError, struct.error):
        raise CorruptRecordException(f"cannot be unpacked: codec {kind}") from None
    return bytes(memoryview(_room)[:size])


_INTO: dict[int, Callable[[Any, Any], int]] = {
    GZIP: cramjam.gzip.decompress_into,
    LZ4: cramjam.lz4.decompress_into,
    ZSTD: cramjam.zstd.decompress_into,
}


def _snappy(data: bytes) -> Iterator[bytes]:
    """The blocks of Java's framing, or the one block of a client without it."""
    at, left = (16, MAX_UNPACKED) if codec._detect_xerial_stream(data) else (-1, MAX_UNPACKED)
    while at < len(data):
        block = data if at < 0 else data[at + 4 : at + 4 + struct.unpack_from("!I", data, at)[0]]
        left -= cramjam.snappy.decompress_raw_len(block)
        if left < 0:
            raise TooLarge
        yield bytes(cramjam.snappy.decompress_raw(block))
        at = len(data) if at < 0 else at + 4 + len(block)


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


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
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


def bound() -> None:
    """Have every consumer of this process read its fetches this way."""
    fetcher.MemoryRecords = _Records
