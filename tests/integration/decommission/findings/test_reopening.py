"""What stays true of an asset whose case has ended: its next case, at once or when nothing excuses it any longer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.integration.decommission.conftest import SHORT, Make, Story

DAYS = 4


@pytest.fixture
async def patient(make_story: Make) -> Story:
    """A service that comes back to what it was told to leave after four days."""
    return await make_story(windows=replace(SHORT, reopen_days=DAYS))


async def cases_of(story: Story, asset: UUID) -> list[tuple[int, str, str]]:
    """(ordinal, rule, state) of every case of an asset, the first one first."""
    found = await story.cases(asset_id=asset)
    return sorted((case["ordinal"], case["rule"], case["state"]) for case in found)


async def check_files(story: Story, asset: UUID) -> None:
    for case in await story.cases(asset_id=asset):
        file = await story.call("GET", f"/cases/{case['case_id']}/file", role="auditor")
        assert await story.file_faults(case["case_id"]) == []
        assert file["findings"]


async def test_a_finding_that_came_while_a_case_waited_to_end_opens_the_next_at_once(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("waiting", unit)
    await story.round()
    await story.act(case, "hold")
    await story.clear(asset)
    await story.flag(asset, "C16")
    await story.act(case, "release")
    await story.round()
    assert await cases_of(story, asset) == [(1, "C15", "ended"), (2, "C16", "answering")]
    opened = story.events("case.opened", asset)
    assert [event["rule"] for event in opened] == ["C15", "C16"]
    await story.next_day(3)
    assert len(await story.cases(asset_id=asset)) == 2
    await check_files(story, asset)


@pytest.mark.parametrize("said", ["cancel", "keep"])
async def test_nor_is_it_excused_by_what_was_said_before_it_came(patient: Story, said: str) -> None:
    story = patient
    asset, case = await story.flagged("waiting", await story.unit("alpha"))
    await story.round()
    await story.act(case, "hold")
    if said == "cancel":
        await story.act(case, "cancel")
    else:
        await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"})
    await story.flag(asset, "C16")
    await story.act(case, "release")
    await story.round()
    assert await cases_of(story, asset) == [(1, "C15", "ended"), (2, "C16", "answering")]
    await story.next_day(DAYS + 1)  # what was excused attaches to the case that is open by then
    second = next(c["case_id"] for c in await story.cases(asset_id=asset) if c["ordinal"] == 2)
    assert "finding_attached" in await story.kinds(UUID(second))
    assert len(await story.cases(asset_id=asset)) == 2
    await check_files(story, asset)


@pytest.mark.parametrize("end", ["keep", "cancel", "restore"])
async def test_what_stays_true_after_an_end_that_excuses_opens_the_next_case_in_its_time(
    patient: Story, end: str
) -> None:
    story = patient
    asset, case = await story.flagged("left", await story.unit("alpha"))
    await story.until(case, "verified" if end == "restore" else "answering")
    if end == "keep":
        await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"})
    else:
        await story.act(case, end)
    await story.round()
    ended = await story.state(case)
    assert ended == ("restored" if end == "restore" else "ended")
    await story.next_day(DAYS)
    assert await cases_of(story, asset) == [(1, "C15", ended)]
    await story.next_day()
    assert await cases_of(story, asset) == [(1, "C15", ended), (2, "C15", "answering")]
    assert len(story.events("case.opened", asset)) == 2
    await check_files(story, asset)


UNTIL: list[tuple[int, int]] = [(2, 2), (0, 0), (-9, 0), (4000, DAYS)]


@pytest.mark.parametrize(("until", "quiet"), UNTIL)
async def test_a_keep_excuses_until_the_day_it_names(patient: Story, until: int, quiet: int) -> None:
    story = patient
    asset, _ = await story.flagged("kept", await story.unit("alpha"))
    answer = {"answer": "keep", "until": (story.day + timedelta(days=until)).isoformat()}
    story.world.manners(asset, answer=answer)
    await story.round()
    story.world.manners(asset)
    await story.next_day(quiet)
    assert await cases_of(story, asset) == [(1, "C15", "ended")]
    await story.next_day()
    assert await cases_of(story, asset) == [(1, "C15", "ended"), (2, "C15", "answering")]


async def test_a_keep_that_names_no_day_excuses_for_two_years(story: Story, unit: UUID) -> None:
    asset, _ = await story.flagged("kept", unit)
    story.world.manners(asset, answer={"answer": "keep"})
    await story.round()
    (row,) = await story.owner("select reopen_on from cases where asset_id = $1", asset)
    assert row["reopen_on"] == story.day + timedelta(days=731)


@pytest.mark.parametrize("later", ["cleared", "closed"])
async def test_what_is_no_longer_true_or_is_closed_by_then_has_no_next_case(patient: Story, later: str) -> None:
    story = patient
    asset, case = await story.flagged("over", await story.unit("alpha"))
    await story.round()
    await story.act(case, "cancel")
    await story.round()
    if later == "cleared":
        await story.clear(asset)
    else:
        await story.owner("update cases set state = 'closed' where case_id = $1", case)
    await story.next_day(DAYS + 2)
    assert len(await story.cases(asset_id=asset)) == 1
    (row,) = await story.owner("select reopen_on from cases")
    assert row["reopen_on"] is None


async def test_a_case_that_leaves_nothing_behind_has_no_day(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("mended", unit)
    await story.clear(asset)
    await story.round()
    assert await story.state(case) == "ended"
    rows: list[Any] = await story.owner("select reopen_on from cases")
    assert [row["reopen_on"] for row in rows] == [None]


async def test_the_next_case_goes_its_whole_way_with_a_notice_of_its_own(patient: Story) -> None:
    story = patient
    asset, case = await story.flagged("twice", await story.unit("alpha"))
    await story.round()
    await story.act(case, "cancel")
    await story.next_day(DAYS + 2)
    (second,) = [UUID(c["case_id"]) for c in await story.cases(asset_id=asset) if c["ordinal"] == 2]
    assert await story.until(second, "closed", days=30) == "closed"
    assert len(story.world.calls("notice", str(asset))) == 2
    await check_files(story, asset)
