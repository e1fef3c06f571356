"""What a service cannot take: a row for the people who mend it, and a copy on `<topic>.<service>.dead`."""

from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from libs.common import outbox
from libs.common.db import PLUMBING, Database
from libs.common.errors import DomainError, Missing
from libs.common.events.envelope import Incoming


class AlreadySettled(DomainError):
    """A dead letter that was replayed or discarded is not touched again."""

    code = "dead_letter_settled"
    kind = "conflict"
    zh = "该死信已处理({state})。"
    en = "This dead letter is already {state}."


async def bury(
    database: Database,
    record: ConsumerRecord,
    incoming: Incoming | None,
    *,
    service: str,
    code: str,
    reason: str,
) -> None:
    """Keep the record with its original headers and the reason; once, however often it is delivered."""
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
            headers=msgspec.msgpack.encode([(name, value) for name, value in record.headers]),
            reason_code=code,
            reason=reason[:2000],
        )
        if new:
            origin = f"{record.topic}/{record.partition}/{record.offset}"
            added = [("dead_code", code), ("dead_reason", reason[:2000]), ("dead_origin", origin)]
            headers = [*record.headers, *((name, text.encode()) for name, text in added)]
            await outbox.enqueue(conn, f"{record.topic}.{service}.dead", record.key, record.value, headers)


async def listed(database: Database, state: str, max_rows: int) -> list[dict[str, Any]]:
    """Dead letters in one state, oldest first."""
    async with database.reading() as conn:
        return [dict(row) async for row in PLUMBING.dead_list(conn, state=state, max_rows=max_rows)]


async def fetch(database: Database, topic: str, partition: int, offset: int) -> dict[str, Any]:
    """One dead letter with its bytes. Raises Missing, and AlreadySettled when it is no longer dead."""
    async with database.transaction("dead_fetch") as conn:
        row = await PLUMBING.dead_get(conn, topic=topic, partition=partition, offset_=offset)
    if row is None:
        raise Missing(what=f"{topic}/{partition}/{offset}")
    if row["state"] != "dead":
        raise AlreadySettled(state=row["state"])
    return dict(row) | {"headers": msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]])}


async def settle(database: Database, topic: str, partition: int, offset: int, state: str) -> None:
    """Mark a dead letter `replayed` or `discarded`."""
    async with database.transaction("dead_settle") as conn:
        await PLUMBING.dead_mark(conn, topic=topic, partition=partition, offset_=offset, state=state)
