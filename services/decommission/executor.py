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
from libs.common.db import Connection
from libs.common.kafka import TRANSIENT
from services.decommission import planning, refusals, saga, store
from services.decommission.context import Context, MovedOn, SwitchedOff
from services.decommission.steps import announce, archive, close, notice, recheck, reopen, stop, verify
from services.decommission.store import QUERIES, Held

log = structlog.get_logger()
STEPS_DONE = Counter("jianfu_case_steps_total", "Steps of cases performed.", ["step"])
Step = Callable[[Context, UUID], Awaitable[None]]
STEPS: dict[str, Step] = {
    "notice": notice.do, "announce": announce.do, "archive": archive.do, "reserve": recheck.reserve,
    "ask": recheck.ask, "stop": stop.do, "restore": stop.undo, "probe": verify.do,
    "finish_restore": verify.finish_restore, "dispose": close.dispose, "close": close.close, "end": close.end,
    "release": close.release,
}  # fmt: skip
# What waits for others and changes nothing that two cases share may overlap. Places are given out one by one, and so
# are orders to stop: when the switch goes off at most one is on its way.
NEED_NO_ASSET = frozenset({"end", "release"})
OVERLAPPING = frozenset({"notice", "archive", "probe"})
AT_ONCE = 12
BATCH = 200


class Executor:
    """Works due cases in their order; under a stepped clock only what has been released."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._wake = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._last: dict[UUID, tuple[int, str]] = {}
        self.busy = False

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Lead when no other process of this database does."""
        key = zlib.crc32(b"decommission-executor")
        while True:
            with contextlib.suppress(*TRANSIENT):
                async with self._ctx.database.pool.acquire() as conn:
                    while not await QUERIES.executor_lock(conn, key=key):
                        await asyncio.sleep(1)
                    try:
                        await self._lead(conn)
                    finally:
                        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                            await QUERIES.executor_unlock(conn, key=key)
            await asyncio.sleep(1)

    async def _lead(self, lock: Any) -> None:
        while True:
            self._wake.clear()
            try:
                await self.work()
                await lock.fetchval("select 1")  # the session that holds the lock still lives
            except TRANSIENT as error:
                log.warning("round-failed", error=f"{type(error).__name__}: {error}")
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._wake.wait()

    async def horizon(self) -> datetime | None:
        """Up to when due work may be done; None while nothing has been released, or the kill switch is on."""
        async with self._ctx.database.pool.acquire() as conn:
            return self._horizon(await QUERIES.controls_get(conn))

    def _horizon(self, controls: Any) -> datetime | None:
        if controls["killed"] or self._ctx.kill_switch:
            return None
        if self._ctx.clock.mode == "system":
            return self._ctx.now()
        released: datetime | None = controls["released_until"]
        return released

    async def due(self) -> tuple[int, int]:
        """(cases due, rounds being worked or waiting to be)."""
        async with self._ctx.database.pool.acquire() as conn:
            controls = await QUERIES.controls_get(conn)
            until = self._horizon(controls)
            if until is None:
                return 0, int(self.busy)
            running = self.busy or controls["round_wanted"] or controls["round_working"]
            return int(await QUERIES.cases_due_count(conn, until=until)), int(running)

    async def work(self) -> None:
        """Work until nothing is due and the day's plan is sealed."""
        self.busy = True
        try:
            async with self._ctx.database.transaction("begin_round") as conn:
                asked = await QUERIES.round_begin(conn)
            while (until := await self.horizon()) is not None and await self._batch(until):
                pass
            if asked:
                async with self._ctx.database.transaction("end_round") as conn:
                    await QUERIES.round_end(conn)
        finally:
            self.busy = False

    async def _batch(self, until: datetime) -> bool:
        """Move what is due once, or seal the day's plan; False when there is nothing left to do."""
        async with self._ctx.database.pool.acquire() as conn:
            due = [row["case_id"] async for row in QUERIES.cases_due(conn, until=until, max_rows=BATCH)]
        if not due:
            self._last.clear()
            return await self._reopen(until) or await self._seal(until)
        beside: list[asyncio.Task[None]] = []
        try:
            for case_id in due:
                if (task := await self._move(case_id)) is not None:
                    beside.append(task)
        finally:
            # What has gone out comes to its end, whatever became of the others: its answer is worth more than time.
            for error in await asyncio.gather(*beside, return_exceptions=True):
                if isinstance(error, BaseException):
                    raise error
        return True

    async def _reopen(self, until: datetime) -> bool:
        """The next case of one asset that is excused no longer from what is still true of it."""
        today = until.astimezone(self._ctx.zone).date()
        async with self._ctx.database.pool.acquire() as conn:
            if await QUERIES.case_to_reopen(conn, today=today) is None:
                return False
        async with self._ctx.database.transaction("open_case") as conn:
            return await reopen.due(self._ctx, conn, today)

    async def _seal(self, until: datetime) -> bool:
        if self._ctx.clock.mode == "stepped" and until < self._ctx.now():
            return False  # today's work has not been released yet
        if await planning.seal_plan(self._ctx.database, self._ctx.clock, self._ctx.limits) is not None:
            return True
        async with self._ctx.database.pool.acquire() as conn:  # what could not be planned may have to be told anew
            return bool(await QUERIES.cases_due_count(conn, until=until))

    async def _move(self, case_id: UUID) -> asyncio.Task[None] | None:
        """One move of one case: done here, or begun beside the others."""
        ctx = self._ctx
        try:
            async with ctx.database.reading() as conn:
                held = await store.hold(conn, case_id, ctx.zone, lock=False)
                move = saga.next_move(held.progress, ctx.now(), ctx.zone)
                able = await self._able(conn, held, move)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("case-unreadable", case_id=str(case_id))
            await self._park(case_id, f"its log cannot be read: {type(error).__name__}")
            return None
        if not isinstance(move, saga.Do) or not able:
            await self._rest(case_id)
        elif self._last.get(case_id) == (held.case.version, move.step):
            zh = f"步骤 {move.step} 执行后个案没有变化"
            await self._park(case_id, f"the step {move.step} left the case where it was", zh)
        elif move.step in OVERLAPPING:
            await self._places.acquire()
            return asyncio.create_task(self._beside(held, move.step))
        else:
            await self._perform(held, move.step)
        return None

    async def _able(self, conn: Connection, held: Held, move: saga.Move) -> bool:
        """Whether the record of the case's asset is here, or is not needed."""
        needless = isinstance(move, saga.Do) and move.step in NEED_NO_ASSET
        return needless or await store.subject(conn, held.case.asset_id) is not None

    async def _beside(self, held: Held, step: str) -> None:
        try:
            await self._perform(held, step)
        finally:
            self._places.release()

    async def _perform(self, held: Held, step: str) -> None:
        case_id = held.case.case_id
        attributes = {"case.id": str(case_id), "case.step": step}
        try:
            with observe.linked(f"decommission case {step}", held.traces, attributes):
                await STEPS[step](self._ctx, case_id)
        except (SwitchedOff, MovedOn):
            return
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("step-failed", case_id=str(case_id), step=step)
            what = type(error).__name__
            await self._park(case_id, f"the step {step} raised {what}", f"步骤 {step} 出错:{what}")
            return
        self._last[case_id] = (held.case.version, step)
        STEPS_DONE.labels(step).inc()

    async def _rest(self, case_id: UUID) -> None:
        """Nothing to do now: note until when, and call a person where the saga says so."""
        ctx = self._ctx
        async with ctx.database.transaction("rest_case") as conn:
            held = await ctx.hold(conn, case_id)
            move = saga.next_move(held.progress, ctx.now(), ctx.zone)
            if isinstance(move, saga.NeedsPerson):
                held = await ctx.append(conn, held, "needs_person", why=move.why)
                en, _, zh = move.why.partition(" / ")
                await ctx.alarm(conn, held, "needs-person", zh=f"个案需要人工处理:{zh or en}", en=en)
                return
            # Looked up again: a record that came since the first look found nobody asleep to wake.
            due = saga.due_at(move, ctx.now()) if await self._able(conn, held, move) else None
            await QUERIES.case_rest(conn, case_id=case_id, due_at=due)

    async def _park(self, case_id: UUID, why: str, why_zh: str = "") -> None:
        """What cannot go on by itself goes to a person, and holds up nobody else."""
        ctx, en = self._ctx, f"The case cannot go on: {why}"
        zh = f"个案无法继续:{why_zh or refusals.zh(why)}"
        try:
            async with ctx.database.transaction("park_case") as conn:
                held = await ctx.append(conn, await ctx.hold(conn, case_id), "needs_person", why=why)
                await ctx.alarm(conn, held, "stuck", zh=zh, en=en)
        except TRANSIENT:
            raise
        except Exception:  # a log that cannot be read takes no entry; the row rests all the same
            log.exception("case-broken", case_id=str(case_id))
            async with ctx.database.transaction("park_case") as conn:
                await ctx.alarm(conn, case_id, "broken", zh=f"{case_id} {zh}", en=f"{case_id}: {en}")
                await QUERIES.case_rest(conn, case_id=case_id, due_at=None)
