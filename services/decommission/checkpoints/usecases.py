"""Once a day the last hash of every log that has changed is signed, and kept for whoever wants a copy."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from libs.common import days
from libs.common.db.pool import Connection
from services.decommission.alarms import store as alarm_store
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.domain import BrokenChain
from services.decommission.checkpoints import store
from services.decommission.deps import Deps
from services.decommission.heads import domain as head_domain
from services.decommission.heads import store as head_store
from services.decommission.heads.domain import BadCheckpoint, Head

log = structlog.get_logger()
CHUNK = 200


async def make(deps: Deps) -> date | None:
    """The checkpoint of the business day before this one, once; the day, or None when there was nothing to do.

    It says how each log stood at the end of that day, so that it does not matter when it is made, and follows the
    checkpoint before it. On one that was altered nothing is built: a person is called.
    """
    day = days.later(deps.today(), -1)
    async with deps.database.reading() as conn:
        newest = await store.QUERIES.checkpoint_newest(conn)
        if newest is not None and newest["day"] >= day:
            return None
        moved = [row["case_id"] async for row in store.QUERIES.cases_moved(conn)]
        whole = None if newest is None else await head_store.QUERIES.checkpoint_get(conn, day=newest["day"])
    if whole is None and not moved:
        return None  # nothing has ever happened
    if whole is not None and not _as_signed(deps, whole):
        await _altered(deps, whole["day"])
        return None
    found: dict[UUID, Head] = {}
    broken: list[BrokenChain] = []
    for start in range(0, len(moved), CHUNK):
        async with deps.database.reading() as conn:
            for case_id in moved[start : start + CHUNK]:
                try:
                    head = await _head(deps, conn, case_id)
                except BrokenChain as error:  # it keeps the head that was signed last
                    broken.append(error)
                    continue
                if head is not None:
                    found[case_id] = head
    content = head_domain.text(day, head_domain.FIRST if newest is None else newest["sha256"], found)
    async with deps.database.transaction("make_checkpoint") as conn:
        signature = head_domain.sign(deps.signing_key, day, content)
        sha256 = head_domain.digest(content)
        await store.QUERIES.checkpoint_add(conn, day=day, content=content, sha256=sha256, signature=signature)
        entries = [head.entries for head in found.values()]
        await store.QUERIES.cases_noted(conn, case_ids=list(found), entries=entries)
        for problem in broken:
            await case_store.broken(conn, problem, now=deps.now())
        if newest is not None:  # it is as it was signed
            for row in await alarm_store.lasting(conn, head_domain.named(newest["day"])):
                await alarm_store.end_alarm(conn, row["alarm_id"], now=deps.now())
    log.info("checkpoint-made", day=str(day), cases=len(found))
    return day


async def _head(deps: Deps, conn: Connection, case_id: UUID) -> Head | None:
    """Where a log ended when this day began; None where that is signed already. Raises BrokenChain."""
    case = await casework.load_case(deps, conn, case_id)
    before = [entry for entry in case.log if entry.at < _morning(deps)]
    known = await head_store.head_of(conn, case_id, deps.notary)
    if not before or (known is not None and known.entries >= len(before)):
        return None
    return Head(entries=len(before), last=before[-1].sha256)


def _morning(deps: Deps) -> datetime:
    """The first instant of this business day, in UTC."""
    return days.morning(deps.today(), deps.zone)


def _as_signed(deps: Deps, row: Any) -> bool:
    try:
        return bool(deps.notary.read(row["day"], row["content"], row["signature"]).sha256 == row["sha256"])
    except BadCheckpoint:
        return False


async def _altered(deps: Deps, day: date) -> None:
    async with deps.database.transaction("refuse_checkpoint") as conn:
        zh = f"{day} 的检查点已被改动;请从公布的副本恢复,此前不再签署新的检查点。"
        en = f"The checkpoint of {day} was altered; none is signed until it is put back from a published copy."
        await alarm_store.alarm_about(conn, head_domain.named(day), "checkpoint-altered", zh=zh, en=en, now=deps.now())
