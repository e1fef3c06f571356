"""Moves what is due, in the order (due, asset id): one executor per database, two lanes and a table of steps."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from libs.common.consumer.trouble import TRANSIENT
from libs.common.db.leader import leadership
from libs.common.db.pool import Connection, Database
from libs.common.telemetry import traces
from services.decommission import metrics, reasons
from services.decommission.alarms import store as alarm_store
from services.decommission.assets import store as asset_store
from services.decommission.cases import casework, next_move
from services.decommission.cases import store as case_store
from services.decommission.cases.casework import MovedOn
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.store import Case
from services.decommission.checkpoints import usecases as checkpoint_usecases
from services.decommission.controls import store as control_store
from services.decommission.controls.domain import SwitchedOff
from services.decommission.deps import Deps
from services.decommission.findings import store as finding_store
from services.decommission.lanes import BESIDE, Ahead, Begun, Lane, Moves
from services.decommission.plans import usecases as plan_usecases
from services.decommission.steps import addressee, announce, archive, close, notice, recheck, reopen, stop, verify
from services.decommission.waits import jobs as wait_jobs

log = structlog.get_logger()
Step = Callable[[Deps, UUID], Awaitable[None]]
STEPS: dict[str, Step] = {
    "notice": notice.do,
    "announce": announce.do,
    "archive": archive.do,
    "reserve": recheck.reserve,
    "ask": recheck.ask,
    "stop": stop.do,
    "restore": stop.undo,
    "probe": verify.do,
    "finish_restore": verify.finish_restore,
    "dispose": close.dispose,
    "close": close.close,
    "end": close.end,
    "release": close.release,
}
NEED_NO_ASSET = frozenset({"end", "release"})
# Connections that the ordinary lane takes at most, whatever is under way there; the rest of the pool is for others.
ORDINARY_CONNECTIONS = 5
ENDS_WITHIN = 5.0  # seconds, when the process stops
PATIENCE = 5.0  # seconds, after which the day's places and the day's plan wait no longer for a call


class Executor:
    """Works due cases in two lanes; under a stepped clock only what has been released.

    `reserve`: connections of the urgent lane's own, so that it waits for nobody's; without them it shares the pool.
    """

    def __init__(self, deps: Deps, reserve: Database | None = None) -> None:
        self._deps = deps
        self._urgent_database = reserve or deps.database
        self._ordinary_database = deps.database.share(ORDINARY_CONNECTIONS)
        self._last: dict[UUID, tuple[int, str]] = {}
        self._watched: date | None = None
        self._under_way: dict[UUID, Begun] = {}
        # Under a stepped clock days pass in moments: there, what is slow is waited for.
        patience = PATIENCE if deps.clock.mode == "system" else None
        moves, targets = Moves(self._look, self._perform), deps.egress.targets
        self._urgent = Lane(moves, targets, self._under_way, urgent=True, patience=patience)
        self._ordinary = Lane(moves, targets, self._under_way, urgent=False, patience=patience)
        targets.on_change = self._freed

    def wake(self) -> None:
        """Something may be due."""
        self._urgent.wake()
        self._ordinary.wake()

    def _freed(self) -> None:
        self._urgent.freed()
        self._ordinary.freed()

    @property
    def busy(self) -> bool:
        """Whether a lane is at work, or something it began is under way."""
        return bool(self._urgent.busy or self._ordinary.busy or self._under_way)

    async def run(self) -> None:
        """Lead when no other process of this database does."""
        while True:
            with contextlib.suppress(*TRANSIENT):
                async with leadership(self._deps.database, "decommission-executor") as session:
                    await self._lead(session)
            await asyncio.sleep(1)

    async def _lead(self, session: Any) -> None:
        """Keep both lanes going while the session that holds the lock lives."""
        lanes = [
            asyncio.create_task(self._keep(self._urgent, self._work_urgent)),
            asyncio.create_task(self._keep(self._ordinary, self._work_ordinary)),
        ]
        try:
            while True:
                await session.fetchval("select 1")
                done, _ = await asyncio.wait(lanes, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                for lane in done:
                    lane.result()
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await self._end()

    async def _keep(self, lane: Lane, work: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                await work()
            except TRANSIENT as error:
                log.warning("round-failed", urgent=lane.urgent, error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(1)
            await lane.changed()

    async def _end(self) -> None:
        """What has gone out comes to its end within a while; what does not is broken off, and repeated later."""
        for lane in (self._urgent, self._ordinary):
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    await lane.ended()
            except TimeoutError:
                lane.cancel()
                await lane.ended()

    async def work(self) -> None:
        """Work both lanes until nothing is due and the day's plan is sealed."""
        try:
            while True:
                did = [await self._work_urgent(), await self._work_ordinary()]
                if not any(did):
                    return
        finally:
            await self._urgent.ended()
            await self._ordinary.ended()

    async def _work_urgent(self) -> bool:
        self._urgent.busy = True
        try:
            return await self._urgent.drain(self.horizon, lambda: replace(self._deps, database=self._urgent_database))
        finally:
            self._urgent.busy = False

    async def _work_ordinary(self) -> bool:
        self._ordinary.busy = True
        try:
            async with self._ordinary_database.transaction("begin_round") as conn:
                asked = await control_store.QUERIES.round_begin(conn)
            if asked or self._deps.clock.mode == "system":  # under a stepped clock a day begins with its first round
                await checkpoint_usecases.make(self._ordinary_context())
                await self._watch()
            did = await self._ordinary.drain(self.horizon, self._ordinary_context, self._spare)
            if asked:
                async with self._ordinary_database.transaction("end_round") as conn:
                    await control_store.QUERIES.round_end(conn)
            return did
        finally:
            self._ordinary.busy = False

    async def _watch(self) -> None:
        """Once a business day; a process that has just been started does it once more, which changes nothing."""
        today = self._deps.today()
        if self._watched != today:
            await wait_jobs.look(self._ordinary_context())
            self._watched = today

    def _ordinary_context(self) -> Deps:
        return replace(self._deps, database=self._ordinary_database)

    async def horizon(self) -> datetime | None:
        """Up to when due work may be done; None while nothing has been released, or the kill switch is on."""
        async with self._urgent_database.connection() as conn:
            return self._horizon(await control_store.QUERIES.controls_get(conn))

    def _horizon(self, controls: Any) -> datetime | None:
        if controls["killed"] or self._deps.kill_switch:
            return None
        if self._deps.clock.mode == "system":
            return self._deps.now()
        released: datetime | None = controls["released_until"]
        return released

    async def due(self) -> tuple[int, int]:
        """(cases due, rounds being worked or waiting to be)."""
        async with self._deps.database.connection() as conn:
            controls = await control_store.QUERIES.controls_get(conn)
            until = self._horizon(controls)
            if until is None:
                return 0, int(self.busy)
            running = self.busy or controls["round_wanted"] or controls["round_working"]
            return int(await case_store.QUERIES.cases_due_count(conn, until=until)), int(running)

    async def _spare(self, until: datetime) -> bool:
        """What is done once nothing is due that could be: the next cases, the day's plan."""
        self._last.clear()
        void = await plan_usecases.void_empty(self._ordinary_context())
        return void or await self._reopen(until) or await self._seal(until)

    async def _reopen(self, until: datetime) -> bool:
        """The next case of one asset that is excused no longer from what is still true of it."""
        today = until.astimezone(self._deps.zone).date()
        async with self._ordinary_database.connection() as conn:
            if await finding_store.QUERIES.case_to_reopen(conn, today=today) is None:
                return False
        async with self._ordinary_database.transaction("open_case") as conn:
            return await reopen.due(self._ordinary_context(), conn, today)

    async def _seal(self, until: datetime) -> bool:
        if self._deps.clock.mode == "stepped" and until < self._deps.now():
            return False  # today's work has not been released yet
        async with self._ordinary_database.connection() as conn:
            before = await case_store.QUERIES.cases_due_count(conn, until=until)
        if await plan_usecases.seal_plan(self._ordinary_context()) is not None:
            return True
        async with self._ordinary_database.connection() as conn:  # what could not be planned may have to be told anew
            return bool(await case_store.QUERIES.cases_due_count(conn, until=until) > before)

    async def _look(self, deps: Deps, case_id: UUID) -> Ahead | None:
        """The step that is a case's next move; None where there was none, and the case rests or waits for a person."""
        target = None
        try:
            async with deps.database.reading() as conn:
                case = await casework.load_case(deps, conn, case_id)
                move = next_move.next_move(case.progress, deps.now(), deps.zone)
                able = await self._able(conn, case, move)
                if isinstance(move, next_move.Do) and able and move.step in BESIDE:
                    target = await addressee.of(conn, move.step, case, await casework.subject(conn, case))
        except TRANSIENT:
            raise
        except BrokenChain as error:
            await self._broken(deps, error)
            return None
        except Exception as error:
            log.exception("case-unreadable", case_id=str(case_id))
            await self._park(deps, case_id, f"its log cannot be read: {type(error).__name__}")
            return None
        if not isinstance(move, next_move.Do) or not able:
            try:
                await self._rest(deps, case_id)
            except BrokenChain as error:
                await self._broken(deps, error)
        elif self._last.get(case_id) == (case.row.version, move.step):
            zh = f"步骤 {move.step} 执行后个案没有变化"
            await self._park(deps, case_id, f"the step {move.step} left the case where it was", zh)
        else:
            return Ahead(case, move.step, target)
        return None

    async def _able(self, conn: Connection, case: Case, move: next_move.Move) -> bool:
        """Whether the record of the case's asset is here, or is not needed."""
        needless = isinstance(move, next_move.Do) and move.step in NEED_NO_ASSET
        return needless or await asset_store.subject(conn, case.row.asset_id) is not None

    async def _perform(self, deps: Deps, case: Case, step: str) -> None:
        case_id = case.row.case_id
        attributes = {"case.id": str(case_id), "case.step": step}
        try:
            with traces.linked(f"decommission case {step}", case.traces, attributes):
                await STEPS[step](deps, case_id)
        except (SwitchedOff, MovedOn):
            return
        except TRANSIENT:
            raise
        except BrokenChain as error:  # altered since it was looked at
            await self._broken(deps, error)
            return
        except Exception as error:
            log.exception("step-failed", case_id=str(case_id), step=step)
            what = type(error).__name__
            await self._park(deps, case_id, f"the step {step} raised {what}", f"步骤 {step} 出错:{what}")
            return
        self._last[case_id] = (case.row.version, step)
        metrics.STEPS.labels(step).inc()

    async def _rest(self, deps: Deps, case_id: UUID) -> None:
        """Nothing to do now: note until when, and call a person where the saga says so."""
        async with deps.database.transaction("rest_case") as conn:
            case = await casework.lock_case(deps, conn, case_id)
            move = next_move.next_move(case.progress, deps.now(), deps.zone)
            if isinstance(move, next_move.NeedsPerson):
                en, _, zh = move.why.partition(" / ")
                zh = f"个案需要人工处理:{zh or en}"
                await casework.call_person(deps, conn, case, "needs-person", move.why, zh=zh, en=en)
                return
            # Looked up again: a record that came since the first look found nobody asleep to wake.
            due = next_move.due_at(move, deps.now()) if await self._able(conn, case, move) else None
            await case_store.QUERIES.case_rest(conn, case_id=case_id, due_at=due)

    async def _broken(self, deps: Deps, error: BrokenChain) -> None:
        """A log that was altered takes no entry: the row rests, a person is called, and the others go on."""
        async with deps.database.transaction("park_case") as conn:
            await case_store.broken(conn, error, now=deps.now())
            await case_store.QUERIES.case_rest(conn, case_id=error.case_id, due_at=None)

    async def _park(self, deps: Deps, case_id: UUID, why: str, why_zh: str = "") -> None:
        """What cannot go on by itself goes to a person, and holds up nobody else."""
        en = f"The case cannot go on: {why}"
        zh = f"个案无法继续:{why_zh or reasons.zh(why)}"
        try:
            async with deps.database.transaction("park_case") as conn:
                case = await casework.lock_case(deps, conn, case_id)
                await casework.call_person(deps, conn, case, "stuck", why, zh=zh, en=en)
        except TRANSIENT:
            raise
        except Exception:  # a log that cannot be read takes no entry; the row rests all the same
            log.exception("case-broken", case_id=str(case_id))
            async with deps.database.transaction("park_case") as conn:
                await alarm_store.alarm_about(
                    conn, case_id, "broken", zh=f"{case_id} {zh}", en=f"{case_id}: {en}", now=deps.now()
                )
                await case_store.QUERIES.case_rest(conn, case_id=case_id, due_at=None)
