"""Entries from the plan to the monitor's answer: what a person signs, what is announced, asked and confirmed. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from services.decommission.cases.case import Approval, Membership, Progress, Slot, Timer
from services.decommission.cases.entries.fact import Fact, in_plan, next_wait
from services.decommission.cases.states import BEFORE_STOP, RECHECKS

SLOTS = frozenset({"archived", "rechecking", "stopping"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Fact):
    """The case is sealed into the plan of a day."""

    KIND: ClassVar = "planned"
    LEGAL_IN: ClassVar = frozenset({"ready"})
    TOWARDS_STOP: ClassVar = True

    plan_id: str
    plan_sha256: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, plan=Membership(plan_id=self.plan_id, sha256=self.plan_sha256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned(Fact):
    """Out of its plan: whatever rested on that plan's signatures is done anew."""

    KIND: ClassVar = "unplanned"
    LEGAL_IN: ClassVar = frozenset({"planned", "approved", "announced", "archived", "rechecking", "needs_person"})

    plan_id: str | None = None
    why: str | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """Only out of a plan, and only before an order to stop."""
        return p.plan is not None and not p.stop.ordered

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        recheck = replace(p.recheck, confirmed_day=None, unsure_since=None)
        timer = Timer(since=p.timer.since)
        return replace(p, plan=None, archive_sha256=None, recheck=recheck, timer=timer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Fact):
    """Enough people have signed the plan's hash."""

    KIND: ClassVar = "approved"
    LEGAL_IN: ClassVar = frozenset({"planned"})
    TOWARDS_STOP: ClassVar = True

    plan_id: str
    plan_sha256: str
    approvers: list[str]
    mandates: list[str] | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        approval = Approval(approvers=tuple(self.approvers), mandates=tuple(self.mandates or ()))
        return replace(p, plan=replace(in_plan(p), approval=approval))


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced(Fact):
    """The public notice period begins."""

    KIND: ClassVar = "announced"
    LEGAL_IN: ClassVar = frozenset({"approved"})
    TOWARDS_STOP: ClassVar = True

    announced_on: str | None = None
    stop_not_before: str | None = None
    notice_key: dict[str, Any] | None = None
    notice_key_age_days: int | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return next_wait(replace(p, plan=replace(in_plan(p), announced_at=at)), at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotReserved(Fact):
    """A slot under the limits of this day."""

    KIND: ClassVar = "slot_reserved"
    LEGAL_IN: ClassVar = SLOTS
    TOWARDS_STOP: ClassVar = True

    day: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, slot=replace(p.slot, day=day))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMissed(Fact):
    """The limits of this day leave no slot."""

    KIND: ClassVar = "slot_missed"
    LEGAL_IN: ClassVar = SLOTS

    day: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, slot=Slot(missed_day=day))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckAsked(Fact):
    """The monitor is asked whether a finding is still true today."""

    KIND: ClassVar = "recheck_asked"
    LEGAL_IN: ClassVar = RECHECKS

    request_id: str
    day: str | None = None
    rule: str | None = None
    finding_id: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        recheck = replace(
            p.recheck,
            asked_day=day,
            request_id=self.request_id,
            confirmed_day=None,
            rule=self.rule,
            finding_id=self.finding_id,
            unsure_since=p.recheck.unsure_since or day,
        )
        return replace(p, recheck=recheck)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSays(Fact):
    """What the answers of the monitor have in common."""

    LEGAL_IN: ClassVar = RECHECKS

    request_id: str | None = None
    finding_id: str | None = None
    signals: list[dict[str, Any]] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconclusive(MonitorSays):
    """The monitor cannot tell today."""

    KIND: ClassVar = "inconclusive"

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, recheck=replace(p.recheck, unsure_day=day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed(MonitorSays):
    """The finding is true today."""

    KIND: ClassVar = "confirmed"

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        p = replace(p, recheck=replace(p.recheck, confirmed_day=day, unsure_since=None))
        if p.reply is not None and p.reply.answer == "fix":
            return replace(p, reply=replace(p.reply, checked_at=p.reply.checked_at or at))
        return p


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRefuted(MonitorSays):
    """One finding is no longer true, another of the case may be: that one is asked about next."""

    KIND: ClassVar = "finding_refuted"

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        recheck = replace(p.recheck, asked_day=None, request_id=None, confirmed_day=None, unsure_since=None)
        return replace(p, recheck=recheck)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuted(MonitorSays):
    """The last finding is no longer true, as the monitor answers."""

    KIND: ClassVar = "refuted"

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return _no_longer_true(p)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Fact):
    """The daily sweep sees the last finding no more."""

    KIND: ClassVar = "cleared"
    LEGAL_IN: ClassVar = BEFORE_STOP | {"stopping", "needs_person"}

    finding_id: str | None = None
    reason: str | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """A stopped asset is watched no more, whether or not its case waits for a person."""
        return p.stop.at is None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return _no_longer_true(p)


def _no_longer_true(p: Progress) -> Progress:
    return replace(p, refuted=True, recheck=replace(p.recheck, unsure_since=None))
