"""Entries that stop a case's clock, call a person, and go on when he has decided. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar

from libs.common import days
from services.decommission.cases.case import Hold, Progress, Timer
from services.decommission.cases.entries.fact import Fact, settled
from services.decommission.cases.states import AFTER_STOP, BEFORE_STOP, OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Fact):
    """A hold stops the clock until the end of a day, or until further notice."""

    KIND: ClassVar = "held"
    LEGAL_IN: ClassVar = OPEN - {"new", "disposed"}
    NULLABLE: ClassVar = frozenset({"until"})

    reason: str | None = None
    until: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        until = date.fromisoformat(self.until) if self.until else None
        if p.hold is None:
            return replace(p, hold=Hold(since=at, until=until))
        # Of several holds the longest counts, and none is longer than one until further notice.
        longest = None if until is None or p.hold.until is None else max(until, p.hold.until)
        return replace(p, hold=replace(p.hold, until=longest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Fact):
    """The hold is over: the clock goes on where it stood."""

    KIND: ClassVar = "released"
    LEGAL_IN: ClassVar = OPEN

    reason: str | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """Only a case that is on hold."""
        return p.hold is not None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        if p.hold is None:
            return p
        since = max(p.hold.since, p.timer.since) if p.timer.since else p.hold.since
        paused = max(0, days.between(days.of(since, p.zone), day))
        return replace(p, hold=None, timer=Timer(since=p.timer.since, paused=p.timer.paused + paused))


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsPerson(Fact):
    """The machine must not go on by itself.

    `unknown`: the step whose effect may have happened. `unseen`: the wording of the probe's address under which the
    page was not seen before anything was stopped.
    """

    KIND: ClassVar = "needs_person"
    LEGAL_IN: ClassVar = OPEN

    why: str
    unknown: str | None = None
    unseen: int | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        stop = replace(p.stop, unclear=p.stop.unclear or self.unknown == "stop")
        return replace(settled(p, self.unknown), person=self.why, stop=stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Fact):
    """A person lets the case go on; what had failed may be tried again."""

    KIND: ClassVar = "resumed"
    LEGAL_IN: ClassVar = frozenset({"needs_person"})

    reason: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, person=None, failures=replace(p.failures, archive=0, stop=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Fact):
    """An operator ends the case; what was done is undone."""

    KIND: ClassVar = "cancelled"
    LEGAL_IN: ClassVar = BEFORE_STOP | AFTER_STOP | {"needs_person", "stopping"}

    reason: str

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """What was disposed of cannot come back."""
        return not p.disposed

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, cancelled=self.reason, person=None)
