"""Declarations of assets on a real database: each takes effect once, in any order."""

import asyncio
from datetime import date, timedelta

import pytest

from libs.common.errors import DomainError, Invalid
from libs.common.events.intake import UnitRef
from libs.common.security.tokens import Principal
from services.registry.assets import usecases
from services.registry.assets.domain import (
    AnotherSource,
    DuplicateAsset,
    NotClosed,
    Policy,
    ReopenTooEarly,
    UnknownAsset,
)
from services.registry.intake.domain import EventReused
from services.registry.intake.usecases import Result
from tests.integration.registry.conftest import NOW, OPERATOR, Registry, corrected, declared, delisted


async def test_a_repeated_event_acts_once_and_gets_the_same_answer(registry: Registry) -> None:
    first = await registry.take(declared("a"), event="1")
    assert (await registry.take(declared("a"), event="1")) == first
    assert await registry.fetch("select count(*) from outbox where topic = 'jianfu.registry'") == 1
    assert await registry.fetch("select count(*) from asset_versions") == 1
    async with registry.database.transaction("forget") as conn:  # as the inbox does in time
        await conn.execute("delete from inbox")
    await registry.take(delisted("a"))
    assert (await registry.take(declared("a"), event="1")) == first
    assert await registry.state("a") == "draft gone"


async def test_another_event_under_an_id_that_was_used_is_refused_and_not_lost(registry: Registry) -> None:
    await registry.take(declared("a"), event="1")
    for other in (delisted("a"), declared("b"), declared("a", unit="Another")):
        with pytest.raises(EventReused):
            await registry.take(other, event="1")
    assert await registry.state("a") == "draft online"


async def test_what_others_call_their_events_is_no_matter(registry: Registry) -> None:
    """Whoever guessed the ids of another's events could have them refused, and no replay would have mended it."""
    mine, yours = (Principal(name, frozenset({"unit"}), f"ca-name:{name}") for name in ("mine", "yours"))
    await registry.take(declared("a", unit="mine"), who=mine, event="1")
    first = await registry.take(declared("b", unit="yours"), who=yours, event="1")
    assert first.outcome == "registered"
    assert (await registry.take(declared("b", unit="yours"), who=yours, event="1")) == first
    with pytest.raises(EventReused):
        await registry.take(declared("c", unit="yours"), who=yours, event="1")


async def test_an_event_from_before_senders_were_kept_is_recognised_by_what_it_said(registry: Registry) -> None:
    first = await registry.take(declared("a"), event="1")
    admin = "insert into intake_outcomes (event_source, event_id, outcome, asset_id, told) "
    await registry.database.pool.execute(
        admin + "select event_source, id, outcome, asset_id, case id when '3' then null else told end "
        "from intake_outcomes, unnest(array['2', '3']) id"
    )
    await registry.take(delisted("a"))
    for event in ("2", "3"):
        assert (await registry.take(declared("a"), event=event)) == first
    assert await registry.state("a") == "draft gone"
    assert await registry.outcome(declared("b"), event="2") == "registered", "another's, who had taken the id"
    for declaration in (declared("b"), declared("b")):
        assert await registry.outcome(declaration, event="2") == "registered"
    with pytest.raises(EventReused):
        await registry.take(declared("a"), event="2")


async def test_a_sources_name_is_one_however_its_blanks_are_written(registry: Registry) -> None:
    await registry.take(declared("a", source="city  list "))
    assert await registry.outcome(delisted("a", source=" city list")) == "gone"


async def test_an_event_of_the_whole_record_follows_that_of_its_unit(registry: Registry) -> None:
    result = await registry.take(declared("a", unit="Ministère de l'Été"))
    (unit_type, unit), (asset_type, asset) = await registry.emitted()
    assert (unit_type, asset_type) == ("unit.recorded", "asset.registered")
    assert unit["unit_id"] == asset["sponsor_id"]
    assert (asset["asset_id"], asset["version"], asset["platform"]) == (str(result.asset_id), 1, "x")
    await registry.take(corrected("a", unit="Another"))
    (_, another), (amended, record) = await registry.emitted()
    assert (amended, record["version"]) == ("asset.amended", 2)
    assert record["sponsor_id"] == another["unit_id"] != unit["unit_id"]


async def test_two_declarations_of_one_thing_at_once_give_one_record(registry: Registry) -> None:
    results = await asyncio.gather(*(registry.take(declared("same", unit=f"U{n}")) for n in range(8)))
    assert await registry.fetch("select count(*) from assets") == 1
    assert sorted(r.outcome for r in results).count("registered") == 1
    versions = await registry.fetch("select array_agg(version order by version) from asset_versions")
    assert versions == list(range(1, len(versions) + 1))


async def test_two_sources_at_once_give_one_record_and_one_refusal_that_shows_it(registry: Registry) -> None:
    results = await asyncio.gather(
        *(registry.take(declared("same", source=source)) for source in ("one", "two")), return_exceptions=True
    )
    (made,) = [r for r in results if isinstance(r, Result)]
    (refused,) = [r for r in results if isinstance(r, DuplicateAsset)]
    assert refused.params["twin"] == made.asset_id


async def test_one_unit_first_seen_by_many_at_once_is_one_unit_with_all_its_names(registry: Registry) -> None:
    def declare(number: int) -> object:
        ref = UnitRef(scheme="ca-name", value="  One   UNIT ", name=f"Name {number % 3}")
        return registry.take(declared(f"a{number}", sponsor=ref))

    await asyncio.gather(*(declare(n) for n in range(9)))  # type: ignore[arg-type]
    assert await registry.fetch("select count(*) from units") == 1
    recorded = [body for kind, body in await registry.emitted() if kind == "unit.recorded"]
    last = max(recorded, key=lambda body: body["version"])
    assert {name["text"] for name in last["names"]} == {"Name 0", "Name 1", "Name 2"}


async def test_several_accounts_of_one_unit_on_one_platform_are_no_refusal(registry: Registry) -> None:
    for name in ("one", "two", "three"):
        assert await registry.outcome(declared(name)) == "registered"


async def test_a_removal_is_gone_and_a_return_restores_the_same_record(registry: Registry) -> None:
    first = await registry.take(declared("a"))
    assert await registry.outcome(delisted("a")) == "gone"
    assert await registry.state("a") == "draft gone"
    assert await registry.outcome(delisted("a")) == "unchanged"
    back = await registry.take(declared("a", source="another list"))
    assert (back.outcome, back.asset_id) == ("restored", first.asset_id)
    assert [outcome for outcome, _ in await registry.history(first.asset_id)] == ["registered", "gone", "restored"]


async def test_what_a_source_said_of_an_earlier_day_undoes_nothing_when_it_arrives_late(registry: Registry) -> None:
    """Nor does it when only a repetition came in between; of another source, or of the same day, it counts."""
    earlier, latest = (date(2025, 5, day) for day in (10, 20))
    first = await registry.take(declared("a", on=earlier))
    assert await registry.outcome(declared("a", on=latest)) == "unchanged"
    assert await registry.outcome(corrected("a", unit="Another", on=earlier)) == "outdated"
    assert await registry.outcome(delisted("a", on=earlier)) == "outdated"
    assert await registry.state("a") == "draft online"
    assert await registry.outcome(delisted("a", on=latest)) == "gone"
    assert await registry.outcome(declared("a", on=earlier)) == "outdated"
    assert await registry.outcome(declared("a", source="other", on=earlier)) == "restored"
    assert await registry.outcome(corrected("a", source="other", unit="Another", on=earlier)) == "amended"
    assert [outcome for outcome, _ in await registry.history(first.asset_id)] == [
        "registered",
        "gone",
        "restored",
        "amended",
    ]


async def test_a_late_statement_does_not_take_back_what_the_guard_holds(registry: Registry) -> None:
    registry.policy = Policy(guard_limits={"list": 0})
    await registry.take(declared("a", on=date(2025, 5, 1)))
    assert await registry.outcome(delisted("a")) == "held"
    assert await registry.outcome(declared("a", on=date(2025, 5, 30))) == "outdated"
    assert len(await registry.pending()) == 1
    assert await registry.outcome(declared("a")) == "unchanged"
    assert await registry.pending() == []


async def test_a_day_that_has_not_come_outdates_nothing(registry: Registry) -> None:
    """Of a source east of us it may be tomorrow already."""
    for declaration in (declared("a", on=date(2025, 6, 3)), delisted("a", on=date(2099, 1, 1))):
        with pytest.raises(Invalid) as refused:
            await registry.take(declaration)
        assert (refused.value.field, refused.value.accepted) == ("on", "a day not after 2025-06-01")
    registry.now += timedelta(hours=7)
    assert await registry.outcome(declared("a", on=date(2025, 6, 2))) == "registered"


async def test_an_opening_to_come_is_refused_and_changes_nothing(registry: Registry) -> None:
    ahead = date(2099, 1, 1)
    await registry.take(declared("a"))
    for declaration in (
        declared("a", opened_on=ahead),
        corrected("a", opened_on=ahead),
        declared("b", opened_on=ahead),
    ):
        with pytest.raises(Invalid) as refused:
            await registry.take(declaration)
        assert refused.value.field == "opened_on"
    assert await registry.fetch("select array_agg(version) from asset_versions") == [1]
    assert await registry.outcome(corrected("a", opened_on=date(2025, 6, 1))) == "amended"


async def test_what_a_source_may_not_say_is_refused_and_leaves_no_trace(registry: Registry) -> None:
    with pytest.raises(UnknownAsset):
        await registry.take(delisted("nobody"))
    await registry.take(declared("a"))
    await registry.emitted()
    with pytest.raises(DuplicateAsset):
        await registry.take(declared("a", source="other", unit="A new unit"))
    with pytest.raises(AnotherSource):
        await registry.take(delisted("a", source="other"))
    assert await registry.emitted() == []
    assert await registry.fetch("select count(*) from units") == 1
    assert await registry.fetch("select count(*) from inbox") == 1


@pytest.mark.parametrize("field", ["name", "source", "address"])
async def test_characters_that_no_database_holds_are_refused_by_name(registry: Registry, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        await registry.take(declared("a").model_copy(update={field: "x\0y"}))
    assert refused.value.field == field


async def test_a_correction_of_the_unknown_registers_it_and_says_so(registry: Registry) -> None:
    result = await registry.take(corrected("new"))
    assert result.outcome == "registered"
    assert await registry.history(result.asset_id) == [
        ("registered", "corrected by its source before anybody declared it")
    ]


async def test_a_misnamed_platform_is_noted(registry: Registry) -> None:
    result = await registry.take(declared("a", platform="Instagram"))
    assert result.identity.corrected
    assert await registry.history(result.asset_id) == [("registered", "declared as Instagram, its address is on x")]


async def test_apps_and_groups_are_recorded_with_identity_and_sponsor(registry: Registry) -> None:
    app = await registry.take(declared("App", kind="app", platform="安卓", address="cn.gov.example"))
    group = await registry.take(declared("Group", kind="group", platform="微信", address="wrkzn-1"))
    rows = await registry.database.pool.fetch("select kind, platform, identity from assets order by kind")
    assert [tuple(row) for row in rows] == [("app", "android", "cn.gov.example"), ("group", "wechat", "wrkzn-1")]
    assert app.asset_id != group.asset_id


async def test_a_closed_asset_comes_back_as_a_new_record_after_its_cooldown_or_by_permit(registry: Registry) -> None:
    old = await registry.take(declared("dead"))
    with pytest.raises(NotClosed):
        await usecases.permit_reopening(registry.database, old.asset_id, OPERATOR, "too soon", now=NOW)
    await registry.close(old.asset_id)
    await registry.close(old.asset_id)
    assert await registry.state("dead") == "closed offline"
    with pytest.raises(ReopenTooEarly) as refused:
        await registry.take(declared("dead"))
    assert "2026-06-01" in refused.value.text.zh
    with pytest.raises(UnknownAsset):
        await registry.take(delisted("dead"))
    for _ in range(2):
        await usecases.permit_reopening(registry.database, old.asset_id, OPERATOR, "closed by mistake", now=NOW)
    new = await registry.take(declared("dead", source="somebody else"))
    assert new.outcome == "registered"
    assert new.asset_id != old.asset_id
    assert await registry.history(new.asset_id) == [("registered", f"reopens {old.asset_id}")]
    await registry.close(new.asset_id)
    with pytest.raises(ReopenTooEarly):  # a permit serves one life
        await registry.take(declared("dead"))
    assert await registry.fetch("select array_agg(record) from assets") == ["closed", "closed"]
