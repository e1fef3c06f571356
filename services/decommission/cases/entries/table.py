"""All kinds of entry, by the name under which a log holds them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import reduce
from typing import Any

from libs.common import days
from services.decommission.cases.case import Progress
from services.decommission.cases.chain import Entry
from services.decommission.cases.entries import notice, person, plan, stop
from services.decommission.cases.entries.fact import Fact
from services.decommission.limits.domain import Windows

KINDS: tuple[type[Fact], ...] = (
    notice.Opened,
    notice.FindingAttached,
    notice.NoticeStarted,
    notice.Noticed,
    notice.Undelivered,
    notice.EndpointChanged,
    notice.SponsorChanged,
    notice.Answered,
    plan.Planned,
    plan.Unplanned,
    plan.Approved,
    plan.Announced,
    stop.ArchiveStarted,
    stop.Archived,
    stop.ArchiveFailed,
    plan.SlotReserved,
    plan.SlotMissed,
    plan.RecheckAsked,
    plan.Confirmed,
    plan.Refuted,
    plan.FindingRefuted,
    plan.Inconclusive,
    plan.Cleared,
    stop.StopStarted,
    stop.StopAccepted,
    stop.StopFailed,
    stop.StopUnanswered,
    stop.Probed,
    stop.RestoreAsked,
    stop.RestoreStarted,
    stop.RestoreAccepted,
    stop.RestoreFailed,
    stop.RestoreUnanswered,
    stop.Disposed,
    stop.Closed,
    stop.Ended,
    stop.Restored,
    person.Held,
    person.Released,
    person.NeedsPerson,
    person.Resumed,
    person.Cancelled,
)
BY_KIND: dict[str, type[Fact]] = {each.KIND: each for each in KINDS}


def read(kind: str, data: Mapping[str, Any]) -> Fact:
    """What an entry of a log states.

    Raises:
        LookupError: no service of this version writes such an entry, so nobody knows what it does to the case.
        TypeError: a field without which it says nothing is missing.
    """
    return BY_KIND[kind].read(data)


def applied(p: Progress, entry: Entry) -> Progress:
    """What a log amounts to with one more entry. Raises as `fold` does."""
    return read(entry.kind, entry.data).apply(p, entry.at, days.of(entry.at, p.zone))


def fold(log: Sequence[Entry], windows: Windows, zone: tzinfo) -> Progress:
    """What a log amounts to, from the first entry to the last.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it follows from itself, and no service wrote it.
    """
    return reduce(applied, log, Progress(windows=windows, zone=zone))
