"""A lane: which due cases move now, in their order, while slow calls of others are under way.

There are two, the urgent one for what is being brought back and the ordinary one for the rest. A step that calls out is
performed beside the others once its target has a place; a case that waits for a place holds up nobody. No case is moved
twice at once, not by both lanes either.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.outbound.egress import Egress
from libs.common.outbound.targets import Place, Targets
from services.decommission.cases import store as case_store
from services.decommission.cases.store import Case
from services.decommission.deps import Deps

# Steps that call out and are performed beside others, and how many of each at once. Orders to stop go out one by one:
# when the switch goes off at most one is on its way. A page may have 2 MiB, of which not too many are held at once.
BESIDE = {"notice": 512, "archive": 32, "probe": 32, "stop": 1, "restore": 128}
# Places of a day are given out in the order of the cases, so only when all that could come before them has ended.
IN_ORDER = frozenset({"reserve"})
# Only a look from outside: broken off it has changed nothing, and leaves no trace.
LOOKS = frozenset({"probe"})
PAGE = 200
TICK = 1.0  # seconds, after which a lane looks again whether something has become due
SOON = 0.2  # seconds, after which it looks again whether a target has rested enough
LOOKING = 10  # times as long as a look at all due cases took there is none, unless something has moved


@dataclass(frozen=True, slots=True)
class Ahead:
    """A step that is a case's next move, and whom it will call as `host:port`; None where it calls nobody."""

    case: Case
    step: str
    target: str | None


@dataclass(eq=False, slots=True)
class Begun:
    """What is being done with a case now. `task` is None while the case is only looked at."""

    lane: "Lane"
    step: str = ""
    place: Place | None = None
    door: Egress | None = None
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True)
class Moves:
    """What a lane knows of cases: how to look at one, and how to perform its step."""

    look: Callable[[Deps, UUID], Awaitable[Ahead | None]]
    perform: Callable[[Deps, Case, str], Coroutine[Any, Any, None]]


class Lane:
    """One of the two. `under_way` is shared by both; `patience`: seconds after which a call is slow, None for never."""

    def __init__(
        self, moves: Moves, targets: Targets, under_way: dict[UUID, Begun], *, urgent: bool, patience: float | None
    ) -> None:
        self.urgent = urgent
        self.errors: list[BaseException] = []
        self.busy = False
        self._moves = moves
        self._targets = targets
        self._under_way = under_way
        self._patience = patience
        self._waiting: dict[tuple[str, str], dict[UUID, int]] = {}  # (step, target): case, version; in their order
        self._steps: Counter[str] = Counter()  # performed beside others now
        self._changed = asyncio.Event()
        self._woken = True
        self._looked_at = self._looked_for = 0.0
        self._looked = False  # in this round

    def wake(self) -> None:
        """Something may be due."""
        self._woken = True
        self._changed.set()

    def freed(self) -> None:
        """A place is free, or a case."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait until something has changed or may be due."""
        since = time.monotonic() - self._looked_at  # machine time
        pause = SOON if self._waiting else TICK
        if self._woken:
            pause = min(pause, LOOKING * self._looked_for - since)
        if pause > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
        self._changed.clear()

    async def drain(
        self,
        horizon: Callable[[], Awaitable[datetime | None]],
        deps: Callable[[], Deps],
        spare: Callable[[datetime], Awaitable[bool]] | None = None,
    ) -> bool:
        """Work until nothing of this lane is due or under way; whether anything was done.

        `spare` is done whenever the lane has nothing to do but to wait for what is slow, and tells whether it did it.
        Raises what a step raised that others than the case have to know of.
        """
        did, self._woken = False, True
        while True:
            if self.errors:
                raise self.errors.pop(0)
            until = await horizon()
            if until is not None and await self._round(deps(), until):
                did = True
            elif until is not None and self._looked and self._settled() and spare is not None and await spare(until):
                did = self._woken = True
            elif self._mine() or (until is not None and self._waiting):
                self._woken = self._woken and until is not None
                await self.changed()
            elif not self.errors:
                self._woken = False  # who wakes it from now on is noted in `_changed`
                return did

    async def ended(self) -> None:
        """Wait for what is under way: what has gone out comes to its end, its answer is worth more than time."""
        while tasks := [begun.task for begun in self._mine() if begun.task is not None]:
            await asyncio.wait(tasks)

    def cancel(self) -> None:
        """Break off what is under way; each step can be repeated."""
        for begun in self._mine():
            if begun.task is not None:
                begun.task.cancel()

    async def _round(self, deps: Deps, until: datetime) -> bool:
        """Begin what waits and finds a place by now, then look at what is due; whether anything moved."""
        moved = await self._begin_waiting(deps)
        since = time.monotonic() - self._looked_at  # machine time
        pause = LOOKING * self._looked_for
        idle = not moved and not self._mine() and not self._waiting
        self._looked = (self._woken and since >= pause) or since >= max(pause, TICK) or idle
        if self._looked:
            self._woken = False
            moved = await self._look_at_all(deps, until) or moved
            self._woken = self._woken or moved
        return moved

    async def _begin_waiting(self, deps: Deps) -> bool:
        moved = False
        for (step, target), cases in list(self._waiting.items()):
            while cases and self._has_room(step, target):
                case_id = next(iter(cases))
                del cases[case_id]
                moved = await self._move(deps, case_id) is not False or moved
            if cases:
                self._press(step, target)
            else:
                self._waiting.pop((step, target), None)
        return moved

    async def _look_at_all(self, deps: Deps, until: datetime) -> bool:
        """Every case of this lane that is due, in the order (due, asset)."""
        begun = time.monotonic()  # machine time
        waited, self._waiting = self._waiting, {}
        known = {case_id: (key, version) for key, cases in waited.items() for case_id, version in cases.items()}
        moved, in_order = False, []
        after: tuple[datetime | None, UUID | None] = (None, None)
        while True:
            async with deps.database.connection() as conn:
                rows = case_store.QUERIES.cases_due(
                    conn, until=until, urgent=self.urgent, after_due=after[0], after_asset=after[1], max_rows=PAGE
                )
                page = [row async for row in rows]
            for row in page:
                key, version = known.get(row["case_id"], (("", ""), 0))
                if version == row["version"] and not self._has_room(*key):
                    self._waiting.setdefault(key, {})[row["case_id"]] = version
                elif (outcome := await self._move(deps, row["case_id"])) is None:
                    in_order.append(row["case_id"])
                else:
                    moved = outcome or moved
            if len(page) < PAGE:
                break
            after = page[-1]["due_at"], page[-1]["asset_id"]
        if not moved and self._settled():
            for case_id in in_order:
                moved = await self._move(deps, case_id, in_order=True) is not False or moved
        self._looked_at = time.monotonic()  # machine time
        self._looked_for = 0.0 if moved else self._looked_at - begun
        return moved

    async def _move(self, deps: Deps, case_id: UUID, *, in_order: bool = False) -> bool | None:
        """One move of one case, or its beginning. False where nothing moved, None where its turn has not come."""
        other = self._under_way.get(case_id)
        if other is not None:
            self._give_way(other)
            return False
        if self.errors:  # the round is about to end with what one of the others raised: nothing more begins in it
            return False
        self._under_way[case_id] = begun = Begun(self)
        try:
            ahead = await self._moves.look(deps, case_id)
            if ahead is None:
                return True
            if ahead.step in IN_ORDER and not in_order:
                return None
            if ahead.target is None or ahead.step not in BESIDE:
                begun.step = ahead.step
                await self._moves.perform(deps, ahead.case, ahead.step)
                return True
            return self._begin(deps, case_id, begun, ahead, ahead.target)
        finally:
            if begun.task is None:
                del self._under_way[case_id]

    def _begin(self, deps: Deps, case_id: UUID, begun: Begun, ahead: Ahead, target: str) -> bool:
        """Perform a step beside the others where its target has a place; else the case waits for one."""
        place = None
        if self._under_bound(ahead.step):
            place = self._targets.take(target, urgent=self._hurries(ahead.step))
        if place is None:
            self._waiting.setdefault((ahead.step, target), {})[case_id] = ahead.case.row.version
            self._press(ahead.step, target)
            return False
        # A look goes by the ordinary way in both lanes: neither a redirect nor a slow name of its may hinder an order.
        door = deps.egress.through(place, urgent=place.urgent)
        begun.step, begun.place, begun.door = ahead.step, place, door
        self._steps[ahead.step] += 1
        begun.task = asyncio.create_task(self._moves.perform(replace(deps, egress=door), ahead.case, ahead.step))
        begun.task.add_done_callback(lambda task: self._end(case_id, begun, task))
        return True

    def _end(self, case_id: UUID, begun: Begun, task: asyncio.Task[None]) -> None:
        del self._under_way[case_id]
        self._steps[begun.step] -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)
        if begun.place is not None:
            self._targets.release(begun.place)
        self._targets.on_change()

    def _give_way(self, other: Begun) -> None:
        """What is urgent does not wait for a look at the same case by the ordinary lane, which may last long."""
        looking = other.step in LOOKS and other.door is not None and other.door.calling
        if self.urgent and other.lane is not self and looking and other.task is not None:
            other.task.cancel()

    def _has_room(self, step: str, target: str) -> bool:
        return self._under_bound(step) and self._targets.room(target, urgent=self._hurries(step))

    def _hurries(self, step: str) -> bool:
        """Whether a step may take the place of a target that is kept for what is urgent.

        That is an order to bring something back. A look whether it is back takes an ordinary place: where a page drips,
        the looks at two that are coming back would keep the order for a third waiting.
        """
        return self.urgent and step not in LOOKS

    def _press(self, step: str, target: str) -> None:
        """An order to bring something back waits for a place: no call keeps it from that for longer than its time."""
        if not self._hurries(step):
            return
        if self._under_bound(step):
            self._targets.press(target)
        else:
            self._targets.break_off(begun.place for begun in self._mine() if begun.step == step and begun.place)

    def _under_bound(self, step: str) -> bool:
        return self._steps[step] < BESIDE[step]

    def _mine(self) -> list[Begun]:
        return [begun for begun in self._under_way.values() if begun.lane is self]

    def _settled(self) -> bool:
        """Whether all that is under way or waits for a place is slow; only then is it not waited for."""
        targets = [begun.place.target if begun.place is not None else None for begun in self._mine()]
        targets += [target for _, target in self._waiting]
        return all(target is not None and self._slow(target) for target in targets)

    def _slow(self, target: str) -> bool:
        return self._patience is not None and self._targets.slow(target, self._patience)
