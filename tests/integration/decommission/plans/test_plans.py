"""Only what was signed closes: one sealed plan a day, its hash signed by two people, executed as it was sealed."""

import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.security import signing
from services.decommission.limits.domain import Limits
from tests.integration.decommission.conftest import Make, Story


async def ready(story: Story, unit: UUID, *names: str) -> dict[str, UUID]:
    """Cases that the unit agrees to and that the plan of the next day takes in, by name."""
    cases = {}
    for name in names:
        asset, cases[name] = await story.flagged(name, unit)
        story.world.manners(asset, answer={"answer": "close"})
    await story.round()
    await story.next_day()
    return cases


async def plan_of(story: Story) -> dict[str, Any]:
    (plan,) = (await story.call("GET", "/plans"))["items"]
    return dict(await story.call("GET", f"/plans/{plan['plan_id']}"))


async def sign(story: Story, plan: dict[str, Any], who: str, sha256: str | None = None) -> Any:
    path = f"/plans/{plan['plan_id']}/approvals"
    return await story.request("POST", path, {"sha256": sha256 or plan["sha256"]}, role="approver", who=who)


async def test_the_hash_is_that_of_the_text_and_the_text_holds_what_was_decided_on(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    assert hashlib.sha256(plan["text"].encode()).hexdigest() == plan["sha256"]
    content = json.loads(plan["text"])
    assert content == plan["content"]
    assert len(content["members"]) == 2
    assert content["limits"]["per_day"] == 100
    for member in content["members"]:
        assert {"case_id", "asset_id", "asset_version", "rule", "notice_sha256", "evidence_sha256"} <= set(member)
    assert [m["asset_id"] for m in content["members"]] == sorted(m["asset_id"] for m in content["members"])


async def test_one_person_is_not_enough_and_the_same_one_twice_is_one(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    assert (await sign(story, plan, "ada")).json()["state"] == "sealed"
    again = await sign(story, plan, "ada")
    assert again.json().get("state", "sealed") == "sealed"
    await story.next_day(3)
    assert await story.state(cases["a"]) == "planned"
    assert (await sign(story, plan, "bo")).json()["state"] == "approved"
    await story.round()
    assert await story.state(cases["a"]) == "announced"


async def test_a_wrong_hash_signs_nothing(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a")
    plan = await plan_of(story)
    reply = await sign(story, plan, "ada", "0" * 64)
    assert (reply.status_code, reply.json()["code"]) == (409, "plan_altered")
    assert (await plan_of(story))["approvers"] == []


async def test_one_plan_a_day(story: Story, unit: UUID) -> None:
    _, later = await story.flagged("b", unit)
    await ready(story, unit, "a")
    await story.call("POST", f"/cases/{later}/answers", {"answer": "close"}, role="unit", unit="test:alpha")
    await story.round()
    assert await story.state(later) == "ready"
    await story.next_day()
    assert await story.state(later) == "planned"
    assert len((await story.call("GET", "/plans"))["items"]) == 2


async def test_a_plan_altered_before_its_signature_is_refused_with_an_alarm(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.owner("update plans set content = replace(content, 'C15', 'C16')")
    reply = await sign(story, plan, "ada")
    assert (reply.status_code, reply.json()["code"]) == (409, "plan_altered")
    await story.next_day(5)
    assert await story.state(cases["a"]) == "planned"
    assert len(await story.alarms()) == 1
    assert story.world.calls("stop") == []


@pytest.mark.parametrize(
    "tampering",
    [
        "update plans set content = replace(content, 'C15', 'C16')",
        "update plans set content = content || ' '",
        "update plans set sha256 = repeat('0', 64)",
        "update approvals set sha256 = repeat('0', 64)",
        "delete from approvals where approver like '%|bo'",
    ],
)
async def test_a_plan_altered_after_its_signatures_executes_nothing_and_raises_an_alarm(
    story: Story, unit: UUID, tampering: str
) -> None:
    cases = await ready(story, unit, "a", "b")
    await story.sign()
    await story.owner(tampering)
    await story.next_day(5)
    assert story.world.calls("stop") == []
    assert {await story.state(case) for case in cases.values()} == {"needs_person"}
    assert [a["kind"] for a in await story.alarms()] == ["plan-altered"] * 2


async def test_a_member_added_to_the_table_is_not_executed(story: Story, unit: UUID) -> None:
    """What is signed is the text: a row that says otherwise changes nothing."""
    cases = await ready(story, unit, "a")
    _, other = await story.flagged("b", unit)
    await story.round()
    plan = await plan_of(story)
    await story.owner(
        "insert into plan_members select $1, case_id, asset_id, asset_id, 'account' from cases where case_id = $2",
        UUID(plan["plan_id"]),
        other,
    )
    await story.sign()
    assert await story.state(cases["a"]) == "announced"
    assert await story.state(other) == "answering"


async def test_an_asset_that_changed_after_sealing_drops_out_and_the_rest_goes_on(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a", "b")
    await story.asset("a", unit, version=2)
    await story.sign()
    assert await story.state(cases["b"]) == "announced"
    log = (await story.case(cases["a"]))["log"]
    (dropped,) = [entry for entry in log if entry["kind"] == "unplanned"]
    assert dropped["data"]["why"]
    await story.next_day()
    assert await story.state(cases["a"]) == "planned"
    (again,) = (await story.call("GET", "/plans?state=sealed"))["items"]
    content = (await story.call("GET", f"/plans/{again['plan_id']}"))["content"]
    assert [m["asset_version"] for m in content["members"]] == [2]


async def test_an_asset_that_changed_during_the_public_notice_is_not_stopped_under_the_old_plan(
    story: Story, unit: UUID
) -> None:
    cases = await ready(story, unit, "a", "b")
    await story.sign()
    await story.next_day()
    await story.asset("a", unit, version=2)
    await story.next_day()
    assert [c["asset"] for c in story.world.calls("stop")] == [(await story.case(cases["b"]))["asset_id"]]
    assert await story.state(cases["a"]) in ("ready", "planned")
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    assert (await story.kinds(cases["a"])).count("announced") == 2


@pytest.mark.parametrize("stage", ["answering", "planned", "announced"])
async def test_a_unit_that_takes_over_an_asset_has_a_notice_and_a_window_of_its_own(
    story: Story, unit: UUID, stage: str
) -> None:
    """That the unit before was told, and agreed, is no notice to this one."""
    asset, case = await story.flagged("moved", unit)
    if stage != "answering":
        story.world.manners("alpha", answer={"answer": "close"})
    await story.until(case, stage)
    heir = await story.unit("heir")
    await story.asset("moved", heir, version=2)
    await story.until(case, "closed", days=40)
    assert [call["unit"] for call in story.world.calls("notice", str(asset))] == ["alpha", "heir"]
    log = (await story.case(case))["log"]
    told = [entry for entry in log if entry["kind"] == "noticed"]
    assert [entry["data"]["sponsor_id"] for entry in told] == [str(unit), str(heir)]
    last = max(entry["seq"] for entry in log if entry["kind"] in ("answered", "noticed"))
    assert all(entry["seq"] > last for entry in log if entry["kind"] == "stop_started")
    await check_file(story, case)
    file = await story.call("GET", f"/cases/{case}/file", role="auditor")
    assert [notice["unit_id"] for notice in file["notices"]] == [str(unit), str(heir)]
    kept = [signing.sha256(notice["receipt"].encode()) for notice in file["notices"]]
    assert kept == [entry["data"]["receipt_sha256"] for entry in told]


@pytest.mark.parametrize("stage", ["planned", "announced", "archived"])
async def test_what_nobody_signed_for_stops_nothing_before_it_was_planned_and_signed(
    story: Story, unit: UUID, stage: str
) -> None:
    """C15 was signed; C16 came during the public notice and C15 fell."""
    asset, case = await story.flagged("swapped", unit)
    await story.planned(case)
    if stage != "planned":
        await story.sign()
    if stage == "archived":
        story.verdicts[asset] = "inconclusive"
        await story.next_day(2)
    await story.flag(asset, "C16")
    await story.clear(asset, "C15")
    story.verdicts[asset] = "confirmed"
    await story.sign()
    await story.next_day(2)
    assert story.world.calls("stop") == []
    (public,) = (await story.call("GET", "/announcements", role="public"))["items"]
    assert public["rule"] == "C16"
    (dropped,) = [e for e in (await story.case(case))["log"] if e["kind"] == "unplanned"]
    assert "signed" in dropped["data"]["why"]
    assert await story.until(case, "closed", days=30) == "closed"
    assert (await story.kinds(case)).count("announced") == 2
    assert story.events("case.closed", asset)[0]["rule"] == "C16"
    await check_file(story, case)


async def test_of_several_findings_one_that_was_signed_is_asked_about(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("three", unit)
    await story.flag(asset, "C16")
    await story.planned(case)
    await story.clear(asset, "C15")
    for ordinal in range(2, 6):  # findings that come later, some of them before the signed one in the order of ids
        await story.flag(asset, "C15", ordinal)
    await story.sign()
    await story.until(case, "verifying", days=4)
    assert [asked["rule"] for asked in story.events("recheck.requested", asset)] == ["C16"]


async def test_limits_bound_a_plan_in_the_order_of_asset_ids(make_story: Make) -> None:
    story = await make_story(limits=Limits(per_plan=2))
    unit = await story.unit("alpha")
    cases = await ready(story, unit, "a", "b", "c", "d", "e")
    order = sorted([(await story.case(case))["asset_id"] for case in cases.values()])
    await story.next_day(2)
    listed = (await story.call("GET", "/plans"))["items"]
    plans = [(await story.call("GET", f"/plans/{plan['plan_id']}"))["content"] for plan in listed]
    plans.sort(key=lambda content: str(content["sealed_on"]))
    planned = [[member["asset_id"] for member in content["members"]] for content in plans]
    assert planned == [order[:2], order[2:4], order[4:]]


async def mandate(story: Story, *signers: str, until: int = 30, max_per_day: int = 5, rule: str = "C15") -> str:
    body = {"rule": rule, "max_per_day": max_per_day, "until": (story.day + timedelta(days=until)).isoformat()}
    which = str((await story.call("POST", "/mandates", body))["mandate_id"])
    for who in signers:
        await story.call("POST", f"/mandates/{which}/approvals", role="approver", who=who)
    return which


async def test_under_a_live_mandate_one_signature_is_enough(story: Story, unit: UUID) -> None:
    await mandate(story, "ada", "bo")
    cases = await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "approved"
    await story.round()
    assert await story.state(cases["a"]) == "announced"


@pytest.mark.parametrize("terms", [{"until": 0}, {"max_per_day": 0}, {"max_per_day": 1}, {"rule": "C16"}], ids=str)
async def test_a_mandate_that_has_ended_is_too_small_or_is_for_another_rule_helps_nobody(
    story: Story, unit: UUID, terms: dict[str, Any]
) -> None:
    await mandate(story, "ada", "bo", **terms)
    await ready(story, unit, "a", "b")
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "sealed"


@pytest.mark.parametrize("cleared", [True, False])
async def test_a_mandate_covers_what_the_case_rests_on_and_not_what_it_was_opened_for(
    story: Story, unit: UUID, cleared: bool
) -> None:
    """Opened for C15, closed on C16: a standing approval of C15 says nothing of that; nor does it of both together."""
    await mandate(story, "ada", "bo")
    asset, case = await story.flagged("turned", unit)
    await story.flag(asset, "C16")
    if cleared:
        await story.clear(asset, "C15")
    await story.planned(case)
    plan = await plan_of(story)
    (member,) = plan["content"]["members"]
    assert (member["rule"], member.get("rules")) == (("C16", None) if cleared else ("C15", ["C15", "C16"]))
    assert (await sign(story, plan, "cy")).json()["state"] == "sealed"
    await mandate(story, "ada", "bo", rule="C16")
    assert (await sign(story, plan, "cy")).json()["state"] == "approved"
    await story.until(case, "closed")
    await check_file(story, case)


async def test_each_mandate_of_a_case_bounds_its_stops(story: Story, unit: UUID) -> None:
    """Two places under C15, one under C16: of two cases that rest on both, one is stopped in a day."""
    await mandate(story, "ada", "bo", max_per_day=2)
    await mandate(story, "ada", "bo", rule="C16", max_per_day=1)
    for name in ("a", "b"):
        asset, case = await story.flagged(name, unit)
        await story.flag(asset, "C16")
        await story.planned(case)
        (plan,) = (await story.call("GET", "/plans?state=sealed"))["items"]
        assert (await sign(story, plan, "cy")).json()["state"] == "approved"
    await story.call("POST", "/kill-switch", {"on": True})
    await story.next_day(3)
    await story.call("POST", "/kill-switch", {"on": False})
    await story.round()
    assert len(story.world.calls("stop")) == 1


async def test_a_case_with_its_own_finding_alone_is_sealed_as_ever(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a")
    (member,) = (await plan_of(story))["content"]["members"]
    assert member["rule"] == "C15"
    assert "rules" not in member


async def test_a_mandate_needs_two_people_of_whom_none_proposed_it(story: Story, unit: UUID) -> None:
    body = {"rule": "C15", "max_per_day": 5, "until": (story.day + timedelta(days=9)).isoformat()}
    which = (await story.call("POST", "/mandates", body, role="approver", who="ada"))["mandate_id"]
    own = await story.request("POST", f"/mandates/{which}/approvals", role="approver", who="ada")
    assert own.status_code == 409
    await story.call("POST", f"/mandates/{which}/approvals", role="approver", who="bo")
    again = await story.request("POST", f"/mandates/{which}/approvals", role="approver", who="bo")
    await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "sealed", again.text
    await story.call("POST", f"/mandates/{which}/approvals", role="approver", who="di")


async def under_mandate(story: Story, unit: UUID, *names: str, **terms: Any) -> dict[str, UUID]:
    """Cases that one person approved under a mandate signed by two."""
    await mandate(story, "ada", "bo", **terms)
    cases = await ready(story, unit, *names)
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "approved"
    await story.round()
    return cases


async def test_a_mandate_that_ended_before_the_stop_stops_nothing(story: Story, unit: UUID) -> None:
    """What rested on it goes back to planning, where two people can sign it."""
    cases = await under_mandate(story, unit, "a", until=1)
    await story.next_day(3)
    assert story.world.calls("stop") == []
    assert await story.state(cases["a"]) == "planned"
    (dropped,) = [e for e in (await story.case(cases["a"]))["log"] if e["kind"] == "unplanned"]
    assert "ended" in dropped["data"]["why"]
    assert await story.until(cases["a"], "closed", days=30) == "closed"


async def test_a_mandate_bounds_the_stops_of_a_day_and_not_only_a_plan(story: Story, unit: UUID) -> None:
    """Two plans that were each small enough become due on one day."""
    await mandate(story, "ada", "bo", max_per_day=1)
    cases = {}
    for name in ("a", "b"):
        cases |= await ready(story, unit, name)
        (plan,) = (await story.call("GET", "/plans?state=sealed"))["items"]
        assert (await sign(story, plan, "cy")).json()["state"] == "approved"
        await story.round()
    await story.call("POST", "/kill-switch", {"on": True})
    await story.next_day(3)
    await story.call("POST", "/kill-switch", {"on": False})
    await story.round()
    assert len(story.world.calls("stop")) == 1
    await story.next_day()
    assert len(story.world.calls("stop")) == 2


@pytest.mark.parametrize("tampering", ["delete from mandate_approvals where approver ~ 'bo'", "delete from mandates"])
async def test_a_mandate_that_lost_a_signature_stops_nothing_and_raises_an_alarm(
    story: Story, unit: UUID, tampering: str
) -> None:
    cases = await under_mandate(story, unit, "a")
    await story.owner("alter table mandate_approvals drop constraint mandate_approvals_mandate_id_fkey")
    await story.owner(tampering)
    await story.next_day(3)
    assert story.world.calls("stop") == []
    assert await story.state(cases["a"]) == "needs_person"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["plan-altered"]


async def test_a_case_closed_under_a_mandate_has_a_file_that_proves_it(story: Story, unit: UUID) -> None:
    cases = await under_mandate(story, unit, "a")
    await story.until(cases["a"], "closed")
    await check_file(story, cases["a"])


async def check_file(story: Story, case: UUID) -> None:
    assert await story.file_faults(case) == []
