"""Which entry a case may take where it stands. Pure."""

from services.decommission.cases.case import Progress
from services.decommission.cases.domain import IllegalEntry
from services.decommission.cases.entries.table import BY_KIND, KINDS
from services.decommission.cases.states import state_of, undone

# Which entry a case may take in which states: anything else raises.
LEGAL: dict[str, frozenset[str]] = {each.KIND: each.LEGAL_IN for each in KINDS}
# Each of these begins something that leads to a stop; the result of what was begun may still be written down.
TOWARDS_STOP = frozenset(each.KIND for each in KINDS if each.TOWARDS_STOP)


def check(p: Progress, kind: str) -> None:
    """Refuse an entry that the case may not take where it stands.

    Raises:
        IllegalEntry: it may not.
    """
    if not may(p, kind):
        raise IllegalEntry(state=state_of(p), entry=kind)


def may(p: Progress, kind: str) -> bool:
    """Whether the case may take this entry where it stands."""
    if kind in TOWARDS_STOP and undone(p) is not None:
        return False
    state = state_of(p)
    if state == "answering" and kind == "planned":
        return True  # the window ran out in silence: the passing of time writes no entry
    entry = BY_KIND.get(kind)
    return entry is not None and state in entry.LEGAL_IN and entry.allowed(p)
