"""What an alarm about a case stands for, so that it ends by itself when that is over. Pure."""

from services.decommission.cases import states
from services.decommission.cases.case import Progress

UNSIGNED = "plan-unsigned"
UNSURE = "recheck-unsure"
UNHEARD = "unheard"
# About the log itself, or the row of the asset: an entry proves nothing of these, so they are looked at once a day.
BROKEN = frozenset({"chain-broken", "broken"})
OVER = "起因已消除 what it was raised for is over"


def lasts(kind: str, p: Progress) -> bool:
    """Whether that for which an alarm was raised about a case is still so. Those not named here call a person to it."""
    if p.ended is not None:
        return False
    match kind:
        case "undelivered":
            return p.notice is None and p.delivery.attempts >= p.windows.notice_attempts and states.undone(p) is None
        case "archive":
            return p.approval is not None and p.archive_sha256 is None
        case "unverified":
            return p.looks.alive and not p.unwinding
        case "unclear":
            return p.looks.unclear > 0 and not p.unwinding
        case "restore":
            return p.unwinding and not p.restore.seen
        case "recheck-unsure":
            return p.recheck.unsure_since is not None and not p.unwinding and states.undone(p) is None
    return kind in BROKEN or p.person is not None


def moved(kind: str, p: Progress) -> bool:
    """Whether an alarm is over once its case has taken an entry: one that waited for nobody waits no more."""
    return kind == UNHEARD or not lasts(kind, p)
