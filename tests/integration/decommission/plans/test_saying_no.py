"""Saying no: a plan that is rejected, a standing approval that is taken back, and what becomes of their cases."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import check_file, mandate, plan_of, ready, sign, under_mandate


async def no(story: Story, plan: dict[str, Any], who: str = "di", reason: str = "the flood season") -> dict[str, Any]:
    path = f"/plans/{plan['plan_id']}/reject"
    return dict(await story.call("POST", path, {"reason": reason}, role="approver", who=who))


@pytest.mark.parametrize("signed", [[], ["ada"], ["ada", "bo"]], ids=len)
async def test_a_rejected_plan_takes_no_signature_and_its_cases_are_planned_anew(
    story: Story, unit: UUID, signed: list[str]
) -> None:
    cases = await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    for who in signed:
        await sign(story, plan, who)
    await story.round()
    said = await no(story, plan)
    assert (said["by"], said["reason"]) == ("jianfu-local|di", "the flood season")
    reply = await sign(story, plan, "cy")
    assert (reply.status_code, reply.json()["code"]) == (409, "said_no")
    assert "flood" in reply.json()["texts"]["zh"]
    shown = await plan_of(story)
    assert (shown["state"], shown["rejected"]) == ("rejected", said)
    for case in cases.values():
        last = (await story.case(case))["log"][-1]
        assert (last["kind"], last["actor"], last["data"]["why"]) == (
            "unplanned",
            "jianfu-local|di",
            "the flood season",
        )
    items = (await story.call("GET", "/announcements", role="public"))["items"]
    assert {item["state"] for item in items} <= {"withdrawn"}
    await story.next_day(3)
    assert story.world.calls("stop") == []
    assert {await story.state(case) for case in cases.values()} == {"planned"}
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    await check_file(story, cases["a"])


async def test_no_said_twice_is_said_once_and_the_first_word_stays(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    first = await no(story, plan)
    log = await story.kinds(cases["a"])
    assert await no(story, plan, "eve", "another reason") == first
    await story.next_day()
    assert await story.state(cases["a"]) == "planned"
    assert await no(story, plan, "eve", "and again") == first
    assert await story.kinds(cases["a"]) == [*log, "planned"], "what is in another plan by now stays there"


async def test_a_plan_altered_before_its_signatures_is_rejected_so_that_its_cases_are_planned_anew(
    story: Story, unit: UUID
) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.owner("update plans set content = replace(content, 'C15', 'C16')")
    assert (await sign(story, plan, "ada")).json()["code"] == "plan_altered"
    await no(story, plan)
    assert (await sign(story, plan, "ada")).json()["code"] == "said_no"
    assert await story.until(cases["a"], "closed", days=30) == "closed"


async def test_a_case_parked_for_its_altered_plan_is_planned_anew_when_a_person_lets_it_go_on(
    story: Story, unit: UUID
) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.sign()
    await story.owner("update plans set content = content || ' '")
    await story.next_day(3)
    assert await story.state(cases["a"]) == "needs_person"
    await no(story, plan)
    assert await story.state(cases["a"]) == "needs_person", "who was called has still to look"
    await story.act(cases["a"], "resume")
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    assert len(story.world.calls("stop")) == 1


async def test_what_is_past_its_stop_stays_in_its_plan(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    await story.sign()
    await story.act(cases["b"], "hold")
    await story.until(cases["a"], "verifying")
    await no(story, plan)
    assert "unplanned" not in await story.kinds(cases["a"])
    assert "unplanned" in await story.kinds(cases["b"])
    assert await story.until(cases["a"], "closed") == "closed"
    assert [call["asset"] for call in story.world.calls("stop")] == [(await story.case(cases["a"]))["asset_id"]]


async def test_a_case_that_the_no_did_not_reach_is_not_stopped_under_that_plan(story: Story, unit: UUID) -> None:
    """Its first order was on its way when the plan was rejected, and was refused: there is no second."""
    cases = await ready(story, unit, "a")
    await story.sign()
    await story.owner("update plans set state = 'rejected'")
    await story.next_day(3)
    assert story.world.calls("stop") == []
    dropped = [e["data"]["why"] for e in (await story.case(cases["a"]))["log"] if e["kind"] == "unplanned"]
    assert dropped == ["the plan was rejected"]


async def take_back(story: Story, which: str) -> dict[str, Any]:
    path = f"/mandates/{which}/revoke"
    return dict(await story.call("POST", path, {"reason": "an audit"}, role="approver", who="eve"))


async def test_a_mandate_taken_back_before_the_stop_stops_nothing(story: Story, unit: UUID) -> None:
    """What rested on it goes back to planning, where two people can sign it."""
    cases = await under_mandate(story, unit, "a")
    (held,) = (await story.call("GET", "/mandates"))["items"]
    assert held["revoked_by"] is None
    said = await take_back(story, held["mandate_id"])
    assert await take_back(story, held["mandate_id"]) == said
    await story.next_day(3)
    assert story.world.calls("stop") == []
    assert await story.alarms() == []
    assert await story.state(cases["a"]) == "planned"
    (dropped,) = [e for e in (await story.case(cases["a"]))["log"] if e["kind"] == "unplanned"]
    assert "revoked" in dropped["data"]["why"]
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    await check_file(story, cases["a"])


async def test_a_mandate_taken_back_helps_nobody_and_can_be_neither_signed_nor_proposed_again(
    story: Story, unit: UUID
) -> None:
    which = await mandate(story, "ada", "bo")
    await take_back(story, which)
    (held,) = (await story.call("GET", "/mandates"))["items"]
    assert (held["revoked_by"], held["revoked_why"]) == ("jianfu-local|eve", "an audit")
    await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "sealed"
    late = await story.request("POST", f"/mandates/{which}/approvals", role="approver", who="fay")
    body = {name: held[name] for name in ("rule", "max_per_day", "until")}
    again = await story.request("POST", "/mandates", body)
    assert [(r.status_code, r.json()["code"]) for r in (late, again)] == [(409, "said_no")] * 2
