"""Records of the usage stream that are read and not written yet. Pure: generic in records and partitions."""

from typing import Any

from services.monitor.usage.fold import Calendar, Fold

KEPT_REFUSALS = 200  # of one batch; beyond that a flood of bad records is counted and logged, not kept one by one


class Batch:
    """One fold with the offsets it began at, the records it refused, and those of senders that are set aside."""

    def __init__(self, calendar: Calendar) -> None:
        self.fold = Fold(calendar)
        self.bad: list[tuple[Any, str, str]] = []  # record, code, reason
        self.not_kept = 0
        self.parked: dict[str, list[Any]] = {}  # by sender
        self.begun: dict[Any, int] = {}  # by partition

    def refuse(self, record: Any, code: str, reason: str) -> None:
        if len(self.bad) < KEPT_REFUSALS:
            self.bad.append((record, code, reason))
        else:
            self.not_kept += 1

    def park(self, sender: str, record: Any) -> None:
        self.parked.setdefault(sender, []).append(record)

    def set_unstorable(self, calendar: Calendar, record: Any, reason: str) -> None:
        """The database cannot store this single record: it becomes a dead letter and nothing of it is counted."""
        self.fold, self.parked = Fold(calendar), {}
        self.bad = [(record, "unstorable", reason)]
