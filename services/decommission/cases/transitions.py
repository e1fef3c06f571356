"""Where a case stands, and which entry its log may take there: the one table of legal transitions. Pure."""

from services.decommission.cases.case import Progress
from services.decommission.cases.domain import IllegalEntry

ENDED = frozenset({"closed", "ended", "restored"})
AFTER_STOP = frozenset({"verifying", "unverified", "verified"})
BEFORE_STOP = frozenset(
    {
        "noticing",
        "undelivered",
        "answering",
        "fixing",
        "ready",
        "planned",
        "approved",
        "announced",
        "archived",
        "rechecking",
    }
)
RECHECKS = frozenset({"archived", "rechecking", "stopping", "fixing"})
OPEN = BEFORE_STOP | AFTER_STOP | {"new", "stopping", "restoring", "disposed", "needs_person"}

# Which entry a case may take in which states: anything else raises.
LEGAL: dict[str, frozenset[str]] = {
    "opened": frozenset({"new"}),
    "finding_attached": OPEN,
    "notice_started": frozenset({"noticing"}),
    "noticed": frozenset({"noticing", "undelivered", "needs_person"}),
    "undelivered": frozenset({"noticing"}),
    "endpoint_changed": frozenset({"noticing", "undelivered", "answering", "fixing", "ready", "needs_person"}),
    "sponsor_changed": frozenset({"answering", "ready"}),
    "answered": frozenset(
        {"answering", "fixing", "ready", "planned", "approved", "announced", "archived", "rechecking", "needs_person"}
    ),
    "planned": frozenset({"ready"}),
    "unplanned": frozenset({"planned", "approved", "announced", "archived", "rechecking", "needs_person"}),
    "approved": frozenset({"planned"}),
    "announced": frozenset({"approved"}),
    "archive_started": frozenset({"announced", "stopping"}),
    "archived": frozenset({"announced", "stopping"}),
    "archive_failed": frozenset({"announced", "archived", "rechecking", "stopping"}),
    "slot_reserved": frozenset({"archived", "rechecking", "stopping"}),
    "slot_missed": frozenset({"archived", "rechecking", "stopping"}),
    "recheck_asked": RECHECKS,
    "confirmed": RECHECKS,
    "refuted": RECHECKS,
    "finding_refuted": RECHECKS,
    "inconclusive": RECHECKS,
    "cleared": BEFORE_STOP | {"stopping", "needs_person"},
    "stop_started": frozenset({"rechecking", "stopping"}),
    # "restoring": what is cancelled while the order to stop is on its way still has its answer written down
    "stop_accepted": frozenset({"stopping", "restoring"}),
    "stop_failed": frozenset({"stopping", "restoring"}),
    "stop_unanswered": frozenset({"stopping", "restoring"}),
    "probed": AFTER_STOP | {"restoring"},
    "restore_asked": AFTER_STOP | {"needs_person"},
    "restore_started": frozenset({"restoring"}),
    "restore_accepted": frozenset({"restoring"}),
    "restore_failed": frozenset({"restoring"}),
    "restore_unanswered": frozenset({"restoring"}),
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

# Each of these begins something that leads to a stop; the result of what was begun may still be written down.
TOWARDS_STOP = frozenset({"planned", "approved", "announced", "archive_started", "slot_reserved", "stop_started"})


def state_of(p: Progress) -> str:
    """The one word for where a case stands."""
    if p.ended is not None:
        return p.ended
    if p.person is not None:
        return "needs_person"
    if not p.opened:
        return "new"
    if p.stop_ordered:
        return _state_after_order(p)
    if p.noticed_at is None:
        return "undelivered" if p.attempts >= p.windows.notice_attempts else "noticing"
    return _state_before_stop(p)


def _state_after_order(p: Progress) -> str:
    if p.unwinding:
        return "restoring"
    if p.stopped_at is None:
        return "stopping"
    if p.disposed:
        return "disposed"
    if p.verified_at is not None:
        return "verified"
    return "unverified" if p.alive else "verifying"


def _state_before_stop(p: Progress) -> str:
    if p.answer == "fix" and p.fix_checked_at is None and p.plan_id is None:
        return "fixing"
    if p.archive_sha256 is not None:
        return "rechecking" if p.asked_day is not None and p.approved else "archived"
    if p.announced_at is not None:
        return "announced"
    if p.approved:
        return "approved"
    if p.plan_id is not None:
        return "planned"
    return "ready" if p.answer in ("close", "fix") and not p.on_behalf and _window_kept(p) else "answering"


def _window_kept(p: Progress) -> bool:
    """Whether what the unit said came after the least time it has; before, the passing of time makes a case ready."""
    said = p.answered_at if p.answer == "close" else p.fix_checked_at
    return said is not None and said >= p.window_from


def check(p: Progress, kind: str) -> None:
    """Raise IllegalEntry unless the case may take this entry where it stands."""
    if not may(p, kind):
        raise IllegalEntry(state=state_of(p), entry=kind)


def undone(p: Progress) -> str | None:
    """Why a case goes nowhere but to its end without a stop, or None: as a plan that holds it is told."""
    if p.cancelled is not None:
        return "the case was cancelled"
    if p.refuted:
        return "the finding is no longer true"
    return "the unit keeps it" if p.answer == "keep" and not p.stop_ordered else None


def left(p: Progress, plan_id: str) -> str | None:
    """Why a case is in a plan no more, or goes nowhere under it, or None."""
    if p.plan_id != plan_id:
        return "it has left the plan"
    return undone(p) or ("the case has ended" if p.ended == "ended" else None)


def may(p: Progress, kind: str) -> bool:
    """Whether the case may take this entry where it stands."""
    state = state_of(p)
    if kind in TOWARDS_STOP and undone(p) is not None:
        return False
    if state == "answering" and kind == "planned":
        return True  # the window ran out in silence: the passing of time writes no entry
    match kind:
        # That the machine waits for a person takes no word from the unit: what it says counts once the case goes on.
        case "noticed" if p.person is not None and p.noticed_at is not None:
            return False
        case "answered" if p.person is not None and (p.noticed_at is None or p.stop_ordered):
            return False
        case "endpoint_changed" if p.stop_ordered or p.plan_id is not None:  # out of its plan first, or too late
            return False
        case "released" if p.held_since is None:
            return False
        case "cancelled" if p.disposed:
            return False
        case "restore_asked" if p.stopped_at is None or p.disposed or p.unwinding:
            return False
        case "unplanned" if p.plan_id is None or p.stop_ordered:
            return False
        case "cleared" if p.stopped_at is not None:  # parked or not: a stopped asset is watched no more
            return False
    return state in LEGAL.get(kind, frozenset())
