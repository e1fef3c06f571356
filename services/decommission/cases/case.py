"""What a case's log amounts to. Pure: the same log gives the same progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from libs.common import days
from services.decommission.cases.chain import Entry
from services.decommission.limits.domain import Windows


@dataclass
class Progress:
    """What a log amounts to. Instants are business time, days business days.

    `pending`: step → effect key, started without a result. `stop_ordered`: an order to stop has gone out, or may have,
    and nothing says that it was refused. `stop_unclear`: one of them has no result; that a later one is refused says
    nothing of it. `clock_from`: the start of the wait that a hold prolongs, `paused` by how many days.
    `unsure_since`: the day since which the monitor, asked, has said neither yes nor no; `unsure_day` the last on which
    it said that it cannot tell. `not_before`: until then no receipt can be proof. `notice_key`: the key that the
    receipt is by, as it is named. `restore_again`: when an order to restore that was broken off for another is
    repeated; `restore_gave_way`: how many times in a row it was.
    """

    windows: Windows
    zone: tzinfo = UTC
    opened: bool = False
    attempts: int = 0
    last_attempt: datetime | None = None
    not_before: datetime | None = None
    pending: dict[str, str] = field(default_factory=dict)
    noticed_at: datetime | None = None
    notice_sha256: str | None = None
    noticed_unit: str | None = None
    notice_key: dict[str, Any] | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    on_behalf: bool = False
    fix_until: date | None = None
    fix_checked_at: datetime | None = None
    plan_id: str | None = None
    plan_sha256: str | None = None
    approved: bool = False
    approvers: tuple[str, ...] = ()
    mandates: tuple[str, ...] = ()
    announced_at: datetime | None = None
    archive_sha256: str | None = None
    archive_failures: int = 0
    last_failure: datetime | None = None
    slot_day: date | None = None
    missed_day: date | None = None
    asked_day: date | None = None
    asked_rule: str | None = None
    asked_finding: str | None = None
    request_id: str | None = None
    confirmed_day: date | None = None
    unsure_since: date | None = None
    unsure_day: date | None = None
    refuted: bool = False
    stop_ordered: bool = False
    stop_unclear: bool = False
    stop_failures: int = 0
    stopped_at: datetime | None = None
    gone_days: list[date] = field(default_factory=list)
    probed_day: date | None = None
    unclear: int = 0
    alive: bool = False
    verified_at: datetime | None = None
    restore_why: str | None = None
    restore_failed_at: datetime | None = None
    restore_again: datetime | None = None
    restore_gave_way: int = 0
    restore_accepted: bool = False
    restore_looks: int = 0
    restore_seen: bool = False
    disposed: bool = False
    ended: str | None = None
    cancelled: str | None = None
    person: str | None = None
    held_since: datetime | None = None
    hold_until: date | None = None
    paused: int = 0
    clock_from: datetime | None = None

    @property
    def window_from(self) -> datetime:
        """Before this no answer, not even one that agrees, lets a case go on to a plan."""
        assert self.noticed_at is not None  # noqa: S101 - only a noticed case is answered
        least = min(self.windows.min_answer_days, self.windows.answer_days)
        return days.after(self.noticed_at, least + self.paused, self.zone) if least else self.noticed_at

    @property
    def unwinding(self) -> bool:
        """Whether what was done is being undone; a finding that falls while a stop is on its way undoes it too."""
        asked = self.cancelled is not None or self.restore_why is not None
        return asked or (self.refuted and self.stop_ordered)


def fold(log: Sequence[Entry], windows: Windows, zone: tzinfo) -> Progress:
    """What has happened, from the first entry to the last."""
    p = Progress(windows, zone)
    for entry in log:
        _apply(p, entry, days.of(entry.at, zone))
    return p


def _apply(p: Progress, entry: Entry, day: date) -> None:
    data: dict[str, Any] = entry.data
    match entry.kind:
        case "opened":
            p.opened = True
        case "notice_started":
            p.pending["notice"] = data["key"]
        case "noticed":
            p.pending.pop("notice", None)
            p.noticed_at, p.notice_sha256 = entry.at, data["notice_sha256"]
            p.noticed_unit, p.notice_key, p.not_before = data.get("sponsor_id"), data.get("key"), None
            _clock(p, entry.at)
        case "undelivered":
            p.pending.pop("notice", None)
            p.last_attempt, p.not_before = entry.at, None
            if data.get("until"):  # the unit has been reached, and its key is too young: no attempt has failed
                p.not_before = datetime.fromisoformat(data["until"])
            else:
                p.attempts += 1
        case "sponsor_changed":
            _untold(p)
            p.answer = p.answered_at = p.fix_until = p.fix_checked_at = None
            p.on_behalf = False
        case "endpoint_changed":
            _untold(p)
            p.pending.pop("notice", None)
            if p.answer == "close" or p.on_behalf:  # what a unit has promised to mend it may still mend
                p.answer = p.answered_at = p.fix_until = p.fix_checked_at = None
                p.on_behalf = False
        case "answered":
            p.answer, p.answered_at, p.on_behalf = data["answer"], entry.at, bool(data.get("on_behalf"))
            p.fix_until = date.fromisoformat(data["until"]) if data["answer"] == "fix" else None
            p.fix_checked_at = None
            if p.fix_until is not None and not p.on_behalf:
                _clock(p, entry.at)
        case "planned":
            p.plan_id, p.plan_sha256 = data["plan_id"], data["plan_sha256"]
        case "unplanned":
            _replan(p)
        case "approved":
            p.approved, p.approvers = True, tuple(data["approvers"])
            p.mandates = tuple(data.get("mandates", ()))
        case "announced":
            p.announced_at = entry.at
            _clock(p, entry.at)
        case "archived":
            p.pending.pop("archive", None)
            p.archive_sha256 = data["sha256"]
        case "archive_started":
            p.pending["archive"] = data["key"]
        case "archive_failed":
            p.pending.pop("archive", None)
            p.archive_sha256 = None
            p.archive_failures, p.last_failure = p.archive_failures + 1, entry.at
        case "slot_reserved":
            p.slot_day = day
        case "slot_missed":
            p.missed_day, p.slot_day = day, None
        case "recheck_asked":
            p.asked_day, p.request_id, p.confirmed_day = day, data["request_id"], None
            p.asked_rule, p.asked_finding = data.get("rule"), data.get("finding_id")
            p.unsure_since = p.unsure_since or day
        case "inconclusive":
            p.unsure_day = day
        case "confirmed":
            p.confirmed_day, p.unsure_since = day, None
            if p.answer == "fix":
                p.fix_checked_at = p.fix_checked_at or entry.at
        case "finding_refuted":
            p.asked_day = p.request_id = p.confirmed_day = p.unsure_since = None
        case "refuted" | "cleared":
            p.refuted, p.unsure_since = True, None
        case _:
            _apply_end(p, entry, day)


def _untold(p: Progress) -> None:
    """Whoever has to be told now has not been told yet."""
    p.attempts, p.last_attempt, p.not_before = 0, None, None
    p.noticed_at = p.notice_sha256 = p.notice_key = None


def _replan(p: Progress) -> None:
    """Out of its plan: whatever rested on that plan's signatures is to be done anew."""
    p.plan_id = p.plan_sha256 = p.announced_at = p.archive_sha256 = p.confirmed_day = None
    p.approved, p.approvers, p.mandates, p.paused, p.unsure_since = False, (), (), 0, None


def _apply_end(p: Progress, entry: Entry, day: date) -> None:
    data = entry.data
    match entry.kind:
        case "stop_started":
            p.pending["stop"], p.stop_ordered = data["key"], True
        case "stop_accepted":
            p.pending.pop("stop", None)
            p.stopped_at = entry.at
        case "stop_failed":
            p.pending.pop("stop", None)
            p.stop_ordered = p.stop_unclear
            p.stop_failures, p.last_failure = p.stop_failures + 1, entry.at
        case "stop_unanswered":
            p.stop_unclear = True
            p.stop_failures, p.last_failure = p.stop_failures + 1, entry.at
        case "probed":
            _apply_probe(p, entry, day)
        case "restore_asked":
            p.restore_why, p.person = data["reason"], None
        case "restore_started":
            p.pending["restore"] = data["key"]
        case "restore_accepted":
            p.pending.pop("restore", None)
            p.restore_accepted, p.restore_seen, p.probed_day = True, False, None
        case "restore_failed" | "restore_unanswered":
            if entry.kind == "restore_failed":
                p.pending.pop("restore", None)
            p.restore_failed_at, p.restore_again = entry.at, None
            p.restore_gave_way = p.restore_gave_way + 1 if data.get("until") else 0
            if data.get("until"):
                p.restore_again = datetime.fromisoformat(data["until"])
        case "disposed":
            p.disposed = True
        case "closed" | "restored":
            p.ended = entry.kind
        case "ended":
            p.ended = "ended"
        case "cancelled":
            p.cancelled = data["reason"]
            p.person = None
        case "needs_person":
            p.person = data["why"]
            p.pending.pop(data.get("unknown", ""), None)
            p.stop_unclear = p.stop_unclear or data.get("unknown") == "stop"
        case "resumed":
            p.person = None
            p.archive_failures = p.stop_failures = 0
        case "held":
            until = date.fromisoformat(data["until"]) if data.get("until") else None
            if p.held_since is not None:  # of several the longest counts, and none is longer than "further notice"
                until = None if until is None or p.hold_until is None else max(until, p.hold_until)
            p.held_since, p.hold_until = p.held_since or entry.at, until
        case "released":
            if p.held_since is not None:
                since = max(p.held_since, p.clock_from) if p.clock_from else p.held_since
                p.paused += max(0, days.between(days.of(since, p.zone), day))
            p.held_since = p.hold_until = None
        case _:
            pass


def _apply_probe(p: Progress, entry: Entry, day: date) -> None:
    p.probed_day = day
    result = entry.data["result"]
    if p.unwinding:
        p.restore_seen = p.restore_accepted and result == "alive"
        p.restore_looks += 1
        return
    if result != "unclear":
        p.alive = result == "alive"
    if p.alive:
        p.verified_at = None  # whatever was proved before: it is back
    p.unclear = p.unclear + 1 if result == "unclear" else 0
    follows = not p.gone_days or days.later(p.gone_days[-1], 1) == day
    p.gone_days = [*(p.gone_days if follows else []), day] if result == "gone" else []
    if p.verified_at is None and len(p.gone_days) >= p.windows.verify_days:
        p.verified_at = entry.at
        _clock(p, entry.at)


def _clock(p: Progress, at: datetime) -> None:
    """A new wait begins; holds of earlier waits do not prolong it."""
    p.paused, p.clock_from = 0, at
