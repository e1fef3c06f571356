"""Entries from the archive to the end: what is kept, stopped, looked at, brought back, disposed of and closed. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from libs.common import days
from services.decommission.cases.case import Progress
from services.decommission.cases.entries.fact import Fact, next_wait, settled, started
from services.decommission.cases.states import AFTER_STOP, BEFORE_STOP

# "restoring": a case that is cancelled while the order to stop is on its way still has the order's answer written down.
ORDERED = frozenset({"stopping", "restoring"})
RESTORING = frozenset({"restoring"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStarted(Fact):
    """The archive package is about to be written."""

    KIND: ClassVar = "archive_started"
    LEGAL_IN: ClassVar = frozenset({"announced", "stopping"})
    TOWARDS_STOP: ClassVar = True

    key: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return started(p, "archive", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived(Fact):
    """The package is written and was read back."""

    KIND: ClassVar = "archived"
    LEGAL_IN: ClassVar = frozenset({"announced", "stopping"})

    sha256: str
    checks: dict[str, bool] | None = None
    files: int | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(settled(p, "archive"), archive_sha256=self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFailed(Fact):
    """The package is not what it must be."""

    KIND: ClassVar = "archive_failed"
    LEGAL_IN: ClassVar = frozenset({"announced", "archived", "rechecking", "stopping"})

    why: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        failures = replace(p.failures, archive=p.failures.archive + 1, last_at=at)
        return replace(settled(p, "archive"), archive_sha256=None, failures=failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStarted(Fact):
    """The order to stop is about to go out."""

    KIND: ClassVar = "stop_started"
    LEGAL_IN: ClassVar = frozenset({"rechecking", "stopping"})
    TOWARDS_STOP: ClassVar = True

    key: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(started(p, "stop", self.key), stop=replace(p.stop, ordered=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAccepted(Fact):
    """The target accepted the order to stop."""

    KIND: ClassVar = "stop_accepted"
    LEGAL_IN: ClassVar = ORDERED

    status: int | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(settled(p, "stop"), stop=replace(p.stop, at=at))


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFailed(Fact):
    """The target refused the order to stop."""

    KIND: ClassVar = "stop_failed"
    LEGAL_IN: ClassVar = ORDERED

    why: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        failures = replace(p.failures, stop=p.failures.stop + 1, last_at=at)
        return replace(settled(p, "stop"), failures=failures, stop=replace(p.stop, ordered=p.stop.unclear))


@dataclass(frozen=True, slots=True, kw_only=True)
class StopUnanswered(Fact):
    """The order to stop has no result; it is repeated under its own key."""

    KIND: ClassVar = "stop_unanswered"
    LEGAL_IN: ClassVar = ORDERED

    why: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        failures = replace(p.failures, stop=p.failures.stop + 1, last_at=at)
        return replace(p, failures=failures, stop=replace(p.stop, unclear=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Fact):
    """A probe's look at the public page: gone, alive or unclear."""

    KIND: ClassVar = "probed"
    LEGAL_IN: ClassVar = AFTER_STOP | {"restoring"}
    NULLABLE: ClassVar = frozenset({"status", "error"})

    result: str
    day: str | None = None
    status: int | None = None
    error: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        if p.unwinding:
            seen = p.restore.accepted and self.result == "alive"
            restore = replace(p.restore, seen=seen, looks=p.restore.looks + 1)
            return replace(p, looks=replace(p.looks, day=day), restore=restore)
        return self._after_stop(p, at, day)

    def _after_stop(self, p: Progress, at: datetime, day: date) -> Progress:
        unclear = self.result == "unclear"
        alive = p.looks.alive if unclear else self.result == "alive"
        before = p.looks.gone_days
        follows = not before or days.later(before[-1], 1) == day
        gone_days = (*(before if follows else ()), day) if self.result == "gone" else ()
        verified_at = None if alive else p.looks.verified_at  # whatever was proved before: it is back
        newly = verified_at is None and len(gone_days) >= p.windows.verify_days
        looks = replace(
            p.looks,
            day=day,
            gone_days=gone_days,
            unclear=p.looks.unclear + 1 if unclear else 0,
            alive=alive,
            verified_at=at if newly else verified_at,
        )
        return next_wait(replace(p, looks=looks), at) if newly else replace(p, looks=looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAsked(Fact):
    """An operator asks to bring back what was stopped."""

    KIND: ClassVar = "restore_asked"
    LEGAL_IN: ClassVar = AFTER_STOP | {"needs_person"}

    reason: str

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """Only what was stopped comes back, and not what was disposed of or is being undone."""
        return p.stop.at is not None and not p.disposed and not p.unwinding

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, restore=replace(p.restore, reason=self.reason), person=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreStarted(Fact):
    """The order to restore is about to go out."""

    KIND: ClassVar = "restore_started"
    LEGAL_IN: ClassVar = RESTORING

    key: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return started(p, "restore", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAccepted(Fact):
    """The target accepted the order to restore; a probe sees whether it is back."""

    KIND: ClassVar = "restore_accepted"
    LEGAL_IN: ClassVar = RESTORING

    status: int | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        p = settled(p, "restore")
        return replace(p, restore=replace(p.restore, accepted=True, seen=False), looks=replace(p.looks, day=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFailed(Fact):
    """The target refused the order to restore; with `until` it never left, since another order went first."""

    KIND: ClassVar = "restore_failed"
    LEGAL_IN: ClassVar = RESTORING

    why: str | None = None
    until: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return _again(settled(p, "restore"), at, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreUnanswered(Fact):
    """The order to restore has no result; it is repeated under its own key.

    With `until` it was broken off so that another order could go out, and is not repeated before then.
    """

    KIND: ClassVar = "restore_unanswered"
    LEGAL_IN: ClassVar = RESTORING

    why: str | None = None
    until: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return _again(p, at, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposed(Fact):
    """What becomes of each dataset held here."""

    KIND: ClassVar = "disposed"
    LEGAL_IN: ClassVar = frozenset({"verified"})

    datasets: list[dict[str, Any]] | None = None
    day: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, disposed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _End(Fact):
    """The last entry of a log."""

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, ended=self.KIND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_End):
    """Checked closed, disposed of, over."""

    KIND: ClassVar = "closed"
    LEGAL_IN: ClassVar = frozenset({"disposed"})

    closed_on: str | None = None
    stopped_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(_End):
    """Ended without a closure: kept, fixed, refuted or cancelled."""

    KIND: ClassVar = "ended"
    LEGAL_IN: ClassVar = BEFORE_STOP | {"restoring", "needs_person"}

    outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(_End):
    """A probe has seen it alive again: it came back whole."""

    KIND: ClassVar = "restored"
    LEGAL_IN: ClassVar = RESTORING
    NULLABLE: ClassVar = frozenset({"reason"})

    reason: str | None = None


def _again(p: Progress, at: datetime, until: str | None) -> Progress:
    """An order to restore is repeated: the day after, or at the instant until which it gave way to another."""
    again = datetime.fromisoformat(until) if until else None
    gave_way = p.restore.gave_way + 1 if until else 0
    return replace(p, restore=replace(p.restore, failed_at=at, again=again, gave_way=gave_way))
