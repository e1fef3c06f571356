"""The brain of a case: from its progress, the next move. Pure: no clock, no I/O."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from libs.common import days
from services.decommission.cases.case import Progress


@dataclass(frozen=True, slots=True)
class Do:
    """Perform this step now; `since` is when it became due, where that decides whose turn is first."""

    step: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until then; None waits for somebody else."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Ready to be sealed into a plan."""


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """The machine must not go on by itself: call a person now."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """The case has ended."""


Move = Do | Wait | Plan | NeedsPerson | Done


def next_move(p: Progress, now: datetime, zone: tzinfo) -> Move:
    """What to do next, or until when to wait. Days are those of the deployment's zone.

    A date that somebody was told to act by is his until its end; N days are over on the morning N calendar days later.
    """
    today = days.of(now, zone)
    if p.ended is not None:
        return Done()
    if p.held_since is not None:
        if p.hold_until is None or today <= p.hold_until:
            return Wait(days.end(p.hold_until, zone) if p.hold_until else None)
        return Do("release")
    if p.person is not None:
        return Wait(None)
    if p.unwinding:
        return _unwind(p, now, today, zone)
    if p.stopped_at is not None:
        return _after_stop(p, now, today, zone)
    if p.refuted:
        return Do("end")
    if p.noticed_at is None:
        return _notice(p, now, zone)
    if p.approved:
        return _towards_stop(p, now, today, zone)
    return _answering(p, now, today, zone)


def _notice(p: Progress, now: datetime, zone: tzinfo) -> Move:
    if "notice" in p.pending or p.last_attempt is None:
        return Do("notice")
    if p.attempts >= p.windows.notice_attempts:
        return Wait(None)
    again = p.not_before or days.after(p.last_attempt, p.windows.notice_retry_days, zone)
    return Do("notice") if now >= again else Wait(again)


def _answering(p: Progress, now: datetime, today: date, zone: tzinfo) -> Move:
    if p.answer == "keep":
        return Do("end")
    if p.plan_id is not None:
        return Wait(None)
    if p.answer == "fix" and p.fix_checked_at is None:
        mended = now if p.fix_until is None else days.end(days.later(p.fix_until, p.paused), zone)
        if now < mended:
            return Wait(mended)
        return _ask(p, now, today, zone)
    if p.answer is None or p.on_behalf:  # what others answer for a unit leaves it the time to answer itself
        end = _silence(p, zone)
        if now < end:
            return Wait(end)
    return Plan() if now >= p.window_from else Wait(p.window_from)


def _silence(p: Progress, zone: tzinfo) -> datetime:
    """When the last day is over on which the unit may answer: the one that its notice names, or a later one."""
    assert p.noticed_at is not None  # noqa: S101 - only a noticed case is answered
    return days.end(days.later(days.of(p.noticed_at, zone), p.windows.answer_days + p.paused), zone)


def ready_since(p: Progress) -> datetime:
    """When a case that is ready to be planned became so: its place in the order of scarce places."""
    said, end = {"close": p.answered_at, "fix": p.fix_checked_at}.get(p.answer or ""), _silence(p, p.zone)
    return max(said or end, end) if p.on_behalf else max(said, p.window_from) if said else end


def _towards_stop(p: Progress, now: datetime, today: date, zone: tzinfo) -> Move:
    if p.answer == "keep" and not p.stop_ordered:
        return Do("end")
    if p.announced_at is None:
        return Do("announce")
    end = days.after(p.announced_at, p.windows.announce_days + p.paused, zone)
    if now < end:
        return Wait(end)
    if p.archive_failures >= 3:
        return NeedsPerson("the archive package failed three times / 归档包三次未通过检测")
    if p.stop_failures >= 3:
        return NeedsPerson("the target did not take the order to stop three times / 目标三次未接受停用指令")
    if (p.archive_failures or p.stop_failures) and p.last_failure is not None:
        again = days.after(p.last_failure, 1, zone)
        if now < again:
            return Wait(again)
    if p.archive_sha256 is None:
        return Do("archive")
    # An order to stop that has no result is repeated only like a first one: with today's place and today's yes.
    if p.slot_day != today:
        return Wait(_tomorrow(now, zone)) if p.missed_day == today else Do("reserve", end)
    if p.confirmed_day == today:
        return Do("stop")
    return _ask(p, now, today, zone)


def _ask(p: Progress, now: datetime, today: date, zone: tzinfo) -> Move:
    return Wait(_tomorrow(now, zone)) if p.asked_day == today else Do("ask")


def _after_stop(p: Progress, now: datetime, today: date, zone: tzinfo) -> Move:
    assert p.stopped_at is not None  # noqa: S101 - the caller's branch
    if p.disposed:
        return Do("close")
    if p.verified_at is not None:
        end = days.after(p.verified_at, p.windows.restore_days + p.paused, zone)
        if now < end:
            return Wait(end)
        if p.gone_days and p.gone_days[-1] == today:
            return Do("dispose")  # it may have come back in the meantime: the look that counts is today's
        return Wait(_tomorrow(now, zone)) if p.probed_day == today else Do("probe")
    last = p.probed_day or days.of(p.stopped_at, zone)
    return Do("probe") if today > last else Wait(_tomorrow(now, zone))


def _unwind(p: Progress, now: datetime, today: date, zone: tzinfo) -> Move:
    if not p.stop_ordered:
        return Do("end")
    if not p.restore_accepted:
        again = p.restore_again or (days.after(p.restore_failed_at, 1, zone) if p.restore_failed_at else now)
        return Do("restore") if now >= again else Wait(again)
    if p.restore_seen:
        return Do("finish_restore")
    return Wait(_tomorrow(now, zone)) if p.probed_day == today else Do("probe")


def due_at(move: Move, now: datetime) -> datetime | None:
    """When the executor has to look at a case again; None when only somebody else can make it move."""
    match move:
        case Do(_, since):
            return since or now
        case NeedsPerson():
            return now
        case Wait(until):
            return until
        case Plan() | Done():
            return None


def _tomorrow(now: datetime, zone: tzinfo) -> datetime:
    return days.after(now, 1, zone)
