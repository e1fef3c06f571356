"""What opens a case: one finding that proposes closure, once, of an asset that is known."""

from uuid import UUID

from libs.common.events import ids
from libs.common.events.registry import AssetAmended
from tests.integration.decommission.conftest import Story


async def test_a_finding_that_proposes_a_correction_opens_nothing(story: Story, unit: UUID) -> None:
    asset = await story.asset("idle", unit)
    await story.hear(story.finding(asset, "C06", proposal="correction", verdict="IDLE"))
    assert await story.cases() == []


async def test_the_same_finding_twice_opens_one_case(story: Story, unit: UUID) -> None:
    asset = await story.asset("twice", unit)
    told = story.finding(asset)
    await story.hear(told)
    await story.hear(told)
    (case,) = await story.cases()
    assert case["version"] == 1
    assert UUID(case["case_id"]) == ids.case_id(asset, 1)


async def test_a_second_finding_attaches_to_the_open_case(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("both", unit)
    assert await story.flag(asset, "C16") == case
    assert await story.kinds(case) == ["opened", "finding_attached"]


async def test_a_new_finding_after_the_end_opens_the_next_case(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("again", unit)
    await story.clear(asset)
    await story.round()
    assert await story.state(case) == "ended"
    await story.hear(story.finding(asset, ordinal=2))
    cases = await story.cases(asset_id=asset)
    assert sorted(c["ordinal"] for c in cases) == [1, 2]


async def test_with_one_of_two_findings_cleared_the_case_goes_on(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("both", unit)
    await story.flag(asset, "C16")
    await story.clear(asset, "C15")
    await story.round()
    assert await story.state(case) == "answering"
    await story.clear(asset, "C16")
    await story.round()
    assert await story.state(case) == "ended"


async def test_the_recheck_asks_for_a_finding_that_still_stands(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("both", unit)
    await story.flag(asset, "C16")
    await story.clear(asset, "C15")
    await story.until(case, "verifying")
    (asked,) = story.events("recheck.requested", asset)
    assert asked["rule"] == "C16"


async def test_a_case_of_an_asset_not_known_yet_waits_for_it(story: Story, unit: UUID) -> None:
    asset = ids.asset_id("account", "x", "early")
    case = await story.flag(asset)
    await story.next_day(3)
    assert story.world.calls("notice") == []
    await story.asset("early", unit)
    await story.round()
    assert await story.state(case) == "answering"


async def test_a_unit_may_come_after_its_asset_and_its_case(story: Story) -> None:
    which = ids.unit_id("test", "late")
    asset = await story.asset("orphan", which)
    case = await story.flag(asset)
    await story.round()
    assert await story.state(case) == "noticing"
    await story.unit("late")
    await story.round()
    assert await story.state(case) == "answering"


async def test_an_older_version_of_a_record_is_not_taken(story: Story, unit: UUID) -> None:
    asset = await story.asset("record", unit)
    newer = story.record("record", unit, version=3) | {"name": "third"}
    older = story.record("record", unit, version=2) | {"name": "second"}
    await story.hear(AssetAmended(**newer), sequence=3)
    await story.hear(AssetAmended(**older), sequence=2)
    (row,) = await story.owner("select version, name from subjects where asset_id = $1", asset)
    assert tuple(row) == (3, "third")


async def test_at_most_one_open_case_of_an_asset_is_the_schema_s_word(story: Story, unit: UUID) -> None:
    import asyncpg
    import pytest

    asset, _ = await story.flagged("only", unit)
    with pytest.raises(asyncpg.UniqueViolationError):
        await story.owner(
            "insert into cases select gen_random_uuid(), asset_id, 9, finding_id, rule, state, version, due_at,"
            " opened_at, windows from cases where asset_id = $1",
            asset,
        )
