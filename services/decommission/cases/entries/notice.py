"""Entries from the opening of a case to the unit's answer. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from services.decommission.cases.case import Delivery, Notice, Progress, Reply
from services.decommission.cases.entries.fact import Fact, next_wait, settled, started
from services.decommission.cases.states import OPEN
from services.decommission.routes.table import pinned_route


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Fact):
    """A finding opens the case. Windows, zone, the way of counting days and the route are pinned here."""

    KIND: ClassVar = "opened"
    LEGAL_IN: ClassVar = frozenset({"new"})

    finding_id: str
    rule: str
    evidence_sha256: str
    basis: str | None = None
    windows: dict[str, int] | None = None
    zone: str | None = None
    days: str | None = None
    route: dict[str, Any] | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(p, opened=True, route=pinned_route(self.route))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAttached(Fact):
    """Another finding of the same asset."""

    KIND: ClassVar = "finding_attached"
    LEGAL_IN: ClassVar = OPEN

    finding_id: str
    rule: str
    evidence_sha256: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return p


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeStarted(Fact):
    """The notice is about to be sent under an effect key; `unit_key` is the thumbprint of the key it is sent to."""

    KIND: ClassVar = "notice_started"
    LEGAL_IN: ClassVar = frozenset({"noticing"})

    key: str
    unit_key: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return started(p, "notice", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Fact):
    """The unit's receipt proves that it was told: its window begins."""

    KIND: ClassVar = "noticed"
    LEGAL_IN: ClassVar = frozenset({"noticing", "undelivered", "needs_person"})

    notice_sha256: str
    unit_id: str | None = None
    sponsor_id: str | None = None
    received_on: str | None = None
    receipt_sha256: str | None = None
    key: dict[str, Any] | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """A case that waits for a person takes the proof of a notice that it lacks, and no second one."""
        return p.person is None or p.notice is None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        notice = Notice(at=at, sha256=self.notice_sha256, key=self.key)
        delivery = replace(p.delivery, unit=self.sponsor_id, not_before=None)
        return next_wait(replace(settled(p, "notice"), notice=notice, delivery=delivery), at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered(Fact):
    """An attempt without proof. With `until` the unit was reached, its key is too young to prove it before then."""

    KIND: ClassVar = "undelivered"
    LEGAL_IN: ClassVar = frozenset({"noticing"})

    why: str
    attempt: int
    until: str | None = None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        if self.until:
            not_before = datetime.fromisoformat(self.until)
            delivery = replace(p.delivery, last_attempt=at, not_before=not_before)
        else:
            delivery = replace(p.delivery, last_attempt=at, not_before=None, attempts=p.delivery.attempts + 1)
        return replace(settled(p, "notice"), delivery=delivery)


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorChanged(Fact):
    """Another unit answers for the asset by now: it has not been told."""

    KIND: ClassVar = "sponsor_changed"
    LEGAL_IN: ClassVar = frozenset({"answering", "ready"})

    unit_id: str

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        return replace(_untold(p), reply=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChanged(Fact):
    """Another key or address of the unit is in force: it is told anew. What it promised to mend it may still mend."""

    KIND: ClassVar = "endpoint_changed"
    LEGAL_IN: ClassVar = frozenset({"noticing", "undelivered", "answering", "fixing", "ready", "needs_person"})

    unit_id: str | None = None
    key: dict[str, Any] | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """Out of its plan first; after an order to stop it is too late."""
        return not p.stop.ordered and p.plan is None

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        p = settled(_untold(p), "notice")
        lapses = p.reply is not None and (p.reply.answer == "close" or p.reply.on_behalf)
        return replace(p, reply=None) if lapses else p


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Fact):
    """The unit's answer, or one that an operator gives for it."""

    KIND: ClassVar = "answered"
    LEGAL_IN: ClassVar = frozenset(
        {"answering", "fixing", "ready", "planned", "approved", "announced", "archived", "rechecking", "needs_person"}
    )
    NULLABLE: ClassVar = frozenset({"reason", "until"})

    answer: str
    reason: str | None = None
    until: str | None = None
    on_behalf: bool | None = None

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """A case that waits for a person still accepts the unit's answer; it takes effect when the case resumes."""
        return p.person is None or (p.notice is not None and not p.stop.ordered)

    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        on_behalf = bool(self.on_behalf)
        until = date.fromisoformat(self.until) if self.answer == "fix" and self.until is not None else None
        p = replace(p, reply=Reply(answer=self.answer, at=at, on_behalf=on_behalf, fix_until=until))
        return next_wait(p, at) if until is not None and not on_behalf else p


def _untold(p: Progress) -> Progress:
    """Whoever has to be told now has not been told yet; whom the last notice told is remembered."""
    return replace(p, notice=None, delivery=Delivery(unit=p.delivery.unit))
