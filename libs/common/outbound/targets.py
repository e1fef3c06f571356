"""Who is called, how many calls to each are under way, and which of them rests because it has failed again and again.

A target is `host:port`. Two calls at once go to it at most; one of the two places is kept for what is urgent. After
five failures in a row its circuit breaker opens: it rests, then one call tries it, and by that it is closed or rests
twice as long. What is urgent is not refused by a breaker, but tries one at a time. While what is urgent finds no place,
a call that has had its time is broken off. All of it is memory of one process.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from libs.common.telemetry import metrics

AT_ONCE, ORDINARY_AT_ONCE = 2, 1  # to one target; what is urgent finds a place whatever ordinary calls are under way
FAILURES = 5  # in a row, until a target rests
FIRST_REST, LONGEST_REST = 10.0, 300.0  # seconds
REMEMBERED = 2_000
# Seconds that a call has while what is urgent waits for its place. With a second until the urgent lane looks at what is
# due, and its steps of 0.2 s, what waits has a place within 5 s.
TIME = 3.0
# The same, counted from when the request was sent, at a target that has answered nobody since one was broken off there:
# else the tenth order that comes to a target that hangs would wait for four times as long as the third.
LEAST_TIME = 0.5

State = Literal["closed", "open", "half_open"]


@dataclass(eq=False, slots=True)
class Place:
    """The right to make one call to a target; kept until it is released.

    `since`, `began` and `sent`: machine seconds at which it was given, the call began, the whole request was sent.
    `reached`: whether any of the request may have been sent. `limit` ends the call, or its waiting for a rest that
    nobody reads. `gave_way`: whether it was broken off without an answer, because what is urgent waited.
    """

    target: str
    urgent: bool
    trial: bool
    since: float
    calling: bool = False
    began: float = 0.0
    reached: bool = False
    sent: float | None = None
    limit: asyncio.Timeout | None = None
    gave_way: bool = False
    released: bool = False


@dataclass(slots=True)
class _Target:
    """What is known of one. `until`: machine seconds, None while its breaker is closed.

    `hangs`: whether nobody was answered since a call was broken off.
    """

    changed: float
    places: list[Place] = field(default_factory=list)
    failures: int = 0
    error: str | None = None
    rest: float = 0.0
    until: float | None = None
    hangs: bool = False

    def state(self, now: float) -> State:
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def room(self, now: float, *, urgent: bool) -> bool:
        """Whether one more call may begin."""
        mine = sum(place.urgent == urgent for place in self.places)
        match self.state(now):
            case "closed":
                return len(self.places) < AT_ONCE and (urgent or mine < ORDINARY_AT_ONCE)
            case "half_open":
                return mine == 0 if urgent else not self.places
            case "open":
                return urgent and mine == 0


class Targets:
    """All targets of this process. `longest_rest` in seconds; `clock` tells machine seconds."""

    def __init__(
        self,
        *,
        longest_rest: float = LONGEST_REST,
        clock: Callable[[], float] = time.monotonic,  # machine time
    ) -> None:
        self._longest_rest = longest_rest
        self._clock = clock
        self._known: OrderedDict[str, _Target] = OrderedDict()
        self._freed = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    def room(self, target: str, *, urgent: bool) -> bool:
        """Whether a place is free now."""
        known = self._known.get(target)
        return known is None or known.room(self._clock(), urgent=urgent)

    def take(self, target: str, *, urgent: bool) -> Place | None:
        """A place for one call now; None while the target has none free, or rests."""
        known, now = self._of(target), self._clock()
        if not known.room(now, urgent=urgent):
            return None
        place = Place(target, urgent, known.until is not None, now)
        known.places.append(place)
        metrics.TARGET_CALLS.labels(_lane(urgent)).inc()
        return place

    async def wait(self, target: str, *, urgent: bool) -> Place | None:
        """A place, as soon as one is free; None where the target rests, for that may last minutes."""
        while (place := self.take(target, urgent=urgent)) is None:
            if not urgent and self._of(target).until is not None:
                return None
            freed = self._freed
            await freed.wait()
        return place

    def begin(self, place: Place, limit: asyncio.Timeout) -> None:
        """The call begins for which the place was taken; whoever breaks it off lets `limit` run out."""
        place.calling, place.began, place.limit = True, self._clock(), limit

    def sent(self, place: Place) -> None:
        """The whole request has been sent."""
        place.sent = self._clock()

    def press(self, target: str) -> None:
        """What is urgent waits for a place at a target: break off what keeps it, once that has had its time."""
        known = self._known.get(target)
        if known is not None and not known.room(self._clock(), urgent=True):
            # at one that rests only what is urgent keeps from it what is urgent
            self.break_off(place for place in known.places if place.urgent or known.until is None)

    def break_off(self, places: Iterable[Place]) -> None:
        """One of these that has had its time, unless one is ending already: an ordinary call first, then the oldest."""
        under_way = [place for place in places if place.limit is not None and not place.released]
        ripe = [place for place in under_way if self._had_its_time(place)]
        if not ripe or any(place.gave_way for place in under_way):
            return
        place = min(ripe, key=lambda place: (place.urgent, place.began))
        place.gave_way = True
        if place.limit is not None:
            place.limit.reschedule(asyncio.get_running_loop().time())
        metrics.TARGET_CALLS_BROKEN_OFF.inc()

    def _had_its_time(self, place: Place) -> bool:
        now = self._clock()
        hangs = self._of(place.target).hangs and place.sent is not None and now - place.sent >= LEAST_TIME
        return hangs or now - place.began >= TIME

    def release(self, place: Place, *, failed: bool | None = None, error: str | None = None) -> None:
        """Give a place back. `failed` is None where the call says nothing of the target, or was never made."""
        if place.released:
            return
        place.released = True
        known, now = self._of(place.target), self._clock()
        known.places.remove(place)
        metrics.TARGET_CALLS.labels(_lane(place.urgent)).dec()
        if failed is not None:
            self._judge(known, place, now, failed=failed, error=error)
        self._freed.set()
        self._freed = asyncio.Event()
        self.on_change()

    def _judge(self, known: _Target, place: Place, now: float, *, failed: bool, error: str | None) -> None:
        before, known.hangs = known.until is not None, place.gave_way
        if not failed:
            known.failures, known.error, known.rest, known.until = 0, None, 0.0, None
        else:
            known.failures, known.error = known.failures + 1, error
            if known.until is None and known.failures >= FAILURES:
                known.rest = min(FIRST_REST, self._longest_rest)
                known.until = now + known.rest
            elif place.trial and known.until is not None:
                known.rest = min(2 * known.rest, self._longest_rest)
                known.until = now + known.rest
        after = known.until is not None
        if before != after:
            known.changed = now
            metrics.TARGETS_OPEN.inc() if after else metrics.TARGETS_OPEN.dec()

    def slow(self, target: str, patience: float) -> bool:
        """Whether it rests, or a call to it has been under way for longer than `patience` seconds."""
        known, now = self._known.get(target), self._clock()
        if known is None:
            return False
        return known.until is not None or any(now - place.since > patience for place in known.places)

    def shown(self) -> list[dict[str, Any]]:
        """Every target that was called lately; `since` is when its breaker opened or closed last."""
        now, wall = self._clock(), datetime.now(UTC)  # machine time
        return [
            {
                "target": target,
                "state": known.state(now),
                "failures": known.failures,
                "error": known.error,
                "since": wall - timedelta(seconds=now - known.changed),
                "calls": len(known.places),
                "urgent_calls": sum(place.urgent for place in known.places),
                "rests_for": max(0, round(known.until - now)) if known.until is not None else 0,
            }
            for target, known in sorted(self._known.items())
        ]

    def _of(self, target: str) -> _Target:
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = _Target(self._clock())
            self._forget()
        self._known.move_to_end(target)
        return known

    def _forget(self) -> None:
        """Of too many targets the one called least lately goes; a stranger's redirects may name any number."""
        if len(self._known) > REMEMBERED:
            idle = next((name for name, known in self._known.items() if not known.places), None)
            if idle is not None and self._known.pop(idle).until is not None:
                metrics.TARGETS_OPEN.dec()


def _lane(urgent: bool) -> str:
    return "urgent" if urgent else "ordinary"
