"""The life of a case, from a finding to a tombstone, and the ways in which it ends otherwise."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.decommission.limits.domain import Windows
from tests.integration.decommission.conftest import SHORT, Make, Story

# How long each stage lasts with the short windows of these tests.
STAGES = {"answering": 0, "planned": 2, "announced": 2, "verifying": 4, "verified": 6}


async def test_a_dead_account_is_noticed_planned_signed_archived_stopped_verified_and_closed(
    story: Story, unit: UUID
) -> None:
    asset, case = await story.flagged("quiet", unit)
    await story.round()
    assert await story.state(case) == "answering"
    (notice,) = await story.owner("select body from notices where case_id = $1", case)
    told = json.loads(notice["body"])
    await story.next_day(2)
    assert await story.state(case) == "answering"
    assert told["answer_by"] == story.day.isoformat(), "the day that the notice names is the unit's"
    await story.next_day()
    assert await story.state(case) == "planned"
    await story.sign()
    assert await story.state(case) == "announced"
    await story.next_day(2)
    assert await story.state(case) == "verifying"
    assert told["answered_stop_not_before"] < told["stop_not_before"] < story.day.isoformat()
    (announced,) = [e["data"] for e in (await story.case(case))["log"] if e["kind"] == "announced"]
    assert announced["stop_not_before"] == story.day.isoformat()
    assert "x/quiet" in story.world.world.stopped
    await story.next_day(2)
    assert await story.state(case) == "verified"
    await story.next_day(2)
    assert await story.state(case) == "closed"
    events = [kind for kind, body in story.told if body["asset_id"] == str(asset) and kind.startswith("case.")]
    assert events == [
        "case.opened",
        "case.noticed",
        "case.approved",
        "case.stopped",
        "case.verified",
        "case.closed",
    ]
    assert len(story.world.calls("notice")) == len(story.world.calls("stop")) == 1
    assert await story.alarms() == []


async def test_who_agrees_is_told_from_when_it_may_be_stopped(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("agreed", unit)
    story.world.manners(asset, answer={"answer": "close"})
    await story.round()
    (notice,) = await story.owner("select body from notices where case_id = $1", case)
    told = json.loads(notice["body"])
    for day in (told["answered_stop_not_before"], told["stop_not_before"], told["answer_by"]):
        assert all(day in text for text in told["reason"].values()), "in both languages"
    while await story.state(case) != "verifying":
        assert story.world.calls("stop") == []
        await story.sign()
        await story.next_day()
    assert story.day.isoformat() == told["answered_stop_not_before"]


async def test_the_closing_event_says_what_the_tombstone_needs(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("quiet", unit)
    await story.until(case, "closed")
    (closed,) = story.events("case.closed", asset)
    log = {entry["kind"]: entry["data"] for entry in (await story.case(case))["log"]}
    assert closed["rule"] == "C15"
    assert closed["closed_on"] == story.day.isoformat()
    assert closed["stopped_on"] == (story.day - timedelta(days=4)).isoformat()
    assert closed["plan_sha256"] == log["approved"]["plan_sha256"]
    assert closed["archive_sha256"] == log["archived"]["sha256"]


async def test_a_unit_that_keeps_its_account_ends_the_case(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("kept", unit)
    story.world.manners(asset, answer={"answer": "keep", "reason": "needed for the election"})
    await story.round()
    assert await story.state(case) == "ended"
    (ended,) = story.events("case.ended", asset)
    assert ended["outcome"] == "kept"
    assert story.world.calls("stop") == []


async def test_a_unit_that_agrees_waives_the_rest_of_its_window(make_story: Make) -> None:
    """But not the least of it: whoever holds its key may have answered for it, and it may still say keep."""
    story = await make_story(windows=replace(SHORT, answer_days=6, min_answer_days=3))
    asset, case = await story.flagged("agreed", await story.unit("alpha"))
    story.world.manners(asset, answer={"answer": "close", "reason": "nobody needs it"})
    await story.round()
    for _ in range(3):
        assert await story.state(case) == "answering"
        await story.next_day()
    assert await story.state(case) == "planned"


async def test_a_fix_is_looked_at_on_its_day_and_ends_the_case_when_true(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("mended", unit)
    until = story.day + timedelta(days=3)
    story.world.manners(asset, answer={"answer": "fix", "until": until.isoformat()})
    await story.round()
    assert await story.state(case) == "fixing"
    story.verdicts[asset] = "refuted"
    await story.next_day(3)
    assert await story.state(case) == "fixing"
    await story.next_day()
    assert await story.state(case) == "ended"
    assert story.events("case.ended", asset)[0]["outcome"] == "fixed"


async def test_a_fix_that_was_none_goes_on_to_the_plan(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("promised", unit)
    story.world.manners(asset, answer={"answer": "fix", "until": (story.day + timedelta(days=1)).isoformat()})
    await story.round()
    await story.next_day(2)
    assert await story.state(case) == "planned"


async def test_an_answer_comes_by_the_unit_itself_over_http_and_moves_the_case(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("asked", unit)
    await story.round()
    body = {"answer": "close", "reason": "agreed"}
    await story.next_day()
    refused = await story.request("POST", f"/cases/{case}/answers", body, role="unit", unit="test:other")
    assert refused.status_code == 403
    await story.call("POST", f"/cases/{case}/answers", body, role="unit", unit="test:alpha")
    await story.settle()
    assert await story.state(case) == "planned"


async def test_a_unit_above_answers_for_those_below_it(story: Story) -> None:
    above = await story.unit("ministry")
    below = await story.unit("bureau", parent=above)
    _, case = await story.flagged("asked", below)
    await story.round()
    await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"}, role="unit", unit="test:ministry")
    await story.settle()
    assert await story.state(case) == "ended"


async def test_a_hold_keeps_the_time_that_was_left(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("held", unit)
    await story.round()
    await story.next_day()
    await story.act(case, "hold", until=(story.day + timedelta(days=5)).isoformat())
    assert (await story.case(case))["held"] is True
    await story.next_day(5)
    assert (await story.case(case))["held"] is True, "a hold lasts until the end of its day"
    await story.next_day()
    assert (await story.case(case))["held"] is False
    assert await story.state(case) == "answering"
    await story.next_day(2)
    assert await story.state(case) == "planned"
    assert [e["held"] for e in story.events("case.held")] == [True, False]


async def test_a_hold_without_an_end_lasts_until_it_is_released(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("held", unit)
    await story.round()
    await story.next_day()
    await story.act(case, "hold")
    await story.next_day(10)
    assert await story.state(case) == "answering"
    await story.act(case, "release")
    await story.round()
    assert await story.state(case) == "answering"
    await story.next_day(2)
    assert await story.state(case) == "planned"


async def test_what_is_not_held_is_not_released(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("free", unit)
    await story.round()
    reply = await story.request("POST", f"/cases/{case}/release", {"reason": "?"})
    assert reply.status_code == 409


@pytest.mark.parametrize("stage", STAGES)
async def test_a_hold_at_any_time_before_the_disposal_lets_nothing_move(story: Story, unit: UUID, stage: str) -> None:
    _, case = await story.flagged("held", unit)
    await story.until(case, stage)
    await story.act(case, "hold")
    before = await story.kinds(case)
    signed = await story.sign()
    await story.next_day(6)
    assert await story.kinds(case) == [*before, *(["approved"] if signed else [])]
    assert bool(signed) == (stage == "planned")
    await story.act(case, "release")
    assert await story.until(case, "closed", days=30) == "closed"


@pytest.mark.parametrize("stage", STAGES)
async def test_a_cancel_at_any_time_before_the_disposal_ends_unwound(story: Story, unit: UUID, stage: str) -> None:
    asset, case = await story.flagged("cancelled", unit)
    await story.until(case, stage)
    stopped = bool(story.world.calls("stop"))
    await story.act(case, "cancel")
    await story.round()
    assert await story.state(case) == "ended"
    assert "x/cancelled" not in story.world.world.stopped
    assert len(story.world.calls("restore")) == int(stopped)
    assert story.events("case.ended", asset)[0]["outcome"] == "cancelled"
    assert len(story.events("case.restored", asset)) == int(stopped)


async def test_a_cancel_comes_too_late_for_what_is_closed(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("gone", unit)
    await story.until(case, "closed")
    reply = await story.request("POST", f"/cases/{case}/cancel", {"reason": "too late"})
    assert (reply.status_code, reply.json()["code"]) == (409, "illegal_transition")


async def test_a_restore_brings_a_stopped_account_back_within_its_window(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("back", unit)
    await story.until(case, "verified")
    await story.act(case, "restore", reason="taken up again")
    await story.round()
    assert await story.state(case) == "restored"
    assert "x/back" not in story.world.world.stopped
    assert len(story.events("case.restored", asset)) == 1
    await story.next_day(5)
    assert await story.state(case) == "restored"
    assert story.events("case.closed") == []


async def test_a_restore_that_is_not_seen_is_not_told(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("back", unit)
    await story.until(case, "verified")
    story.world.world.stopped = _Stays(story.world.world.stopped)
    await story.act(case, "restore")
    await story.round()
    await story.next_day(4)
    assert await story.state(case) == "restoring"
    assert story.events("case.restored", asset) == []
    assert len(story.world.calls("restore")) == 1
    assert [alarm["kind"] for alarm in await story.alarms()] == ["restore"]


class _Stays(set[str]):
    """A platform that says yes to a restore and leaves the page away."""

    def discard(self, _: str) -> None:
        return


async def test_a_finding_refuted_at_the_last_moment_ends_the_case(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("alive", unit)
    await story.announced(case)
    story.verdicts[asset] = "refuted"
    await story.next_day(2)
    assert await story.state(case) == "ended"
    assert story.events("case.ended", asset)[0]["outcome"] == "refuted"
    assert story.world.calls("stop") == []


@pytest.mark.parametrize("verdict", ["inconclusive", "nothing"])
async def test_without_a_yes_the_gate_stays_shut_and_is_asked_again_the_next_day(
    story: Story, unit: UUID, verdict: str
) -> None:
    asset, case = await story.flagged("dark", unit)
    await story.announced(case)
    story.verdicts[asset] = verdict
    await story.next_day(6)
    assert story.world.calls("stop") == []
    days = [body["business_day"] for body in story.events("recheck.requested", asset)]
    assert len(days) == len(set(days)) == 5
    story.verdicts[asset] = "confirmed"
    await story.next_day()
    assert await story.state(case) == "verifying"


async def test_an_answer_of_another_day_opens_no_gate(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("late", unit)
    await story.announced(case)
    story.verdicts[asset] = "nothing"
    await story.next_day(2)
    (asked,) = story.events("recheck.requested", asset)
    from libs.common.events.decommission import RecheckRequested

    question = RecheckRequested.model_validate(asked)
    await story.answer(question, "confirmed", on=story.day - timedelta(days=1))
    await story.settle()
    assert story.world.calls("stop") == []
    story.clock.set(story.clock.now() + timedelta(days=1))
    await story.answer(question, "confirmed")
    await story.round()
    assert story.world.calls("stop") == []


@pytest.mark.parametrize("stage", ["answering", "planned", "announced"])
async def test_a_finding_that_the_sweep_clears_ends_the_case_before_its_stop(
    story: Story, unit: UUID, stage: str
) -> None:
    asset, case = await story.flagged("revived", unit)
    await story.until(case, stage)
    await story.clear(asset)
    for plan in (await story.call("GET", "/plans?state=sealed"))["items"]:  # it was the only case of it
        path, body = f"/plans/{plan['plan_id']}/approvals", {"sha256": plan["sha256"]}
        reply = await story.request("POST", path, body, role="approver")
        assert (reply.status_code, reply.json()["code"]) == (409, "plan_void")
    await story.round()
    assert await story.state(case) == "ended"
    assert story.events("case.ended", asset)[0]["outcome"] == "refuted"


async def test_a_target_that_says_yes_and_lives_on_is_an_alarm_and_never_a_closure(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("liar", unit)
    story.world.manners(asset, lies=True)
    await story.until(case, "unverified")
    await story.next_day(15)
    assert await story.state(case) == "unverified"
    assert story.events("case.closed", asset) == []
    assert len(story.events("case.unverified", asset)) == 1
    assert [alarm["kind"] for alarm in await story.alarms()] == ["unverified"]
    probes = (await story.kinds(case)).count("probed")
    assert probes == 16


async def test_a_page_that_came_back_between_two_looks_is_looked_at_anew(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("flicker", unit)
    await story.until(case, "verifying")
    await story.next_day()
    story.world.world.stopped.discard("x/flicker")
    await story.next_day()
    assert await story.state(case) == "unverified"
    story.world.world.stopped.add("x/flicker")
    await story.next_day()
    assert await story.state(case) == "verifying"
    await story.next_day()
    assert await story.state(case) == "verified"
    assert len(story.events("case.verified", asset)) == 1


async def test_windows_are_pinned_when_a_case_opens(story: Story, unit: UUID) -> None:

    _, case = await story.flagged("pinned", unit)
    story.windows = Windows()
    story.start()
    assert (await story.case(case))["windows"]["answer_days"] == 2
    await story.round()
    await story.next_day(3)
    assert await story.state(case) == "planned"
    _, later = await story.flagged("later", unit)
    assert (await story.case(later))["windows"]["answer_days"] == 15
