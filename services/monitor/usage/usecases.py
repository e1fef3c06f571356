"""How usage is counted: each function is one transaction, run again where it lost a race for new rows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import stamina

from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.dead_letters import store as dead_letter_store
from libs.common.http import idempotency
from libs.common.refusals import store as refusal_store
from libs.common.refusals.store import Record, Refusal, Sender
from libs.common.senders.aside import Senders
from services.monitor.assets import store as asset_store
from services.monitor.usage import store
from services.monitor.usage.fold import FoldResult
from services.monitor.usage.privacy import without_person

Given = ParamSpec("Given")
Result = TypeVar("Result")


def run_again(use_case: Callable[Given, Awaitable[Result]]) -> Callable[Given, Awaitable[Result]]:
    """Run a use case again, in a new transaction, each time it loses a race for new rows.

    As a decorator of its own `stamina.retry` would log the arguments, and the body of a request names users.
    """

    @wraps(use_case)
    async def until_won(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        async for attempt in stamina.retry_context(
            on=store.RaceLost, attempts=None, timeout=None, wait_initial=0.01, wait_jitter=0.01, wait_max=0.1
        ):
            with attempt:
                return await use_case(*args, **kwargs)
        raise store.RaceLost

    return until_won


class OffsetConflict(Exception):
    """Another consumer has moved the offsets of the usage stream since this fold began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetAdvance:
    """How far a fold of one topic has read: per partition the offset it began at and the next one."""

    consumer: str
    topic: str
    partitions: tuple[int, ...]
    expected: tuple[int, ...]
    next: tuple[int, ...]


@run_again
async def flush_usage(database: Database, advance: OffsetAdvance, folded: FoldResult) -> None:
    """Merge a fold and move the stream's offsets, both or neither.

    Raises OffsetConflict when the offsets are not where the fold began: its counts are then somebody else's.
    """
    async with database.transaction("flush_usage") as conn:
        moved = [
            row
            async for row in PLUMBING.offsets_advance(
                conn,
                consumer=advance.consumer,
                topic=advance.topic,
                partitions=advance.partitions,
                expected=advance.expected,
                next=advance.next,
            )
        ]
        if len(moved) != len(advance.partitions):
            raise OffsetConflict(advance.topic)
        await store.merge_usage(conn, folded)


async def keep_refused(
    database: Database,
    senders: Senders,
    bad: Sequence[tuple[Any, str, str]],
    parked: Mapping[str, Sequence[Any]],
) -> None:
    """Keep uncounted records before the offsets of a fold move: dead letters, and records of senders set aside.

    `bad`: records with the code and the reason of their refusal. Nothing that names a person is kept of a record.
    Raises OffsetConflict where a sender was released meanwhile: its records are read again, and judged.
    """
    for record, code, reason in bad:
        await dead_letter_store.bury(
            database,
            replace(record, value=without_person(record.value)),
            None,
            service="monitor",
            refusal=Refusal.by_field(code, reason) if code == "malformed" else Refusal.plain(code, reason),
            sender=senders.speaker(record),
        )
    await senders.write()
    for sender, records in parked.items():
        if not await senders.park(sender, [replace(one, value=without_person(one.value)) for one in records]):
            raise OffsetConflict


@run_again
async def deliver_usage(
    database: Database,
    principal: str,
    key: str | None,
    body: bytes,
    folded: FoldResult,
    answer: bytes,
    *,
    sender: Sender | None = None,
    refused: Sequence[tuple[Record, Refusal]] = (),
) -> bytes:
    """Merge usage that came over HTTP; a repeated Idempotency-Key gets the first answer and counts nothing.

    A key under which nothing was counted is not remembered: the mended delivery may use it. The `sender` can read
    the `refused` records afterwards.
    """
    async with database.transaction("deliver_usage") as conn:
        given = await idempotency.recall(conn, principal, key, body)
        if given is not None:
            return given[1]
        await store.merge_usage(conn, folded)
        if sender is not None:
            for record, refusal in refused:
                await refusal_store.add(conn, sender, record, refusal)
        if folded.counters or folded.gauges or not refused:
            await idempotency.keep(conn, principal, key, body, status=202, answer=answer)
    return answer


async def unknown_assets(database: Database, folded: FoldResult) -> list[UUID]:
    """The assets of a fold that the register has not recorded. They still count: the register may be late."""
    named = sorted({row.asset_id for row in folded.counters} | {row.asset_id for row in folded.gauges})
    async with database.reading() as conn:
        return await asset_store.unknown(conn, named)


@run_again
async def replay_usage(database: Database, letter: dict[str, Any], folded: FoldResult) -> None:
    """Count a record that had been refused, and settle its dead letter. Raises AlreadySettled."""
    position = {"topic": letter["topic"], "partition": letter["partition"], "offset_": letter["offset"]}
    async with database.transaction("replay_usage") as conn:
        row = await PLUMBING.dead_get(conn, **position)
        if row["state"] not in dead_letter_store.UNSETTLED:
            raise dead_letter_store.AlreadySettled(state=row["state"])
        await store.merge_usage(conn, folded)
        await PLUMBING.dead_mark(conn, **position, state="replayed")


async def start_offsets(database: Database, consumer: str, topic: str, begin: dict[int, int]) -> dict[int, int]:
    """Where to read on: the stored offsets, made from `begin` for partitions never read before.

    The rows must exist before the first write, or two first writers would both be let in.
    """
    async with database.transaction("start_offsets") as conn:
        partitions, offsets = tuple(begin), tuple(begin.values())
        given = {"consumer": consumer, "topic": topic, "partitions": partitions}
        async for _ in PLUMBING.offsets_advance(conn, **given, expected=offsets, next=offsets):
            pass
        return {row["partition"]: row["next_offset"] async for row in PLUMBING.offsets_of(conn, **given)}
