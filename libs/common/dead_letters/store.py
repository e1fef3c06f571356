"""What a service cannot take: a row for the people who mend it, and a copy on `<topic>.<service>.dead`."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from aiokafka import ConsumerRecord

from libs.common.db.pool import Connection, Database
from libs.common.db.queries import PLUMBING
from libs.common.errors import DomainError, Invalid, Missing
from libs.common.events.envelope import Headers, Incoming
from libs.common.outbox.emit import MAX_BYTES, enqueue, size
from libs.common.refusals import store as refusal_store
from libs.common.refusals.store import Refusal, Sender
from libs.common.strings import quoted
from libs.common.text import Text

UNSETTLED = ("dead", "parked")


class AlreadySettled(DomainError):
    """A dead letter that was replayed or discarded is not touched again."""

    code = "dead_letter_settled"
    kind = "conflict"
    says = Text("该死信已处理:{state}。", "This dead letter is already {state}.")
    words: ClassVar[Mapping[str, str]] = {"replayed": "已重放", "discarded": "已放弃"}


async def bury(
    database: Database,
    record: ConsumerRecord,
    incoming: Incoming | None,
    *,
    service: str,
    refusal: Refusal,
    sender: Sender | None = None,
) -> bool:
    """Keep the record with its original headers and the reason; once, however often it is delivered.

    False when it was buried before. A `sender`, where there are such, reads of it what was refused and why.
    """
    code, reason = quoted(refusal.code, 100), quoted(refusal.text.en, 2000)
    async with database.transaction("bury") as conn:
        new = await PLUMBING.dead_add(
            conn,
            topic=record.topic,
            partition=record.partition,
            offset_=record.offset,
            event_id=incoming.id if incoming else None,
            event_type=incoming.type if incoming else None,
            key=record.key,
            payload=record.value,
            headers=msgspec.msgpack.encode([tuple(h) for h in record.headers]),
            appended=appended(record),
            reason_code=code,
            reason=reason,
        )
        if new and sender is not None:
            place = (record.topic, record.partition, record.offset)
            await refusal_store.add(
                conn, sender, refusal_store.of_letter(*place, record.headers, record.value, incoming), refusal
            )
        if new:
            await _copy(conn, record, service, code, reason)
    return bool(new)


async def park(conn: Connection, record: ConsumerRecord, sender: str) -> None:
    """Keep a record unjudged, because its sender is set aside; once, however often it is met."""
    await PLUMBING.parked_add(
        conn,
        topic=record.topic,
        partition=record.partition,
        offset_=record.offset,
        key=record.key,
        payload=record.value,
        headers=msgspec.msgpack.encode([tuple(header) for header in record.headers]),
        appended=appended(record),
        sender=sender,
    )


async def _copy(conn: Connection, record: ConsumerRecord, service: str, code: str, reason: str) -> None:
    """The record for other eyes, on the dead-letter topic."""
    origin = f"{record.topic}/{record.partition}/{record.offset}"
    added = [("dead_code", code), ("dead_reason", reason), ("dead_origin", origin)]
    headers: Headers = [*record.headers, *((name, said.encode()) for name, said in added)]
    key, value = record.key, record.value
    if size(key, value, headers) > MAX_BYTES:
        # At the broker's limit before our headers came, by its key alone perhaps: the copy says where it is.
        headers = [*headers[-3:], ("dead_truncated", b"the whole record is in dead_letters")]
        key, value = key and key[:1000], None
    await enqueue(conn, f"{record.topic}.{service}.dead", key, value, headers)


async def refuse(database: Database, letter: Mapping[str, Any], *, service: str, refusal: Refusal) -> None:
    """Make a dead letter of a parked record that was judged after all, unless somebody has settled it."""
    code, reason = quoted(refusal.code, 100), quoted(refusal.text.en, 2000)
    place = {"topic": letter["topic"], "partition": letter["partition"], "offset_": letter["offset"]}
    async with database.transaction("refuse_parked") as conn:
        if await PLUMBING.dead_refuse(conn, **place, reason_code=code, reason=reason):
            where = (letter["topic"], letter["partition"], letter["offset"])
            known = refusal_store.of_letter(*where, letter["headers"], letter["payload"], None)
            await refusal_store.add(conn, Sender(letter["sender"]), known, refusal)
            kept = (letter["key"], letter["payload"], None, 0, 0, tuple(letter["headers"]))
            record: Any = ConsumerRecord(*where, -1, 0, *kept)
            await _copy(conn, record, service, code, reason)


def appended(record: ConsumerRecord) -> float | None:
    """When the broker took a record, in seconds since 1970; None where the time in it is the sender's word alone."""
    return record.timestamp / 1000 if record.timestamp_type == 1 else None


async def listed(
    database: Database, state: str, max_rows: int, after: str | None = None, *, of: Sender | None = None
) -> list[dict[str, Any]]:
    """Dead letters in one state, oldest first, of everybody or `of` one sender; `after` is a letter's place.

    Raises Invalid where it is none.
    """
    topic, partition, offset = _place(after) if after else (None, None, None)
    async with database.reading() as conn:
        found = PLUMBING.dead_list(
            conn,
            state=state,
            everything=of is None,
            sender=None if of is None else of.name,
            scope=None if of is None else of.scope,
            topic=topic,
            partition=partition,
            offset_=offset,
            max_rows=max_rows,
        )
        return [dict(row) async for row in found]


def _place(cursor: str) -> tuple[str, int, int]:
    topic, *numbers = cursor.rsplit("/", 2)
    if len(numbers) != 2 or not all(re.fullmatch("[0-9]{1,18}", number) for number in numbers):
        en = "expected `next` of the page before: topic/partition/offset"
        raise Invalid(field="cursor", why=Text("应为上一页的 `next`", en))
    return topic, min(int(numbers[0]), 2**31 - 1), int(numbers[1])


async def fetch(database: Database, topic: str, partition: int, offset: int) -> dict[str, Any]:
    """One dead letter with its bytes. Raises Missing, and AlreadySettled when it is no longer dead."""
    async with database.transaction("dead_fetch") as conn:
        row = await _unsettled(conn, topic, partition, offset)
    return read(row)


def read(row: Mapping[str, Any]) -> dict[str, Any]:
    """A dead letter's row with its headers as they came."""
    return dict(row) | {"headers": msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]])}


async def _unsettled(conn: Connection, topic: str, partition: int, offset: int) -> dict[str, Any]:
    row = await PLUMBING.dead_get(conn, topic=topic, partition=partition, offset_=offset)
    if row is None:
        raise Missing(what=f"{topic}/{partition}/{offset}")
    if row["state"] not in UNSETTLED:
        raise AlreadySettled(state=row["state"])
    return dict(row)


async def settle(database: Database, topic: str, partition: int, offset: int, state: str) -> None:
    """Mark a dead letter `replayed` or `discarded`. Raises AlreadySettled when that was done before."""
    async with database.transaction("dead_settle") as conn:
        await _unsettled(conn, topic, partition, offset)
        await PLUMBING.dead_mark(conn, topic=topic, partition=partition, offset_=offset, state=state)
