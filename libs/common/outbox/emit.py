"""Events enter the outbox in the transaction that makes them true."""

from datetime import datetime

import msgspec

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.events.envelope import Event, Headers, pack
from libs.common.telemetry import traces

MAX_BYTES = 1_000_000  # brokers take 1,048,588 in a batch; one message too large would stop all behind it


class NotInTransaction(RuntimeError):
    """An event may be written only by the transaction that makes it true."""


async def emit(conn: Connection, event: Event, *, sequence: int, time: datetime) -> None:
    """Write an event beside the change it tells of. Raises NotInTransaction outside a transaction.

    `sequence` is the aggregate's version, `time` business time. Lock the aggregate's row first, or two
    writers of one key may swap.
    """
    message = pack(event, sequence=sequence, time=time, traceparent=traces.traceparent())
    await enqueue(conn, message.topic, message.key, message.body, message.headers)


async def enqueue(conn: Connection, topic: str, key: bytes | None, payload: bytes | None, headers: Headers) -> None:
    """Write a raw message to the outbox. Raises NotInTransaction outside a transaction, ValueError above MAX_BYTES."""
    if size(key, payload, headers) > MAX_BYTES:
        raise ValueError(f"a message for {topic} is larger than {MAX_BYTES} bytes")
    if not conn.is_in_transaction():
        raise NotInTransaction(f"a message for {topic} was written outside a transaction")
    await PLUMBING.outbox_add(
        conn, topic=topic, key=key, payload=payload, headers=msgspec.msgpack.encode(list(headers))
    )


def size(key: bytes | None, payload: bytes | None, headers: Headers) -> int:
    """Bytes of a message as it will travel, a little over-estimated."""
    return len(key or b"") + len(payload or b"") + sum(len(n) + len(v or b"") + 8 for n, v in headers) + 32
