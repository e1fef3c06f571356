"""Unpacks compressed record batches within a bound, whatever the sender says of their size."""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import cramjam
from aiokafka.errors import CorruptRecordException

# A broker takes 1 MiB at once, unpacked where the topic says so; eight times that is room for one set otherwise.
MAX_UNPACKED = 8 << 20  # bytes of one batch


PLAIN, GZIP, SNAPPY, LZ4, ZSTD = range(5)


FRAMED = struct.pack("!b6s", -126, b"SNAPPY") + bytes(1) + struct.pack("!ii", 1, 1)  # how Java's snappy begins


class TooLarge(Exception):
    """A batch unpacks to more than MAX_UNPACKED."""


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
    at, left = (16, MAX_UNPACKED) if data.startswith(FRAMED) else (-1, MAX_UNPACKED)
    while at < len(data):
        block = data if at < 0 else data[at + 4 : at + 4 + struct.unpack_from("!I", data, at)[0]]
        left -= cramjam.snappy.decompress_raw_len(block)
        if left < 0:
            raise TooLarge
        yield bytes(cramjam.snappy.decompress_raw(block))
        at = len(data) if at < 0 else at + 4 + len(block)
