"""The next move of a case: its route, read by what its log amounts to. Pure: no clock, no I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from libs.common import days
from libs.common.events.vocabularies import ANSWERS
from services.decommission.cases.case import Progress
from services.decommission.routes.route import Step


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


UNKNOWN_ANSWER = "the unit's answer is not known to this version / 本版本不认识单位的答复"

Move = Do | Wait | Plan | NeedsPerson | Done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """A case at an instant: what its log amounts to, and the days of the deployment's zone."""

    p: Progress
    now: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        return days.of(self.now, self.zone)

    @property
    def tomorrow(self) -> datetime:
        return days.after(self.now, 1, self.zone)

    def until(self, end: datetime | None) -> Wait | None:
        """A wait, unless it is over; an end that is None has come."""
        return Wait(end) if end is not None and self.now < end else None


def next_move(p: Progress, now: datetime, zone: tzinfo) -> Move:
    """What to do next, or until when to wait. Days are those of the deployment's zone.

    What ends, stops or undoes a case comes first; else the first step of its route that is not done. A date that
    somebody was told to act by is his until its end; N days are over on the morning N calendar days later.
    """
    at = _Moment(p=p, now=now, zone=zone)
    if (move := _before_the_route(at)) is not None:
        return move
    steps = p.route.steps
    if p.stop.at is not None:
        steps = steps[steps.index(p.route.step("stop")) + 1 :]
    for step in steps:
        if step.attempts is not None and (move := _failed(at)) is not None:
            return move
        if (move := VERBS[step.verb](at, step)) is not None:
            return move
    return Wait(None)


def _before_the_route(at: _Moment) -> Move | None:
    """The move of a case that is not on its way: ended, on hold, waiting for a person, undone, kept or refuted."""
    p = at.p
    if p.ended is not None:
        return Done()
    if p.hold is not None:
        if p.hold.until is None:
            return Wait(None)
        return Wait(days.end(p.hold.until, at.zone)) if at.today <= p.hold.until else Do("release")
    if p.person is not None:
        return Wait(None)
    if p.unwinding:
        return _unwind(at)
    if p.stop.at is not None:
        return None
    answer = p.reply.answer if p.notice is not None and p.reply is not None and not p.stop.ordered else None
    if p.refuted or answer == "keep":
        return Do("end")
    if answer is not None and answer not in ANSWERS:
        return NeedsPerson(UNKNOWN_ANSWER)  # it agrees to nothing, and is not silence either
    return None


def _failed(at: _Moment) -> Move | None:
    """A step that failed too often needs a person; one that failed is tried again the day after."""
    p = at.p
    for step in p.route.steps:
        if step.attempts is not None and p.failures.of(step.verb) >= step.attempts:
            return NeedsPerson(FAILED[step.verb])
    if (p.failures.archive or p.failures.stop) and p.failures.last_at is not None:
        return at.until(days.after(p.failures.last_at, 1, at.zone))
    return None


FAILED = {
    "archive": "the archive package failed three times / 归档包三次未通过检测",
    "stop": "the target did not take the order to stop three times / 目标三次未接受停用指令",
}


def _notice(at: _Moment, step: Step) -> Move | None:
    p = at.p
    if p.notice is not None:
        return None
    if "notice" in p.pending or p.delivery.last_attempt is None:
        return Do("notice")
    if p.delivery.attempts >= p.windows.notice_attempts:
        return Wait(None)
    again = p.delivery.not_before or days.after(p.delivery.last_attempt, p.windows.days(step.window), at.zone)
    return at.until(again) or Do("notice")


def _answer(at: _Moment, step: Step) -> Move | None:
    p = at.p
    if p.plan is not None:
        return None
    if p.reply is not None and p.reply.answer == "fix" and p.reply.checked_at is None:
        if p.reply.fix_until is None:
            return _ask(at, step)
        return at.until(days.end(days.later(p.reply.fix_until, p.timer.paused), at.zone)) or _ask(at, step)
    itself = p.reply is not None and not p.reply.on_behalf
    if not itself and (wait := at.until(p.silence_ends)) is not None:
        return wait  # what others answer for a unit leaves it the time to answer itself
    return at.until(p.window_from)


def _plan(at: _Moment, step: Step) -> Move | None:
    return Plan() if at.p.plan is None else None


def _sign(at: _Moment, step: Step) -> Move | None:
    return Wait(None) if at.p.approval is None else None


def _announce(at: _Moment, step: Step) -> Move | None:
    return Do("announce") if at.p.announced_at is None else None


def _wait(at: _Moment, step: Step) -> Move | None:
    return None if at.p.disposed else at.until(_end_of(at, step))


def _end_of(at: _Moment, step: Step) -> datetime:
    """When the wait of a step is over: its window after the fact from which it counts, and what holds added."""
    p = at.p
    since = {"announced": p.announced_at, "verified": p.looks.verified_at}[step.since or ""]
    if since is None:
        raise LookupError(f"the route waits from {step.since!r} before that has come to be")
    return days.after(since, p.windows.days(step.window) + p.timer.paused, at.zone)


def _archive(at: _Moment, step: Step) -> Move | None:
    return Do("archive") if at.p.archive_sha256 is None else None


def _reserve(at: _Moment, step: Step) -> Move | None:
    """A slot of today. An order to stop without a result is repeated like a first one: with today's slot and yes."""
    slot = at.p.slot
    if slot.day == at.today:
        return None
    if slot.missed_day == at.today:
        return Wait(at.tomorrow)
    waits = [each for each in at.p.route.steps if each.since == "announced"]
    return Do("reserve", _end_of(at, waits[0]) if waits else None)


def _ask(at: _Moment, step: Step) -> Move | None:
    recheck = at.p.recheck
    if step.verb == "ask" and recheck.confirmed_day == at.today:
        return None
    return Wait(at.tomorrow) if recheck.asked_day == at.today else Do("ask")


def _stop(at: _Moment, step: Step) -> Move | None:
    return Do("stop") if at.p.stop.at is None else None


def _verify(at: _Moment, step: Step) -> Move | None:
    p = at.p
    if p.disposed or p.looks.verified_at is not None:
        return None
    last = p.looks.day or (days.of(p.stop.at, at.zone) if p.stop.at is not None else None)
    return Wait(at.tomorrow) if last is not None and at.today <= last else Do("probe")


def _dispose(at: _Moment, step: Step) -> Move | None:
    looks = at.p.looks
    if at.p.disposed:
        return None
    if looks.gone_days and looks.gone_days[-1] == at.today:
        return Do("dispose")  # it may have come back in the meantime: the look that counts is today's
    return Wait(at.tomorrow) if looks.day == at.today else Do("probe")


def _close(at: _Moment, step: Step) -> Move | None:
    return Do("close")


# What a step of a route does, by its verb: the move while it is not done, None once it is.
VERBS: dict[str, Callable[[_Moment, Step], Move | None]] = {
    "notice": _notice,
    "answer": _answer,
    "plan": _plan,
    "sign": _sign,
    "announce": _announce,
    "wait": _wait,
    "archive": _archive,
    "reserve": _reserve,
    "ask": _ask,
    "stop": _stop,
    "verify": _verify,
    "dispose": _dispose,
    "close": _close,
}


def _unwind(at: _Moment) -> Move:
    p = at.p
    if not p.stop.ordered:
        return Do("end")
    if not p.restore.accepted:
        next_day = days.after(p.restore.failed_at, 1, at.zone) if p.restore.failed_at else None
        return at.until(p.restore.again or next_day) or Do("restore")
    if p.restore.seen:
        return Do("finish_restore")
    return Wait(at.tomorrow) if p.looks.day == at.today else Do("probe")


def ready_since(p: Progress) -> datetime:
    """When a case that is ready to be planned became so: its place in the order of scarce slots.

    Raises:
        ValueError: the unit has not been told, so the case cannot be ready.
    """
    end, least = p.silence_ends, p.window_from
    if end is None or least is None:
        raise ValueError("a case whose unit has not been told is not ready")
    reply = p.reply
    said_at = {"close": reply.at, "fix": reply.checked_at}.get(reply.answer) if reply is not None else None
    if reply is not None and reply.on_behalf:
        return max(said_at or end, end)
    return max(said_at, least) if said_at else end


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
