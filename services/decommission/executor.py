"""Moves what is due, in the order (due, asset id): one executor per database, a loop and a table of steps."""

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter

from libs.common import observe
from libs.common.kafka import TRANSIENT
from services.decommission import planning, saga, store
from services.decommission.context import Context
from services.decommission.steps import announce, archive, close, notice, recheck, stop, verify
from services.decommission.store import QUERIES

log = structlog.get_logger()
STEPS_DONE = Counter("jianfu_case_steps_total", "Steps of cases performed.", ["step"])
Step = Callable[[Context, UUID], Awaitable[None]]
STEPS: dict[str, Step] = {
    "notice": notice.do, "announce": announce.do, "archive": archive.do, "reserve": recheck.reserve,
    "ask": recheck.ask, "stop": stop.do, "restore": stop.undo, "probe": verify.do,
    "finish_restore": verify.finish_restore, "dispose": close.dispose, "close": close.close, "end": close.end,
    "release": close.release,
}  # fmt: skip
OUTSIDE = frozenset({"notice", "archive", "stop", "restore", "probe"})
BATCH = 200


class Executor:
    """Works due cases one after the other; under a stepped clock only what has been released."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._wake = asyncio.Event()
        self.running = 0
        self.leading = False

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Lead when no other process of this database does."""
        key = zlib.crc32(b"decommission-executor")
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with self._ctx.database.pool.acquire() as conn:
                    while not await QUERIES.executor_lock(conn, key=key):
                        await asyncio.sleep(1)
                    self.leading = True
                    try:
                        await self._lead(conn)
                    finally:
                        self.leading = False
                        await conn.execute("select pg_advisory_unlock_all()")
            await asyncio.sleep(1)

    async def _lead(self, lock: Any) -> None:
        while True:
            self._wake.clear()
            try:
                await self._round()
                self.running = 0
                await lock.fetchval("select 1")  # the session that holds the lock still lives
            except TRANSIENT as error:
                self.running = 0
                log.warning("round-failed", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(1)
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._wake.wait()

    async def horizon(self) -> datetime | None:
        """Up to when due work may be done; None while nothing has been released, or the kill switch is on."""
        async with self._ctx.database.reading() as conn:
            controls = await QUERIES.controls_get(conn)
        if controls["killed"]:
            return None
        if self._ctx.clock.mode == "system":
            return self._ctx.now()
        released: datetime | None = controls["released_until"]
        return released

    async def due(self) -> tuple[int, int]:
        """(cases due, cases being worked)."""
        until = await self.horizon()
        if until is None:
            return 0, self.running
        async with self._ctx.database.reading() as conn:
            return int(await QUERIES.cases_due_count(conn, until=until)), self.running

    async def _round(self) -> None:
        while (until := await self.horizon()) is not None:
            self.running = 1
            async with self._ctx.database.reading() as conn:
                due = [row["case_id"] async for row in QUERIES.cases_due(conn, until=until, max_rows=BATCH)]
            for case_id in due:
                await self._move(case_id)
            if not due and not await self._seal(until):
                break

    async def _seal(self, until: datetime) -> bool:
        if self._ctx.clock.mode == "stepped" and until < self._ctx.now():
            return False  # today's work has not been released yet
        return await planning.seal_plan(self._ctx.database, self._ctx.clock, self._ctx.limits) is not None

    async def _move(self, case_id: UUID) -> None:
        """One move of one case."""
        ctx = self._ctx
        async with ctx.database.reading() as conn:
            held = await store.hold(conn, case_id, ctx.zone, lock=False)
            causes = [row["trace"] async for row in QUERIES.traces_of(conn, case_id=case_id)]
            known = await store.subject(conn, held.case.asset_id) is not None
        move = saga.next_move(held.progress, ctx.now(), ctx.zone)
        if not isinstance(move, saga.Do) or not known:
            await self._rest(case_id, known)
            return
        if move.step in OUTSIDE and await ctx.killed():
            return
        attributes = {"case.id": str(case_id), "case.step": move.step}
        with observe.linked(f"decommission case {move.step}", causes, attributes):
            await STEPS[move.step](ctx, case_id)
        STEPS_DONE.labels(move.step).inc()
        await self._stuck(case_id, held.case.version, move.step)

    async def _rest(self, case_id: UUID, known: bool) -> None:
        """Nothing to do now: note until when, and call a person where the saga says so."""
        ctx = self._ctx
        async with ctx.database.transaction("rest_case") as conn:
            held = await ctx.hold(conn, case_id)
            move = saga.next_move(held.progress, ctx.now(), ctx.zone)
            if isinstance(move, saga.NeedsPerson) and held.progress.person is None:
                zh = f"案件需要人工处理:{move.why}"
                await store.alarm(conn, case_id, "needs-person", zh=zh, en=move.why, now=ctx.now())
                await ctx.append(conn, held, "needs_person", why=move.why)
                return
            due = store.due_at(move, ctx.now()) if known else None
            case = held.case
            await QUERIES.case_update(conn, case_id=case_id, state=case.state, version=case.version, due_at=due)

    async def _stuck(self, case_id: UUID, version: int, step: str) -> None:
        """A step that left no entry would be tried for ever: it goes to a person instead."""
        ctx = self._ctx
        async with ctx.database.reading() as conn:
            held = await store.hold(conn, case_id, ctx.zone, lock=False)
        if held.case.version != version or held.case.due_at is None or held.case.due_at > ctx.now():
            return
        async with ctx.database.transaction("park_case") as conn:
            held = await ctx.hold(conn, case_id)
            if held.case.version == version:
                why = f"the step {step} left the case where it was"
                await store.alarm(conn, case_id, "stuck", zh=f"步骤 {step} 没有进展。", en=why, now=ctx.now())
                await ctx.append(conn, held, "needs_person", why=why)
