"""What calls a person to a case, so that the call ends by itself when its cause is over. Pure."""

from services.decommission.alarms.domain import BROKEN, UNHEARD, UNSURE
from services.decommission.cases import states
from services.decommission.cases.case import Progress


def lasts(kind: str, p: Progress) -> bool:
    """Whether the cause of an alarm about a case still holds. Kinds not named here call a person to a parked case."""
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
        case _ if kind == UNSURE:
            return p.recheck.unsure_since is not None and not p.unwinding and states.undone(p) is None
    return kind in BROKEN or p.person is not None


def ended_by_entry(kind: str, p: Progress) -> bool:
    """Whether an alarm is over once its case has taken an entry: one that waited for nobody waits no more."""
    return kind == UNHEARD or not lasts(kind, p)
