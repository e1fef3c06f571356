"""Waiting that nobody would hear of raises an alarm: one for each thing, and none any more when the waiting ends."""

from typing import Any
from uuid import UUID

import pytest

from services.decommission.executor import Executor
from services.decommission.limits.domain import Limits, PerKind
from tests.integration.decommission.alarms.test_alarms import lasting, say
from tests.integration.decommission.conftest import Make, Story
from tests.integration.decommission.plans.test_plans import plan_of, ready, sign


async def kinds(story: Story) -> list[str]:
    return [alarm["kind"] for alarm in await lasting(story)]


async def again(story: Story) -> None:
    """The same day once more, by a process that has just been started."""
    story.executor = Executor(story.deps)
    await story.round()


@pytest.mark.parametrize("signed", [[], ["ada"]], ids=len)
@pytest.mark.parametrize("end", ["signed", "rejected", "void"])
async def test_a_plan_without_its_signatures_for_three_days_is_heard_of(
    story: Story, unit: UUID, signed: list[str], end: str
) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    for who in signed:
        await sign(story, plan, who)
    await story.next_day(2)
    assert await kinds(story) == []
    await story.next_day()
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["about"], alarm["case_id"]) == ("plan-unsigned", plan["plan_id"], None)
    assert plan["content"]["sealed_on"] in alarm["text_zh"]
    await again(story)
    await story.next_day(3)
    assert await lasting(story) == [alarm], "one for the plan, not one for each day"
    if end == "signed":
        await story.sign("bo", "cy")
    elif end == "rejected":
        await story.call("POST", f"/plans/{plan['plan_id']}/reject", {"reason": "r"}, role="approver")
    else:
        await story.act(cases["a"], "cancel")
        await story.round()
    assert await kinds(story) == []
    (ended,) = await story.alarms()
    assert (ended["alarm_id"], ended["ended"]["by"]) == (alarm["alarm_id"], "jianfu")


async def test_an_alarm_of_a_wait_that_a_person_ends_comes_again_after_three_more_days(
    story: Story, unit: UUID
) -> None:
    await ready(story, unit, "a")
    await story.next_day(3)
    (alarm,) = await lasting(story)
    await say(story, alarm, "end", reason="they are on leave")
    await story.next_day(2)
    assert await kinds(story) == []
    await story.next_day()
    (later,) = await lasting(story)
    assert (later["kind"], later["about"]) == (alarm["kind"], alarm["about"])
    assert later["alarm_id"] != alarm["alarm_id"]


@pytest.mark.parametrize("verdict", ["inconclusive", "nothing"])
async def test_a_recheck_without_a_conclusion_for_three_days_is_heard_of(
    story: Story, unit: UUID, verdict: str
) -> None:
    asset, case = await story.flagged("blind", unit)
    story.verdicts[asset] = verdict
    await story.until(case, "rechecking")
    first = story.day
    await story.next_day(2)
    assert await kinds(story) == []
    await story.next_day()
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["case_id"]) == ("recheck-unsure", str(case))
    assert str(first) in alarm["text_zh"]
    await again(story)
    await story.next_day(2)
    assert await lasting(story) == [alarm]
    story.verdicts[asset] = "confirmed"
    await story.next_day()
    assert await kinds(story) == []
    assert await story.until(case, "closed") == "closed"


async def test_a_monitor_that_can_tell_again_on_the_third_day_calls_nobody(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("blind", unit)
    story.verdicts[asset] = "inconclusive"
    await story.until(case, "rechecking")
    await story.next_day(2)
    story.verdicts[asset] = "confirmed"
    await story.next_day()
    assert await story.alarms() == []


async def test_a_promise_to_mend_about_which_the_monitor_cannot_tell_is_heard_of(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("mended", unit)
    story.world.manners(asset, answer={"answer": "fix", "until": str(story.day)})
    story.verdicts[asset] = "inconclusive"
    await story.round()
    await story.next_day(4)
    assert await story.state(case) == "fixing"
    assert await kinds(story) == ["recheck-unsure"]
    await story.act(case, "cancel")
    assert await kinds(story) == []


@pytest.mark.parametrize("limits", [Limits(per_day=0), Limits(per_plan=0), Limits(per_kind_per_day=PerKind(account=0))])
async def test_a_case_that_no_limit_leaves_a_place_for_is_heard_of(make_story: Make, limits: Limits) -> None:
    story = await make_story(limits=limits)
    asset, case = await story.flagged("queued", await story.unit("alpha"))
    story.world.manners(asset, answer={"answer": "close"})
    await story.round()
    await story.next_day()
    assert await kinds(story) == [], "until today the unit had time to answer otherwise"
    await story.next_day()
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["case_id"]) == ("unheard", str(case))
    assert "限额" in alarm["text_zh"]
    await again(story)
    await story.next_day(3)
    assert await lasting(story) == [alarm]


async def test_who_waits_for_his_turn_under_the_limits_is_not_lost(make_story: Make) -> None:
    story = await make_story(limits=Limits(per_plan=1))
    await ready(story, await story.unit("alpha"), "a", "b", "c", "d", "e", "f")
    for _ in range(3):
        await story.sign()
        await story.next_day()
    assert await kinds(story) == []


async def test_a_case_whose_asset_nobody_has_told_of_is_heard_of_until_somebody_does(story: Story, unit: UUID) -> None:
    asset = UUID(str(story.record("untold", unit)["asset_id"]))
    case = await story.flag(asset)
    await story.round()
    assert await kinds(story) == []
    await story.next_day()
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["case_id"], alarm["name"]) == ("unheard", str(case), None)
    await story.asset("untold", unit)
    await story.round()
    assert await kinds(story) == []


@pytest.mark.parametrize("state", ["answering", "announced", "verified"])
async def test_a_case_that_lost_its_due_date_is_heard_of(story: Story, unit: UUID, state: str) -> None:
    _, case = await story.flagged("lost", unit)
    await story.until(case, state)
    await story.owner("update cases set due_at = null")
    await story.next_day()
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["case_id"]) == ("unheard", str(case))
    await story.act(case, "hold")
    assert await kinds(story) == []
    await story.next_day(2)
    assert await kinds(story) == [], "who holds it has heard of it"
    await story.act(case, "release")
    assert await story.until(case, "closed", days=30) == "closed"


async def test_a_case_that_called_a_person_is_heard_of_again_when_nobody_is_called_any_more(
    story: Story, unit: UUID
) -> None:
    cases = await ready(story, unit, "a")
    await story.owner("delete from connectors")
    await story.sign()
    await story.until(cases["a"], "needs_person")
    await story.next_day(4)
    (alarm,) = await lasting(story)
    assert alarm["kind"] == "no-connector", "the one that called him suffices"
    await say(story, alarm, "acknowledgement")
    await story.next_day(4)
    assert await kinds(story) == ["no-connector"], "somebody is at it"
    await say(story, alarm, "end")
    await story.next_day()
    assert await kinds(story) == ["unheard"]
    await story.connector()
    await story.act(cases["a"], "resume")
    assert await kinds(story) == []


async def test_an_alarm_from_before_alarms_had_a_life_ends_at_the_next_look(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("old", unit)
    story.world.manners(asset, answer={"answer": "keep"})
    await story.until(case, "ended")
    await story.owner(
        "insert into alarms (alarm_id, case_id, about, kind, text_zh, text_en, at)"
        " values (gen_random_uuid(), $1, $1, 'undelivered', 'z', 'e', '2025-06-01T00:00:00Z')",
        case,
    )
    await story.next_day()
    assert await kinds(story) == []


async def test_a_life_without_waiting_raises_nothing(story: Story, unit: UUID) -> None:
    cases: dict[str, Any] = await ready(story, unit, "a")
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    assert await story.alarms() == []
