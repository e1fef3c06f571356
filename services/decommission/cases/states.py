"""Where a case stands: one word for it, from what its log amounts to. Pure."""

from services.decommission.cases.case import Progress

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


def state_of(p: Progress) -> str:
    """The one word for where a case stands."""
    if p.ended is not None:
        return p.ended
    if p.person is not None:
        return "needs_person"
    if not p.opened:
        return "new"
    if p.stop.ordered:
        return _state_after_order(p)
    if p.notice is None:
        return "undelivered" if p.delivery.attempts >= p.windows.notice_attempts else "noticing"
    return _state_before_stop(p)


def _state_after_order(p: Progress) -> str:
    if p.unwinding:
        return "restoring"
    if p.stop.at is None:
        return "stopping"
    if p.disposed:
        return "disposed"
    if p.looks.verified_at is not None:
        return "verified"
    return "unverified" if p.looks.alive else "verifying"


def _state_before_stop(p: Progress) -> str:
    if p.reply is not None and p.reply.answer == "fix" and p.reply.checked_at is None and p.plan is None:
        return "fixing"
    if p.archive_sha256 is not None:
        return "rechecking" if p.recheck.asked_day is not None and p.approval is not None else "archived"
    if p.announced_at is not None:
        return "announced"
    if p.approval is not None:
        return "approved"
    if p.plan is not None:
        return "planned"
    return "ready" if _agreed(p) else "answering"


def _agreed(p: Progress) -> bool:
    """Whether the unit itself agreed after the least time it has; before, the passing of time makes a case ready."""
    if p.reply is None or p.reply.on_behalf or p.window_from is None:
        return False
    said_at = {"close": p.reply.at, "fix": p.reply.checked_at}.get(p.reply.answer)
    return said_at is not None and said_at >= p.window_from


def undone(p: Progress) -> str | None:
    """Why a case goes nowhere but to its end without a stop, or None: as a plan that holds it is told."""
    if p.cancelled is not None:
        return "the case was cancelled"
    if p.refuted:
        return "the finding is no longer true"
    keeps = p.reply is not None and p.reply.answer == "keep"
    return "the unit keeps it" if keeps and not p.stop.ordered else None


def left(p: Progress, plan_id: str) -> str | None:
    """Why a case is in a plan no more, or goes nowhere under it, or None."""
    if p.plan is None or p.plan.plan_id != plan_id:
        return "it has left the plan"
    return undone(p) or ("the case has ended" if p.ended == "ended" else None)
