"""Which waiting nobody would hear of: for signatures, for the monitor, or for nobody at all. Pure.

A wait is heard of on the first instant of the third day after that on which it began; days are those of the zone.
"""

from datetime import datetime, tzinfo

from libs.common import days
from services.decommission.cases import next_move
from services.decommission.cases.case import Progress

HEARD_AFTER = 3  # days of the calendar, for what waits for somebody
LOST_AFTER = 1  # for what waits for nobody: nothing else would ever move it


def over(since: datetime, now: datetime, zone: tzinfo, wait: int = HEARD_AFTER) -> bool:
    """Whether something has waited for so many days of the calendar."""
    return now >= days.after(since, wait, zone)


def sealed_before(now: datetime, zone: tzinfo) -> datetime:
    """A plan that was sealed before this instant has waited for its signatures for long enough."""
    return days.morning(days.later(days.of(now, zone), 1 - HEARD_AFTER), zone)


def unsure(p: Progress, now: datetime, zone: tzinfo) -> bool:
    """Whether the monitor has left a case without a yes or a no for long enough; a hold is a person's decision."""
    if p.recheck.unsure_since is None or p.hold is not None or p.person is not None:
        return False
    return days.between(p.recheck.unsure_since, days.of(now, zone)) >= HEARD_AFTER


def unanswered(p: Progress, now: datetime, zone: tzinfo) -> bool:
    """Whether an earlier day's question was not answered at all; a day's question may be answered until its end."""
    return (
        p.recheck.asked_day is not None
        and p.recheck.asked_day < days.of(now, zone)
        and p.recheck.unsure_day != p.recheck.asked_day
    )


def for_nobody(p: Progress, now: datetime, zone: tzinfo, *, plan_state: str | None, called: bool, placed: bool) -> bool:
    """Whether a case that has no due date waits for nobody.

    `plan_state` is that of the plan it is in; `called`: an alarm calls a person to it or to that plan; `placed`: the
    limits leave a place for it, and its asset is known.
    """
    if p.ended is not None or p.hold is not None or called:
        return False
    if p.person is None and p.plan_id is not None and p.approval is None and plan_state == "sealed":
        return False
    return not (placed and isinstance(next_move.next_move(p, now, zone), next_move.Plan))
