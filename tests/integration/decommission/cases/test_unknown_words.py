"""A word that this version does not know: kept as it came, refused by nobody, and never taken for one it knows."""

import json
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.registry import AssetRegistered
from services.decommission.cases import casework, next_move
from services.decommission.cases.entries.notice import Answered
from tests.integration.decommission.conftest import Story

WORD = "a-later-word"


async def evidence(story: Story, case: UUID) -> dict[str, Any]:
    (row,) = await story.owner("select evidence::text from findings where case_id = $1", case)
    return dict(json.loads(row["evidence"]))


@pytest.mark.parametrize("field", ["verdict", "label", "rule"])
async def test_a_finding_with_an_unknown_word_opens_a_case_that_keeps_it(story: Story, unit: UUID, field: str) -> None:
    asset = await story.asset("one", unit)
    await story.hear(story.finding(asset, **{field: WORD}))
    (case,) = await story.cases(asset_id=asset)
    which = UUID(case["case_id"])
    assert (await evidence(story, which))[field] == WORD
    await story.announced(which)
    told = (await story.call("GET", "/announcements?limit=10", role="public"))["items"]
    shown = {"label": told[0]["why"]["label"], "rule": told[0]["rule"]} if told else {}
    assert shown.get(field, WORD) == WORD
    assert await story.until(which, "closed") == "closed"
    await story.outbox()
    (closed,) = story.events("case.closed", asset)
    assert closed.get(field, WORD) == WORD
    assert await story.file_faults(which) == []


async def test_an_unknown_proposal_opens_nothing(story: Story, unit: UUID) -> None:
    """Only what is known to propose a closure leads to one."""
    asset = await story.asset("one", unit)
    await story.hear(story.finding(asset, proposal=WORD))
    assert await story.cases(asset_id=asset) == []


@pytest.mark.parametrize("field", ["record", "running"])
async def test_an_asset_in_an_unknown_state_is_kept_so(story: Story, unit: UUID, field: str) -> None:
    record = story.record("one", unit) | {field: WORD}
    await story.hear(AssetRegistered(**record))
    (row,) = await story.owner("select record, running from subjects where asset_id = $1", record["asset_id"])
    assert row[field] == WORD


async def test_an_asset_of_an_unknown_kind_is_kept_and_never_stopped(story: Story, unit: UUID) -> None:
    """No limit names it, so it has no place under any."""
    asset = await story.asset("one", unit, kind=WORD)
    case = await story.flag(asset)
    await story.round()
    await story.next_day(6)
    assert (await story.state(case), story.world.calls("stop")) == ("answering", [])
    (row,) = await story.owner("select kind from subjects where asset_id = $1", asset)
    assert row["kind"] == WORD


async def said(story: Story, case: UUID, answer: str) -> None:
    """As a later version would have written down what a unit answered, before somebody went back to this one."""
    async with story.database.transaction("later_version") as conn:
        held = await casework.lock_case(story.deps, conn, case)
        await casework.append(story.deps, conn, held, Answered(answer=answer, reason=""), actor="unit:x")


@pytest.mark.parametrize("state", ["answering", "planned", "announced"])
async def test_an_unknown_answer_opens_no_gate(story: Story, unit: UUID, state: str) -> None:
    """It agrees to nothing and is not silence: a person is called, and nothing stops."""
    _, case = await story.flagged("one", unit)
    await story.round()
    if state != "answering":
        await story.planned(case)
    if state == "announced":
        await story.sign()
    assert await story.state(case) == state
    await said(story, case, WORD)
    if state == "planned":
        await story.sign()
    await story.next_day(8)
    assert (await story.state(case), story.world.calls("stop")) == ("needs_person", [])
    assert (await story.case(case))["log"][-1]["data"]["why"] == next_move.UNKNOWN_ANSWER
    assert [alarm["kind"] for alarm in await story.alarms()] == ["needs-person"]
    answers = [entry["data"]["answer"] for entry in (await story.case(case))["log"] if entry["kind"] == "answered"]
    assert answers == [WORD]
    await story.act(case, "cancel")
    await story.round()
    assert await story.state(case) == "ended"
