"""The life of an alarm: open, acknowledged, ended by itself or by hand; and plans that nobody is left in."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.integration.decommission.conftest import Story, noon
from tests.integration.decommission.plans.test_plans import mandate, plan_of, ready, sign


async def lasting(story: Story, kind: str | None = None) -> list[dict[str, Any]]:
    found = (await story.call("GET", "/alarms?state=lasting"))["items"]
    return [alarm for alarm in found if kind in (None, alarm["kind"])]


async def say(story: Story, alarm: dict[str, Any], what: str, **more: Any) -> Any:
    body = {"reason": more.pop("reason", "a telephone call")}
    return await story.request("POST", f"/alarms/{alarm['alarm_id']}/{what}", body, **more)


async def undelivered(story: Story, unit: UUID) -> tuple[UUID, dict[str, Any]]:
    """A case whose notice could not be delivered, and the alarm that says so."""
    story.world.manners("alpha", receipt="none")
    _, case = await story.flagged("deaf", unit)
    await story.until(case, "undelivered")
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["state"], alarm["acknowledged"], alarm["ended"]) == ("undelivered", "open", None, None)
    return case, alarm


async def test_an_alarm_is_acknowledged_by_somebody_and_ends_by_itself(story: Story, unit: UUID) -> None:
    case, alarm = await undelivered(story, unit)
    assert (alarm["name"], alarm["address"], alarm["unit_name"]) == ("deaf", "https://x.example/deaf", "alpha")
    assert alarm["about"] == alarm["case_id"] == str(case)
    said = (await say(story, alarm, "acknowledgement", who="olga")).json()
    assert said["state"] == "acknowledged"
    told = {"by": "jianfu-local|olga", "role": "operator", "reason": "a telephone call"}
    assert {part: said["acknowledged"][part] for part in told} == told
    assert said["acknowledged"]["at"] == story.clock.now().isoformat().replace("+00:00", "Z")
    again = (await say(story, alarm, "acknowledgement", role="approver", who="ada", reason="another")).json()
    assert again == said, "the first word stays"
    assert [one["alarm_id"] for one in await lasting(story)] == [alarm["alarm_id"]]
    await story.act(case, "cancel")
    (ended,) = await story.alarms()
    assert (ended["state"], ended["ended"]["by"], ended["ended"]["role"]) == ("ended", "jianfu", "service")
    assert ended["acknowledged"] == said["acknowledged"]
    assert await lasting(story) == []
    late = await say(story, alarm, "acknowledgement")
    assert (late.status_code, late.json()["code"]) == (409, "alarm_ended")


async def test_an_alarm_is_ended_by_hand_with_who_and_why(story: Story, unit: UUID) -> None:
    _, alarm = await undelivered(story, unit)
    said = (await say(story, alarm, "end", role="approver", who="ada", reason="told by post")).json()
    told = {"by": "jianfu-local|ada", "role": "approver", "reason": "told by post"}
    assert (said["state"], {part: said["ended"][part] for part in told}) == ("ended", told)
    assert (await say(story, alarm, "end", who="olga")).json() == said, "one that has ended stays as it ended"
    rows = await story.owner("select step, by, role, reason from alarm_steps")
    assert [tuple(row) for row in rows] == [("ended", "jianfu-local|ada", "approver", "told by post")]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "r", "by": "somebody else"}])
async def test_without_a_reason_nothing_is_said(story: Story, unit: UUID, body: dict[str, Any]) -> None:
    _, alarm = await undelivered(story, unit)
    for what in ("acknowledgement", "end"):
        reply = await story.request("POST", f"/alarms/{alarm['alarm_id']}/{what}", body)
        assert reply.status_code == 422
    assert (await lasting(story))[0]["state"] == "open"


async def test_what_is_known_of_no_alarm_is_missing(story: Story) -> None:
    nothing = {"alarm_id": str(UUID(int=1))}
    for what in ("acknowledgement", "end"):
        assert (await say(story, nothing, what)).status_code == 404


async def test_an_alarm_of_a_lying_target_ends_when_the_page_is_gone(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("liar", unit)
    story.world.manners(asset, lies=True)
    await story.until(case, "unverified")
    assert [alarm["kind"] for alarm in await lasting(story)] == ["unverified"]
    await story.next_day()
    assert [alarm["kind"] for alarm in await lasting(story)] == ["unverified"], "it still answers"
    story.world.world.stopped.add("x/liar")
    await story.next_day()
    assert await lasting(story) == []


async def test_a_person_who_lets_a_case_go_on_ends_what_called_him(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    await story.owner("delete from connectors")
    await story.sign()
    await story.until(cases["a"], "needs_person")
    (alarm,) = await lasting(story)
    assert alarm["kind"] == "no-connector"
    await story.connector()
    await story.act(cases["a"], "resume")
    assert await lasting(story) == []
    await story.owner("delete from connectors")
    await story.next_day(2)
    kinds = [(one["kind"], one["state"]) for one in await story.alarms()]
    assert kinds == [("no-connector", "open"), ("no-connector", "ended")], "it comes to this again: another alarm"


async def test_an_altered_log_that_was_put_back_calls_nobody_after_a_day(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    (kept,) = await story.owner("select actor from case_log where case_id = $1 and seq = 2", cases["a"])
    edit = "update case_log set actor = $2 where case_id = $1 and seq = 2"
    await story.owner(edit, cases["a"], "eve")
    await story.next_day(2)
    (alarm,) = await lasting(story)
    assert alarm["kind"] == "chain-broken"
    await say(story, alarm, "end", reason="looked at it")
    await story.next_day()
    (again,) = await lasting(story, "chain-broken")
    assert again["alarm_id"] != alarm["alarm_id"], "it is still so, whoever has ended the alarm"
    await story.owner(edit, cases["a"], kept["actor"])
    await story.next_day()
    assert await lasting(story, "chain-broken") == []


async def test_an_altered_plan_calls_somebody_until_it_is_rejected(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.owner("update plans set content = content || ' '")
    assert (await sign(story, plan, "ada")).status_code == 409
    (alarm,) = await lasting(story)
    assert (alarm["kind"], alarm["about"], alarm["case_id"]) == ("plan-altered", plan["plan_id"], None)
    await story.call("POST", f"/plans/{plan['plan_id']}/reject", {"reason": "r"}, role="approver")
    assert await lasting(story) == []


# --- plans that nobody is left in


async def leave(story: Story, case: UUID, how: str) -> None:
    if how == "cancelled":
        await story.act(case, "cancel")
    elif how == "kept":
        await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"}, role="unit", unit="test:alpha")
    else:
        await story.clear(UUID((await story.case(case))["asset_id"]))


@pytest.mark.parametrize("how", ["cancelled", "kept", "cleared"])
@pytest.mark.parametrize("worked", [False, True])
async def test_a_plan_whose_members_have_all_gone_is_void_and_takes_no_signature(
    story: Story, unit: UUID, how: str, worked: bool
) -> None:
    cases = await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    await sign(story, plan, "ada")
    await leave(story, cases["a"], "cancelled")
    await story.round()
    assert (await plan_of(story))["state"] == "sealed", "one is left"
    await leave(story, cases["b"], how)
    if worked:
        await story.round()
        assert (await plan_of(story))["state"] == "void"
    reply = await sign(story, plan, "bo")
    assert (reply.status_code, reply.json()["code"]) == (409, "plan_void")
    assert "作废" in reply.json()["texts"]["zh"]
    shown = await plan_of(story)
    assert (shown["state"], shown["approvers"]) == ("void", ["jianfu-local|ada"])
    assert [row["plan_id"] for row in (await story.call("GET", "/plans?state=void"))["items"]] == [plan["plan_id"]]
    await story.next_day(2)
    assert story.world.calls("stop") == []


async def test_a_void_plan_is_not_signed_under_a_mandate_either(story: Story, unit: UUID) -> None:
    await mandate(story, "ada", "bo")
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    await leave(story, cases["a"], "cancelled")
    assert (await sign(story, plan, "cy")).json()["code"] == "plan_void"


async def test_a_plan_of_which_nothing_is_as_it_was_sealed_is_void_once_it_is_signed(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.asset("a", unit, version=2)
    await sign(story, plan, "ada")
    assert (await sign(story, plan, "bo")).json()["state"] == "void"
    assert (await sign(story, plan, "cy")).json()["code"] == "plan_void"
    assert await story.state(cases["a"]) != "planned"
    await story.next_day()
    (again,) = (await story.call("GET", "/plans?state=sealed"))["items"]
    assert again["plan_id"] != plan["plan_id"], "what dropped out is planned anew"


async def test_a_row_that_names_another_plan_makes_none_void(story: Story, unit: UUID) -> None:
    """Logs decide: an owner who edits rows cannot keep a plan from being signed."""
    cases = await ready(story, unit, "a")
    await story.owner("update cases set plan_id = null")
    story.clock.set(noon(story.day) + timedelta(hours=1))
    await story.round()
    plan = await plan_of(story)
    assert plan["state"] == "sealed"
    await story.sign()
    assert await story.state(cases["a"]) == "announced"


async def test_a_plan_that_was_carried_out_is_not_void(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    assert (await plan_of(story))["state"] == "approved"
