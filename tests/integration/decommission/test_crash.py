"""The executor dies at each named point of each step; what comes back finishes the case, each effect under one key."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from libs.common import crashpoints
from services import decommission
from services.decommission.limits.domain import Windows
from tests.acceptance.points import names
from tests.integration.decommission.conftest import SHORT, Make, Story

ROOT = Path(decommission.__file__).parent
OUTSIDE = ("notice", "archive", "stop", "restore", "probe")


class Killed(BaseException):
    """What a SIGKILL is within one process: nothing catches it, and an open transaction is lost."""


def points() -> list[str]:
    """Every crash point on the way of a case: around commits of its steps, and around effects."""
    found = []
    for path in sorted((ROOT / "steps").glob("*.py")):
        for what, name in names(path):
            if what == "transaction":
                found += [f"decommission.{name}.before-commit", f"decommission.{name}.after-commit"]
            else:
                found.append(name)
    return [*sorted(set(found)), "decommission.seal_plan.before-commit", "decommission.seal_plan.after-commit"]


def test_every_external_effect_has_its_two_points() -> None:
    assert {f"decommission.{step}.{where}-effect" for step in OUTSIDE for where in ("before", "after")} <= set(points())


class Arm:
    """Kills once at one point, then lets everything pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name: str | None = None
        self.fired = 0
        monkeypatch.setattr(crashpoints, "point", self)

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.name = None
            self.fired += 1
            raise Killed(name)


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Arm:
    return Arm(monkeypatch)


# Which fate leads past a point; all others lie on the way of a closure.
FATES = {
    "restore": "restore",
    "start_restore": "restore",
    "finish_restore_call": "restore",
    "finish_restore": "restore",
    "notice_undelivered": "mute",
    "end_case": "keep",
    "release_hold": "hold",
    "park_case": None,
    "withdraw": "refute",
    "finish_withdraw": "refute",
}
# Every wait is over after a day: what is told apart here are deaths, not days.
SWIFT = Windows(answer_days=1, announce_days=1, verify_days=1, restore_days=1, notice_retry_days=1, notice_attempts=2)
ENDS = {"close": "closed", "restore": "restored", "mute": "undelivered", "keep": "ended", "hold": "closed"}


def fate_of(point: str) -> str | None:
    return FATES.get(point.split(".")[1], "close")


@pytest.mark.parametrize("point", [p for p in points() if fate_of(p) in ENDS])
async def test_a_death_there_changes_nothing_of_the_end(make_story: Make, arm: Arm, point: str) -> None:
    fate = fate_of(point)
    assert fate is not None
    story = await make_story(windows=SHORT if fate == "hold" else SWIFT)  # a hold needs a wait to fall into
    asset, case = await story.flagged("mortal", await story.unit("alpha"))
    if fate == "mute":
        story.world.manners("alpha", receipt="none")
    if fate == "keep":
        story.world.manners(asset, answer={"answer": "keep"})
    arm.name = point
    await live(story, case, fate, ENDS[fate])
    assert arm.fired == 1
    assert await story.state(case) == ENDS[fate]
    await check_effects(story, case, asset)


async def live(story: Story, case: UUID, fate: str, end: str) -> None:
    """Day after day until the end, with a new process after a death."""
    held = False
    for _ in range(25):
        state = await story.state(case)
        if state == end:
            return
        if state == "answering" and fate == "hold" and not held:
            held = True
            await story.act(case, "hold", until=story.day.isoformat())
        if state == "verified" and fate == "restore":
            await story.act(case, "restore")
        await survive(story, story.sign() if state == "planned" else story.round())
        await survive(story, story.next_day())
    raise AssertionError(f"{await story.state(case)}: {await story.kinds(case)}")


async def survive(story: Story, work: Any) -> None:
    try:
        await work
    except BaseException as error:
        if not killed(error):
            raise
        story.start()
        await story.settle()


def killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(killed(inner) for inner in error.exceptions)
    return isinstance(error, Killed)


async def check_effects(story: Story, case: UUID, asset: UUID) -> None:
    """One effect per step outside, each key used by one attempt; only the killed attempt was made twice."""
    calls = Counter((c["what"], c["key"]) for c in story.world.world.calls if c["asset"] == str(asset))
    wanted = {what: n for what, n in Counter(what for what, _ in calls).items() if what != "notice"}
    assert all(n == 1 for n in wanted.values()), calls
    assert all(raw <= 2 for raw in calls.values()), calls
    assert sum(raw - 1 for raw in calls.values()) <= 1, calls
    rows = await story.owner("select step, state, count(*) as n from effects where case_id = $1 group by 1, 2", case)
    assert {row["state"] for row in rows} <= {"done", "failed"}
    log = (await story.case(case))["log"]
    assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
    once = Counter(entry["kind"] for entry in log)
    for kind in ("opened", "noticed", "approved", "announced", "stop_accepted", "disposed", "closed", "restored"):
        assert once[kind] <= 1, once


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_stop_without_a_result_is_never_retried_blindly(story: Story, unit: UUID, arm: Arm, where: str) -> None:
    """Where the target does not honour keys, nobody knows: a person looks, an alarm is raised."""
    await story.connector(honours_keys=False)
    _asset, case = await story.flagged("unknown", unit)
    await story.announced(case)
    arm.name = f"decommission.stop.{where}-effect"
    await survive(story, story.next_day(2))
    await story.next_day(5)
    assert len(story.world.calls("stop")) == (1 if where == "after" else 0)
    assert await story.state(case) == "needs_person"
    assert len(await story.alarms()) == 1
    (effect,) = await story.owner("select state from effects where case_id = $1 and step = 'stop'", case)
    assert effect["state"] == "unknown"
    await story.act(case, "cancel")
    await story.round()
    await story.next_day()
    assert await story.state(case) == "ended"
    assert "x/unknown" not in story.world.world.stopped


async def test_a_cancel_while_a_stop_has_no_result_brings_the_account_back(story: Story, unit: UUID, arm: Arm) -> None:
    asset, case = await story.flagged("between", unit)
    await story.announced(case)
    arm.name = "decommission.stop.after-effect"
    try:
        await story.next_day(2)
    except Killed:
        story.start()
    assert await story.state(case) == "stopping"
    await story.act(case, "cancel")
    await story.round()
    assert await story.state(case) == "ended"
    assert "x/between" not in story.world.world.stopped
    assert len(story.events("case.ended", asset)) == 1


async def test_a_stop_of_yesterday_is_repeated_only_with_today_s_yes_and_today_s_place(
    story: Story, unit: UUID, arm: Arm
) -> None:
    asset, case = await story.flagged("overnight", unit)
    await story.announced(case)
    arm.name = "decommission.stop.before-effect"
    try:
        await story.next_day(2)
    except Killed:
        story.start()
    story.verdicts[asset] = "inconclusive"
    await story.next_day()
    assert story.world.calls("stop") == []
    story.verdicts[asset] = "confirmed"
    await story.next_day()
    assert await story.state(case) == "verifying"
    assert len(story.world.calls("stop")) == 1
    assert (await story.kinds(case)).count("slot_reserved") == 3


async def test_a_stop_that_may_have_happened_is_undone_when_the_finding_falls(
    story: Story, unit: UUID, arm: Arm
) -> None:
    asset, case = await story.flagged("fallen", unit)
    await story.announced(case)
    arm.name = "decommission.stop.after-effect"
    try:
        await story.next_day(2)
    except Killed:
        story.start()
    story.verdicts[asset] = "refuted"
    await story.next_day()
    assert await story.state(case) == "ended"
    assert "x/fallen" not in story.world.world.stopped


async def test_two_runs_of_the_same_days_leave_the_same_rows(make_story: Make) -> None:
    async def play() -> dict[str, list[str]]:
        story = await make_story()
        units = [await story.unit("alpha"), await story.unit("beta")]
        for n in range(6):
            asset, _ = await story.flagged(f"acc{n}", units[n % 2])
            if n == 4:
                story.world.manners(asset, answer={"answer": "keep"})
            if n == 5:
                story.verdicts[asset] = "refuted"
        await story.round()
        for _ in range(9):
            await story.sign()
            await story.next_day()
        tables = (
            "cases",
            "case_log",
            "effects",
            "notices",
            "plans",
            "plan_members",
            "approvals",
            "slots",
            "archives",
            "alarms",
            "findings",
        )
        return {t: sorted(str(tuple(row)) for row in await story.owner(f"select * from {t}")) for t in tables}  # noqa: S608

    first, second = await play(), await play()
    assert first == second
