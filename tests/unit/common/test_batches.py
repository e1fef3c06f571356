"""Batches are unpacked within a bound, whatever their sender says of their size, and never raise for ever."""

import tracemalloc
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from libs.common.kafka import client_fixes, unpacking
from libs.common.kafka.client_fixes import HEAD
from libs.common.kafka.unpacking import MAX_UNPACKED, TooLarge
from libs.common.kafka.unread import Unread
from tests.kit import bombs


def written(codec: int, *values: bytes) -> bytes:
    """A batch as aiokafka writes it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 64 << 20)
    for number, value in enumerate(values):
        builder.append(number, timestamp=1, key=b"k", value=value, headers=[("h", b"v")])
    return bytes(builder.build())


def at(data: bytes, offset: int) -> bytes:
    """The batch as a broker would have stored it there; the checksum does not cover the place."""
    return offset.to_bytes(8, "big") + data[8:]


def read(*stored: bytes) -> tuple[list[Any], int]:
    """What a fetch of these batches brings, and the offset at which the next one begins."""
    fetched = client_fixes.Records(b"".join(stored))
    found, after = [], -1
    while fetched.has_next():
        batch = fetched.next_batch()
        assert batch.validate_crc()
        if not batch.is_control_batch:
            found += list(batch)
        after = batch.next_offset
    return found, after


@pytest.mark.parametrize("kind", [None, *bombs.CODECS])
def test_what_honest_clients_send_is_read_as_before(kind: str | None) -> None:
    values = [b"x" * 1000, b"", b"y" * 100_000]
    found, after = read(at(written(bombs.CODECS[kind][0] if kind else 0, *values), 40))
    assert [(record.offset, record.value, record.key) for record in found] == [
        (40 + n, value, b"k") for n, value in enumerate(values)
    ]
    assert found[0].headers == [("h", b"v")]
    assert after == 43


@pytest.mark.parametrize("kind", bombs.CODECS)
def test_what_unpacks_to_too_much_is_one_record_without_a_body(kind: str) -> None:
    """Its size is judged while it is unpacked: no more than the bound is ever held."""
    bomb = at(bombs.batch(64 << 20, kind), 7)
    tracemalloc.start()
    try:
        (found,), after = read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_UNPACKED + len(bomb)
    finally:
        tracemalloc.stop()
    assert isinstance(found.value, Unread)
    assert (found.value, found.key, found.headers) == (b"", None, [])
    assert (found.value.code, found.offset, after) == ("too_large", 7, 8)
    assert found.value.told(found.offset).endswith("(offsets 7 to 7)")


def test_a_batch_of_many_records_is_told_with_its_range_and_what_follows_is_read() -> None:
    found, after = read(bombs.batch(1 << 20, records=20), at(written(0, b"good"), 20))
    assert [(record.offset, bytes(record.value)) for record in found] == [(19, b""), (20, b"good")]
    assert found[0].value.first == 0
    assert after == 21


@pytest.mark.parametrize("kind", bombs.CODECS)
def test_at_the_bound_it_is_read_and_one_byte_beyond_refused(kind: str) -> None:
    codec, module = bombs.CODECS[kind]
    pack = module.compress_raw if kind == "snappy" else module.compress
    assert len(unpacking.unpacked(codec, bytes(pack(bytes(MAX_UNPACKED))))) == MAX_UNPACKED
    with pytest.raises(TooLarge):
        unpacking.unpacked(codec, bytes(pack(bytes(MAX_UNPACKED + 1))))


@pytest.mark.parametrize("codec", range(1, 8))
@pytest.mark.parametrize("packed", [b"", b"no such thing", b"\x82SNAPPY\0" + b"\xff" * 30, bytes(40), b"\xff" * 40])
def test_what_cannot_be_unpacked_is_one_record_too(codec: int, packed: bytes) -> None:
    found, after = read(bombs.sealed(packed, codec, 3), at(written(0, b"good"), 3))
    assert [record.offset for record in found] == [2, 3]
    assert found[0].value.code in ("corrupt", "too_large")
    assert after == 4


def test_records_before_a_broken_one_are_read() -> None:
    whole = written(0, b"one", b"two", b"three")
    cut = bombs.sealed(whole[HEAD.size : -6], 0, 3)
    found, after = read(cut)
    assert [bytes(record.value) for record in found] == [b"one", b"two", b""]
    assert (found[2].offset, found[2].value.first, found[2].value.code, after) == (2, 2, "corrupt", 3)


def test_a_wrong_checksum_is_believed_when_it_comes_twice() -> None:
    """On the way or on the disk: the same bytes a second time are stored so."""
    damaged = bytearray(at(written(0, b"one", b"two"), 5))
    damaged[-3] ^= 1
    good = at(written(0, b"good"), 7)
    found, after = read(at(written(0, b"before"), 4), bytes(damaged), good)
    assert [bytes(record.value) for record in found] == [b"before"]
    assert after == 5, "it is fetched again from there"
    found, after = read(bytes(damaged), good)
    assert [(record.offset, bytes(record.value)) for record in found] == [(6, b""), (7, b"good")]
    assert (found[0].value.code, found[0].value.first, after) == ("corrupt", 5, 8)


def test_of_a_damaged_head_no_more_than_one_offset_is_believed() -> None:
    damaged = bytearray(at(written(0, b"one"), 5))
    damaged[23] = 0x7F  # the last offset, as if two thousand million records followed
    read(bytes(damaged))
    (found,), after = read(bytes(damaged))
    assert (found.offset, after) == (5, 6)


def test_another_format_is_passed_over() -> None:
    alien = bytearray(at(written(0, b"one"), 5))
    alien[16] = 3
    found, after = read(bytes(alien), at(written(0, b"good"), 6))
    assert [record.offset for record in found] == [5, 6]
    assert after == 7


def test_one_fetch_unpacks_no_more_than_its_bound() -> None:
    """Many batches, each just below the bound, are read one fetch after the other."""
    large = bombs.batch(5 << 20)
    found, after = read(large, at(large, 1), at(large, 2))
    assert (len(found), after) == (1, 1)


def test_a_broken_snappy_frame_is_corrupt() -> None:
    with pytest.raises(CorruptRecordException):
        unpacking.unpacked(unpacking.SNAPPY, b"\x82SNAPPY\0\0\0\0\1\0\0\0\1" + b"\0\0\0\x05garbage")
