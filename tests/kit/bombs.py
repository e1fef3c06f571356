"""Batches that no honest client writes: small on the wire, large when unpacked, or broken."""

import time
from collections.abc import Mapping
from typing import Any

import cramjam
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import encode_varint

CODECS: dict[str, tuple[int, Any]] = {
    "gzip": (1, cramjam.gzip),
    "snappy": (2, cramjam.snappy),
    "lz4": (3, cramjam.lz4),
    "zstd": (4, cramjam.zstd),
}
MEGABYTE = bytes(1 << 20)


def batch(size: int, kind: str = "zstd", *, records: int = 1) -> bytes:
    """A batch of records of `size` bytes each, a multiple of a megabyte where it is larger than one."""
    codec, module = CODECS[kind]
    packer = module.Compressor() if kind != "snappy" else None
    plain = bytearray()

    def put(data: bytes) -> None:
        if packer is None:
            plain.extend(data)
        else:
            packer.compress(data)

    for number in range(records):
        head = bytearray(b"\0")
        for value in (0, number, -1, size):
            encode_varint(value, head.append)
        length = bytearray()
        encode_varint(len(head) + size + 1, length.append)
        put(bytes(length + head))
        for _ in range(size >> 20):
            put(MEGABYTE)
        put(MEGABYTE[: size & (1 << 20) - 1] + b"\0")
    packed = bytes(cramjam.snappy.compress_raw(bytes(plain)) if packer is None else packer.finish())
    return sealed(packed, codec, records)


def sealed(packed: bytes, codec: int, records: int) -> bytes:
    """A batch with whatever stands for its records, and a checksum that is right."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1 << 20)
    builder._num_records, builder._last_offset = records, records - 1
    builder._first_timestamp = builder._max_timestamp = int(time.time() * 1000)
    builder._buffer = bytearray(builder.HEADER_STRUCT.size) + packed
    builder._write_header(True)
    return bytes(builder._buffer)


async def send(options: Mapping[str, Any], topic: str, data: bytes, *, partition: int = 0) -> int:
    """Send such a batch as it is; its first offset. Raises KafkaError when the broker refuses it."""
    producer = AIOKafkaProducer(**options, acks="all")
    await producer.start()
    try:
        made = producer.create_batch()
        made.append(timestamp=None, key=None, value=b"")
        made.close()
        made._buffer = bytearray(data)
        return int((await (await producer.send_batch(made, topic, partition=partition))).offset)
    finally:
        await producer.stop()
