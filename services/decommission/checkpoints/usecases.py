"""Once a day the last hash of every log that has changed is signed, and kept for whoever wants a copy."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from libs.common import days
from libs.common.db.pool import Connection
from services.decommission.cases import store
from services.decommission.cases.store import QUERIES
from services.decommission.checkpoints import domain as heads
from services.decommission.checkpoints.domain import BadCheckpoint, Head
from services.decommission.context import Context
from services.decommission.refusals import BrokenChain

log = structlog.get_logger()
CHUNK = 200


async def make(ctx: Context) -> date | None:
    """The checkpoint of the business day before this one, once; the day, or None when there was nothing to do.

    It says how each log stood at the end of that day, so that it does not matter when it is made, and follows the
    checkpoint before it. On one that was altered nothing is built: a person is called.
    """
    day = days.later(ctx.today(), -1)
    async with ctx.database.reading() as conn:
        newest = await QUERIES.checkpoint_newest(conn)
        if newest is not None and newest["day"] >= day:
            return None
        moved = [row["case_id"] async for row in QUERIES.cases_moved(conn)]
        whole = None if newest is None else await QUERIES.checkpoint_get(conn, day=newest["day"])
    if whole is None and not moved:
        return None  # nothing has ever happened
    if whole is not None and not _as_signed(ctx, whole):
        await _altered(ctx, whole["day"])
        return None
    found: dict[UUID, Head] = {}
    broken: list[BrokenChain] = []
    for start in range(0, len(moved), CHUNK):
        async with ctx.database.reading() as conn:
            for case_id in moved[start : start + CHUNK]:
                try:
                    head = await _head(ctx, conn, case_id)
                except BrokenChain as error:  # it keeps the head that was signed last
                    broken.append(error)
                    continue
                if head is not None:
                    found[case_id] = head
    content = heads.text(day, heads.FIRST if newest is None else newest["sha256"], found)
    async with ctx.database.transaction("make_checkpoint") as conn:
        signature = heads.sign(ctx.signing_key, day, content)
        sha256 = heads.digest(content)
        await QUERIES.checkpoint_add(conn, day=day, content=content, sha256=sha256, signature=signature)
        entries = [head.entries for head in found.values()]
        await QUERIES.cases_noted(conn, case_ids=list(found), entries=entries)
        for fault in broken:
            await store.broken(conn, fault, now=ctx.now())
        if newest is not None:  # it is as it was signed
            for row in await store.lasting(conn, heads.named(newest["day"])):
                await store.end_alarm(conn, row["alarm_id"], now=ctx.now())
    log.info("checkpoint-made", day=str(day), cases=len(found))
    return day


async def _head(ctx: Context, conn: Connection, case_id: UUID) -> Head | None:
    """Where a log ended when this day began; None where that is signed already. Raises BrokenChain."""
    held = await ctx.hold(conn, case_id, lock=False)
    before = [entry for entry in held.log if entry.at < _morning(ctx)]
    known = await store.head_of(conn, case_id, ctx.notary)
    if not before or (known is not None and known.entries >= len(before)):
        return None
    return Head(len(before), before[-1].sha256)


def _morning(ctx: Context) -> datetime:
    """The first instant of this business day, in UTC."""
    return days.morning(ctx.today(), ctx.zone)


def _as_signed(ctx: Context, row: Any) -> bool:
    try:
        return bool(ctx.notary.read(row["day"], row["content"], row["signature"]).sha256 == row["sha256"])
    except BadCheckpoint:
        return False


async def _altered(ctx: Context, day: date) -> None:
    async with ctx.database.transaction("refuse_checkpoint") as conn:
        zh = f"{day} 的检查点已被改动;请从公布的副本恢复,此前不再签署新的检查点。"
        en = f"The checkpoint of {day} was altered; none is signed until it is put back from a published copy."
        await ctx.alarm(conn, heads.named(day), "checkpoint-altered", zh=zh, en=en)
