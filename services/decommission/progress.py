"""What a case's log amounts to, and which entry may follow. Pure: the same log gives the same progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.decommission.chain import Entry
from services.decommission.domain import IllegalEntry, Windows

ENDED = frozenset({"closed", "ended", "restored"})
AFTER_STOP = frozenset({"verifying", "unverified", "verified"})
BEFORE_STOP = frozenset(
    {"noticing", "undelivered", "answering", "fixing", "ready", "planned", "approved", "announced", "archived",
     "rechecking"}
)  # fmt: skip
OPEN = BEFORE_STOP | AFTER_STOP | {"new", "stopping", "restoring", "disposed", "needs_person"}

# Which entry a case may take in which states: anything else raises.
LEGAL: dict[str, frozenset[str]] = {
    "opened": frozenset({"new"}),
    "finding_attached": OPEN,
    "notice_started": frozenset({"noticing"}),
    "noticed": frozenset({"noticing", "undelivered"}),
    "undelivered": frozenset({"noticing"}),
    "endpoint_changed": frozenset({"noticing", "undelivered"}),
    "answered": frozenset({"answering", "fixing", "ready", "planned", "approved", "announced", "archived"}),
    "planned": frozenset({"ready"}),
    "unplanned": frozenset({"planned"}),
    "approved": frozenset({"planned"}),
    "announced": frozenset({"approved"}),
    "archive_started": frozenset({"announced"}),
    "archived": frozenset({"announced"}),
    "archive_failed": frozenset({"announced", "archived", "rechecking"}),
    "slot_reserved": frozenset({"archived", "rechecking"}),
    "slot_missed": frozenset({"archived", "rechecking"}),
    "recheck_asked": frozenset({"archived", "rechecking", "fixing"}),
    "confirmed": frozenset({"rechecking", "archived", "fixing"}),
    "refuted": frozenset({"rechecking", "archived", "fixing"}),
    "inconclusive": frozenset({"rechecking", "archived", "fixing"}),
    "cleared": BEFORE_STOP,
    "stop_started": frozenset({"rechecking"}),
    "stop_accepted": frozenset({"stopping"}),
    "stop_failed": frozenset({"stopping"}),
    "probed": AFTER_STOP | {"restoring"},
    "restore_asked": AFTER_STOP,
    "restore_started": frozenset({"restoring"}),
    "restore_accepted": frozenset({"restoring"}),
    "restore_failed": frozenset({"restoring"}),
    "disposed": frozenset({"verified"}),
    "closed": frozenset({"disposed"}),
    "ended": BEFORE_STOP | {"restoring", "needs_person"},
    "restored": frozenset({"restoring"}),
    "held": OPEN - {"new", "disposed"},
    "released": OPEN,
    "needs_person": OPEN,
    "resumed": frozenset({"needs_person"}),
    "cancelled": BEFORE_STOP | AFTER_STOP | {"needs_person", "stopping"},
}


@dataclass
class Progress:
    """What a log amounts to. Instants are business time, days business days."""

    windows: Windows
    opened: bool = False
    attempts: int = 0
    last_attempt: datetime | None = None
    pending: dict[str, str] = field(default_factory=dict)  # step → effect key, started without a result
    noticed_at: datetime | None = None
    notice_sha256: str | None = None
    answer: str | None = None
    fix_until: date | None = None
    fix_checked: bool = False
    plan_id: str | None = None
    plan_sha256: str | None = None
    approved: bool = False
    announced_at: datetime | None = None
    archive_sha256: str | None = None
    archive_failures: int = 0
    last_failure: datetime | None = None
    slot_day: date | None = None
    asked_day: date | None = None
    request_id: str | None = None
    inconclusive_day: date | None = None
    missed_day: date | None = None
    confirmed_day: date | None = None
    refuted: bool = False
    stopped_at: datetime | None = None
    stop_failures: int = 0
    gone_days: list[date] = field(default_factory=list)
    probed_day: date | None = None
    alive: bool = False
    verified_at: datetime | None = None
    restore_why: str | None = None
    restore_accepted: bool = False
    restore_seen: bool = False
    disposed: bool = False
    ended: str | None = None
    cancelled: str | None = None
    person: str | None = None
    held_since: datetime | None = None
    hold_until: date | None = None
    paused: timedelta = timedelta(0)
    clock_from: datetime | None = None  # the start of the wait that a hold prolongs


def fold(log: Sequence[Entry], windows: Windows, zone: ZoneInfo) -> Progress:
    """What has happened, from the first entry to the last."""
    p = Progress(windows)
    for entry in log:
        _apply(p, entry, entry.at.astimezone(zone).date())
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
            _clock(p, entry.at)
        case "undelivered":
            p.pending.pop("notice", None)
            p.attempts, p.last_attempt = p.attempts + 1, entry.at
        case "endpoint_changed":
            p.attempts, p.last_attempt = 0, None
        case "answered":
            p.answer = data["answer"]
            p.fix_until = date.fromisoformat(data["until"]) if data["answer"] == "fix" else None
            p.fix_checked = False
        case "planned":
            p.plan_id, p.plan_sha256 = data["plan_id"], data["plan_sha256"]
        case "unplanned":
            p.plan_id = p.plan_sha256 = None
        case "approved":
            p.approved = True
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
            p.missed_day = day
        case "recheck_asked":
            p.asked_day, p.request_id, p.confirmed_day = day, data["request_id"], None
        case "confirmed":
            p.confirmed_day = day
            p.fix_checked = p.fix_checked or p.answer == "fix"
        case "refuted" | "cleared":
            p.refuted = True
        case "inconclusive":
            p.inconclusive_day = day
        case _:
            _apply_end(p, entry, day)


def _apply_end(p: Progress, entry: Entry, day: date) -> None:
    data = entry.data
    match entry.kind:
        case "stop_started":
            p.pending["stop"] = data["key"]
        case "stop_accepted":
            p.pending.pop("stop", None)
            p.stopped_at = entry.at
        case "stop_failed":
            p.pending.pop("stop", None)
            p.stop_failures, p.last_failure = p.stop_failures + 1, entry.at
        case "probed":
            _apply_probe(p, entry, day)
        case "restore_asked":
            p.restore_why = data["reason"]
        case "restore_started":
            p.pending["restore"] = data["key"]
        case "restore_accepted":
            p.pending.pop("restore", None)
            p.restore_accepted, p.probed_day = True, None
        case "restore_failed":
            p.pending.pop("restore", None)
            p.last_failure = entry.at
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
        case "resumed":
            p.person = None
            p.archive_failures = p.stop_failures = 0
        case "held":
            p.held_since = p.held_since or entry.at
            p.hold_until = date.fromisoformat(data["until"]) if data.get("until") else None
        case "released":
            if p.held_since is not None:
                since = max(p.held_since, p.clock_from) if p.clock_from else p.held_since
                p.paused += max(timedelta(0), entry.at - since)
            p.held_since = p.hold_until = None
        case _:
            pass


def _apply_probe(p: Progress, entry: Entry, day: date) -> None:
    p.probed_day = day
    result = entry.data["result"]
    if p.restore_why is not None or p.cancelled is not None:
        p.restore_seen = result == "alive"
        return
    p.alive = result == "alive"
    follows = not p.gone_days or p.gone_days[-1] + timedelta(days=1) == day
    p.gone_days = [*(p.gone_days if follows else []), day] if result == "gone" else []
    if p.verified_at is None and len(p.gone_days) >= p.windows.verify_days:
        p.verified_at = entry.at
        _clock(p, entry.at)


def _clock(p: Progress, at: datetime) -> None:
    """A new wait begins; holds of earlier waits do not prolong it."""
    p.paused, p.clock_from = timedelta(0), at


def state_of(p: Progress) -> str:
    """The one word for where a case stands."""
    if p.ended is not None:
        return p.ended
    if p.person is not None:
        return "needs_person"
    if not p.opened:
        return "new"
    if p.stopped_at is not None:
        return _state_after_stop(p)
    if p.noticed_at is None:
        return "undelivered" if p.attempts >= p.windows.notice_attempts else "noticing"
    if "stop" in p.pending:
        return "stopping"
    return _state_before_stop(p)


def _state_after_stop(p: Progress) -> str:
    if p.restore_why is not None or p.cancelled is not None:
        return "restoring"
    if p.disposed:
        return "disposed"
    if p.verified_at is not None:
        return "verified"
    return "unverified" if p.alive else "verifying"


def _state_before_stop(p: Progress) -> str:
    if p.answer == "fix" and not p.fix_checked and p.plan_id is None:
        return "fixing"
    if p.archive_sha256 is not None:
        return "rechecking" if p.asked_day is not None and p.approved else "archived"
    if p.announced_at is not None:
        return "announced"
    if p.approved:
        return "approved"
    if p.plan_id is not None:
        return "planned"
    return "ready" if p.answer in ("close", "fix") else "answering"


def check(p: Progress, kind: str) -> None:
    """Raise IllegalEntry unless the case may take this entry where it stands."""
    state = state_of(p)
    if state == "answering" and kind == "planned":
        return  # the window ran out in silence: the passing of time writes no entry
    if state not in LEGAL.get(kind, frozenset()):
        raise IllegalEntry(state=state, entry=kind)
