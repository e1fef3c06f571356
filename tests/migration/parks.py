"""Where cases wait when a release is recorded: one account for each place, named after it.

A life runs on the real executor until it comes to its place. There it is taken out of the executor's sight (its row
says so until the recording ends), or the service dies for it at a crash point.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from types import FrameType
from typing import Any
from uuid import UUID

from libs.common import crashpoints
from libs.common.events import ids
from libs.common.events.decommission import RecheckRequested
from libs.common.events.envelope import Event
from libs.common.events.registry import AssetAmended, AssetRegistered
from services.decommission.cases.states import ENDED
from tests.integration.decommission.conftest import Story

ASIDE = "parked"  # what the row of a case says while it is out of sight
NEVER = datetime(2999, 1, 1, tzinfo=UTC)
DAYS = 11  # that a recording lasts
Deed = Callable[["Recording", "Life"], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One case. It waits with `kind` as its last entry in `state`; `point`: the crash point at which it comes there.

    `deeds`: (entry, state, days of waiting there, what somebody does then), each done once, in this order. `day`: of
    the recording on which it is flagged. `answer` is the unit's with its receipt, `verdict` the monitor's, `manner`
    that of its target, `page` the status of its page. `extra`: it need not come to a place of its own.
    """

    name: str
    kind: str
    state: str
    point: str | None = None
    day: int = 0
    unit: str = ""
    platform: str = "x"
    answer: dict[str, Any] = field(default_factory=dict)
    verdict: str = "confirmed"
    manner: dict[str, Any] = field(default_factory=dict)
    page: int | None = None
    known: bool = True
    extra: bool = False
    deeds: tuple[tuple[str, str, int, Deed], ...] = ()

    @property
    def asset(self) -> UUID:
        return ids.asset_id("account", self.platform, self.name)

    @property
    def case(self) -> UUID:
        return ids.case_id(self.asset, 1)


def act(what: str, **more: Any) -> Deed:
    async def do(recording: "Recording", life: Life) -> None:
        await recording.story.act(life.case, what, **more)

    return do


def hold(days: int | None) -> Deed:
    async def do(recording: "Recording", life: Life) -> None:
        until = None if days is None else (recording.story.day + timedelta(days=days)).isoformat()
        await recording.story.act(life.case, "hold", until=until)

    return do


def say(answer: str, *, itself: bool) -> Deed:
    async def do(recording: "Recording", life: Life) -> None:
        who: dict[str, Any] = {"role": "unit", "unit": f"test:{life.unit}"} if itself else {}
        await recording.story.call("POST", f"/cases/{life.case}/answers", {"answer": answer}, **who)

    return do


async def attach(recording: "Recording", life: Life) -> None:
    await recording.story.hear(recording.story.finding(life.asset, "C16"))


async def clear(recording: "Recording", life: Life) -> None:
    await recording.story.clear(life.asset)


async def move_endpoint(recording: "Recording", life: Life) -> None:
    story, unit = recording.story, ids.unit_id("test", life.unit)
    await story.endpoint(unit, url=f"{story.world.address}/units/{life.unit}/notices?moved", aged=False)


async def change_sponsor(recording: "Recording", life: Life) -> None:
    record = recording.record(life, version=2) | {"sponsor_id": ids.unit_id("test", "other")}
    await recording.story.hear(AssetAmended(**record), sequence=2)


async def spoil_archive(recording: "Recording", life: Life) -> None:
    place = recording.story.deps.archive.place(life.case)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")


async def hide_page(recording: "Recording", life: Life) -> None:
    recording.story.world.manners(f"{life.platform}/{life.name}", page=500)


NOTICED, STOPPED, VERIFIED = ("noticed", "answering"), ("stop_accepted", "verifying"), ("probed", "verified")
SILENT = {"receipt": "none"}
SOON = "2025-06-03"  # the day after the first
EFFECT = "decommission.{}.{}-effect"
COMMITTED = "decommission.{}.after-commit"
ANSWERED = COMMITTED.format("recheck_answered")


def _begun(step: str, state: str, **more: Any) -> list[Life]:
    """A step that has written down that it starts, before and after it called the outside."""
    return [
        Life(name=f"{step}-begun", kind=f"{step}_started", state=state, point=EFFECT.format(step, "before"), **more),
        Life(name=f"{step}-sent", kind=f"{step}_started", state=state, point=EFFECT.format(step, "after"), **more),
    ]


def _back(name: str, kind: str, state: str = "restoring", **more: Any) -> Life:
    """One that is brought back in its restore window."""
    return Life(name=name, kind=kind, state=state, deeds=((*VERIFIED, 0, act("restore")),), **more)


LIVES: tuple[Life, ...] = (
    Life(name="opened", kind="opened", state="noticing", day=DAYS),
    Life(name="asset-unknown", kind="opened", state="noticing", known=False),
    *_begun("notice", "noticing"),
    Life(name="undelivered-once", kind="undelivered", state="noticing", unit="mute"),
    Life(name="undelivered", kind="undelivered", state="undelivered", unit="mute"),
    Life(name="young-key", kind="undelivered", state="noticing", unit="young"),
    Life(name="noticed", kind="noticed", state="answering"),
    Life(name="attached", kind="finding_attached", state="answering", deeds=((*NOTICED, 0, attach),)),
    Life(
        name="sponsor-changed",
        kind="sponsor_changed",
        state="noticing",
        point="decommission.start_notice.before-commit",
        deeds=((*NOTICED, 0, change_sponsor),),
    ),
    Life(
        name="endpoint-changed",
        kind="endpoint_changed",
        state="noticing",
        unit="moving",
        deeds=((*NOTICED, 0, move_endpoint),),
    ),
    Life(
        name="answered-keep",
        kind="answered",
        state="answering",
        point=COMMITTED.format("prove_notice"),
        answer={"answer": "keep", "reason": "it is needed"},
    ),
    Life(name="answered-close", kind="answered", state="answering", answer={"answer": "close"}),
    Life(name="answered-ready", kind="answered", state="ready", deeds=((*NOTICED, 1, say("close", itself=True)),)),
    Life(
        name="answered-for-it", kind="answered", state="answering", deeds=((*NOTICED, 0, say("close", itself=False)),)
    ),
    Life(name="answered-fix", kind="answered", state="fixing", answer={"answer": "fix", "until": "2025-06-20"}),
    Life(
        name="fix-asked",
        kind="recheck_asked",
        state="fixing",
        answer={"answer": "fix", "until": SOON},
        verdict="nothing",
    ),
    Life(
        name="fix-unsure",
        kind="inconclusive",
        state="fixing",
        answer={"answer": "fix", "until": SOON},
        verdict="inconclusive",
    ),
    Life(
        name="fix-confirmed", kind="confirmed", state="ready", point=ANSWERED, answer={"answer": "fix", "until": SOON}
    ),
    Life(
        name="fix-refuted",
        kind="refuted",
        state="fixing",
        point=ANSWERED,
        answer={"answer": "fix", "until": SOON},
        verdict="refuted",
    ),
    Life(name="planned", kind="planned", state="planned", day=2),
    Life(name="signed-once", kind="planned", state="planned", day=3),
    Life(name="unplanned", kind="unplanned", state="answering", day=4),
    Life(name="approved", kind="approved", state="approved"),
    Life(name="announced", kind="announced", state="announced"),
    *_begun("archive", "announced"),
    Life(
        name="archive-failed",
        kind="archive_failed",
        state="announced",
        deeds=(("announced", "announced", 0, spoil_archive),),
    ),
    Life(name="archived", kind="archived", state="archived", point=COMMITTED.format("finish_archive")),
    Life(name="gone-before", kind="needs_person", state="needs_person", page=404),
    Life(name="no-connector", kind="needs_person", state="needs_person", platform="tiktok"),
    Life(
        name="resumed",
        kind="resumed",
        state="archived",
        page=404,
        deeds=(("needs_person", "needs_person", 0, act("resume")),),
    ),
    Life(name="slot-reserved", kind="slot_reserved", state="archived", point=COMMITTED.format("reserve_slot")),
    Life(name="asked", kind="recheck_asked", state="rechecking", verdict="nothing"),
    Life(name="unsure", kind="inconclusive", state="rechecking", verdict="inconclusive"),
    Life(name="confirmed", kind="confirmed", state="rechecking", point=ANSWERED),
    Life(name="refuted", kind="refuted", state="rechecking", point=ANSWERED, verdict="refuted"),
    Life(
        name="one-refuted",
        kind="finding_refuted",
        state="archived",
        point=ANSWERED,
        verdict="refuted",
        deeds=((*NOTICED, 0, attach),),
    ),
    Life(name="cleared", kind="cleared", state="announced", deeds=(("announced", "announced", 0, clear),)),
    *_begun("stop", "stopping"),
    Life(name="stop-failed", kind="stop_failed", state="rechecking", manner={"stop": 403}),
    Life(name="stop-unanswered", kind="stop_unanswered", state="stopping", manner={"stop": 504}),
    Life(name="stop-unknown", kind="needs_person", state="needs_person", platform="weibo", manner={"stop": 504}),
    Life(
        name="stop-cleared",
        kind="cleared",
        state="restoring",
        manner={"stop": 504},
        deeds=(("stop_unanswered", "stopping", 0, clear),),
    ),
    Life(name="stop-accepted", kind="stop_accepted", state="verifying"),
    Life(name="gone-once", kind="probed", state="verifying"),
    Life(name="unclear", kind="probed", state="verifying", deeds=((*STOPPED, 0, hide_page),)),
    Life(name="lying", kind="probed", state="unverified", manner={"lies": True}),
    Life(name="verified", kind="probed", state="verified"),
    Life(name="disposed", kind="disposed", state="disposed", point=COMMITTED.format("dispose")),
    Life(name="closed", kind="closed", state="closed"),
    _back("restore-asked", "restore_asked"),
    *_begun("restore", "restoring", deeds=((*VERIFIED, 0, act("restore")),)),
    _back("restore-failed", "restore_failed", manner={"restore": 403}),
    _back("restore-unanswered", "restore_unanswered", manner={"restore": 504}),
    _back("restore-accepted", "restore_accepted", point=COMMITTED.format("finish_restore_call")),
    _back("restore-seen", "probed", point=COMMITTED.format("record_probe")),
    _back("restored", "restored", "restored"),
    Life(name="cancelled", kind="cancelled", state="answering", deeds=((*NOTICED, 0, act("cancel")),)),
    Life(name="cancelled-stopped", kind="cancelled", state="restoring", deeds=((*VERIFIED, 0, act("cancel")),)),
    Life(name="ended", kind="ended", state="ended", answer={"answer": "keep", "reason": "it is needed"}),
    Life(name="held", kind="held", state="answering", deeds=((*NOTICED, 0, hold(3)),)),
    Life(name="held-open", kind="held", state="announced", deeds=(("announced", "announced", 0, hold(None)),)),
    Life(name="held-verified", kind="held", state="verified", deeds=((*VERIFIED, 0, hold(60)),)),
    Life(
        name="released",
        kind="released",
        state="announced",
        deeds=(("announced", "announced", 0, hold(5)), ("held", "announced", 0, act("release"))),
    ),
)
PLACES = 3  # of a unit on a day


class Killed(BaseException):
    """What a SIGKILL is within one process: nothing catches it, and an open transaction is lost."""


def _killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_killed(inner) for inner in error.exceptions)
    return isinstance(error, Killed)


def _case_at_work() -> UUID | None:
    """The case that the code which came to a crash point is about."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        events = (value for value in frame.f_locals.values() if isinstance(value, Event))
        for found in (frame.f_locals.get("case_id"), *(getattr(event, "case_id", None) for event in events)):
            if isinstance(found, UUID):
                return found
        frame = frame.f_back
    return None


class Recording:
    """Plays all lives until each waits in its place."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.lives = {life.case: life for life in _placed()}
        self.aside: dict[UUID, tuple[str, Any]] = {}
        self.done: dict[UUID, int] = dict.fromkeys(self.lives, 0)
        self.since: dict[UUID, tuple[int, date]] = {}
        self.crashed: set[UUID] = set()

    # --- the way in

    def record(self, life: Life, *, version: int = 1) -> dict[str, Any]:
        """What the registry says of a life's account."""
        sponsor = ids.unit_id("test", life.unit)
        record = self.story.record(life.name, sponsor, version=version)
        return record | {"asset_id": life.asset, "platform": life.platform}

    async def cast(self) -> None:
        """Units, connectors, manners."""
        story = self.story
        for name in sorted({life.unit for life in self.lives.values()} | {"other"}):
            await story.unit(name, endpoint=name != "young")
        await story.endpoint(ids.unit_id("test", "young"), aged=False)
        for platform, honours in (("x", True), ("weibo", False)):
            await story.connector(platform, honours_keys=honours)
        story.world.manners("mute", receipt="none")
        for life in self.lives.values():
            story.world.manners(life.asset, answer=life.answer, **life.manner)
            if life.page:
                story.world.manners(f"{life.platform}/{life.name}", page=life.page)
            story.verdicts[life.asset] = life.verdict
        await story.call("POST", "/mandates", {"rule": "C16", "max_per_day": 5, "until": "2025-12-31"})

    async def flag(self, number: int) -> None:
        """Tell of the accounts whose lives begin on a day of the recording, and of what was found of them."""
        for life in self.lives.values():
            if life.day == number:
                if life.known:
                    await self.story.hear(AssetRegistered(**self.record(life)))
                await self.story.hear(self.story.finding(life.asset))

    # --- the days

    async def play(self, days: int = DAYS) -> None:
        """Day by day, until each life waits where it shall."""
        before, crashpoints.point = crashpoints.point, self._point
        try:
            await self.cast()
            for number in range(days):
                await self.flag(number)
                await self.seek()
                await self.survive(self.story.round)
                while await self.do_deeds():
                    await self.survive(self.story.settle)
                await self.sign(number)
                if number + 1 < days:
                    self.story.clock.set(self.story.clock.now() + timedelta(days=1))
        finally:
            crashpoints.point = before
        for case, (state, due) in self.aside.items():
            await self.story.owner("update cases set state = $2, due_at = $3 where case_id = $1", case, state, due)
        await self.look_at_alarms()
        await self.flag(days)  # nobody has looked at it yet, and what is told of it waits in the outbox
        ended = {case for case, kind, state, _, _ in await self.rows() if (kind, state) == _place(self.lives[case])}
        missing = sorted(
            life.name for case, life in self.lives.items() if case not in self.aside.keys() | ended and not life.extra
        )
        where = {
            name: await self.story.kinds(case) for case, life in self.lives.items() if (name := life.name) in missing
        }
        assert not missing, where

    async def survive(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Work to the end, with a new process after each death."""
        while True:
            try:
                await work()
            except BaseException as error:
                if not _killed(error):
                    raise
                self.story.start()
                await self.seek()
                work = self.resume
                continue
            await self.seek()
            return

    async def resume(self) -> None:
        """After a death: what was asked and not answered is answered, since events come at least once."""
        asking = {case for case, kind, _, _, _ in await self.rows() if kind == "recheck_asked"}
        for body in self.story.events("recheck.requested"):
            asked = RecheckRequested.model_validate(body)
            if asked.case_id in asking and asked.business_day == self.story.day:
                await self.story.answer(asked)
        await self.story.settle()

    def _point(self, name: str) -> None:
        case = _case_at_work()
        life = self.lives.get(case) if case is not None else None
        if life is None or case is None or life.point != name or case in self.crashed:
            return
        if self.done[case] == len(life.deeds):
            self.crashed.add(case)
            raise Killed(name)

    async def seek(self) -> None:
        """Take out of sight what has come to its place."""
        for case, kind, state, _, due in await self.rows():
            life = self.lives[case]
            if (kind, state) != (life.kind, life.state) or self.done[case] < len(life.deeds) or state in ENDED:
                continue
            if life.point is None or case in self.crashed:
                self.aside[case] = (state, due)
                await self.story.owner(
                    "update cases set state = $2, due_at = $3 where case_id = $1", case, ASIDE, NEVER
                )

    async def rows(self) -> list[tuple[UUID, str, str, int, Any]]:
        """(case, last entry, state, entries, due) of each case that is in sight."""
        rows = await self.story.owner(
            "select c.case_id, l.kind, c.state, c.version, c.due_at from cases c"
            " join case_log l on l.case_id = c.case_id and l.seq = c.version where c.state <> $1 order by c.case_id",
            ASIDE,
        )
        return [tuple(row) for row in rows if row["case_id"] in self.lives]

    async def do_deeds(self) -> bool:
        """What somebody does now about the cases that have come to where it is done; whether there was any."""
        did = False
        for case, kind, state, version, _ in await self.rows():
            life, number = self.lives[case], self.done[case]
            if number == len(life.deeds):
                continue
            at, where, days, deed = life.deeds[number]
            if (kind, state) != (at, where):
                continue
            if self.since.get(case, (0, None))[0] != version:
                self.since[case] = (version, self.story.day)
            if (self.story.day - self.since[case][1]).days >= days:
                self.done[case] += 1
                await deed(self, life)
                did = True
                await self.seek()
        return did

    async def sign(self, number: int) -> None:
        """The first plan is signed by two, the next waits for both, one for the second; the last is rejected."""
        for plan in (await self.story.call("GET", "/plans?state=sealed"))["items"]:
            which = f"/plans/{plan['plan_id']}"
            members = {UUID(one["case_id"]) for one in (await self.story.call("GET", which))["members"]}
            names = {self.lives[case].name for case in members}
            if "unplanned" in names:
                await self.story.call("POST", f"{which}/reject", {"reason": "not now"}, role="approver", who="ada")
                await self.seek()
            elif "signed-once" in names:
                await self.approve(plan, "ada")
            elif "planned" not in names:
                for who in ("ada", "bo"):
                    await self.approve(plan, who)
                await self.seek()
                await self.survive(self.story.round)
                while await self.do_deeds():
                    await self.survive(self.story.settle)

    async def look_at_alarms(self) -> None:
        """Of the alarms some have been seen, some have been ended by hand, the others call."""
        kinds = ("undelivered", "restore")
        for alarm in sorted(await self.story.alarms(), key=lambda alarm: str(alarm["alarm_id"])):
            for kind, what in zip(kinds, ("acknowledgement", "end"), strict=True):
                if alarm["kind"] == kind and alarm["state"] == "open":
                    await self.story.call("POST", f"/alarms/{alarm['alarm_id']}/{what}", {"reason": "seen"})

    async def approve(self, plan: dict[str, Any], who: str) -> None:
        path = f"/plans/{plan['plan_id']}/approvals"
        await self.story.call("POST", path, {"sha256": plan["sha256"]}, role="approver", who=who)


def _place(life: Life) -> tuple[str, str]:
    return life.kind, life.state


def _placed() -> list[Life]:
    """All lives, each with a unit that has room for it."""
    found, silent = [], 0
    for life in LIVES:
        unit = life.unit or f"unit-{silent // PLACES}"
        silent += not life.unit
        found.append(replace(life, unit=unit))
    # Three that the monitor is never sure of take all places of their unit each day; who comes after them has none.
    late = Life(name="slot-missed", kind="slot_missed", state="archived", unit="crowd", day=1)
    crowd = (
        Life(name=f"crowd-{n}", kind="", state="", unit="crowd", verdict="inconclusive", extra=True) for n in count()
    )
    before = (life for life in crowd if life.asset < late.asset)
    return [*found, *islice(before, PLACES), late]
