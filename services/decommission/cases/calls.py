"""What calls a person to a case, so that the call ends by itself when its cause is over. Pure."""

from services.decommission.alarms.domain import BROKEN, UNHEARD, UNSURE
from services.decommission.cases import transitions
from services.decommission.cases.case import Progress


def lasts(kind: str, p: Progress) -> bool:
    """Whether the cause of an alarm about a case still holds. Kinds not named here call a person to a parked case."""
    if p.ended is not None:
        return False
    match kind:
        case "undelivered":
            return p.noticed_at is None and p.attempts >= p.windows.notice_attempts and transitions.undone(p) is None
        case "archive":
            return p.approved and p.archive_sha256 is None
        case "unverified":
            return p.alive and not p.unwinding
        case "unclear":
            return p.unclear > 0 and not p.unwinding
        case "restore":
            return p.unwinding and not p.restore_seen
        case _ if kind == UNSURE:
            return p.unsure_since is not None and not p.unwinding and transitions.undone(p) is None
    return kind in BROKEN or p.person is not None


def ended_by_entry(kind: str, p: Progress) -> bool:
    """Whether an alarm is over once its case has taken an entry: one that waited for nobody waits no more."""
    return kind == UNHEARD or not lasts(kind, p)
