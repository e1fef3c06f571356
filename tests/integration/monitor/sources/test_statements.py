"""Statements: revisions, wholeness that comes late or is lost again, and one event per turn of health."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.errors import Invalid
from services.monitor.sources import store
from services.monitor.sources import usecases as source_usecases
from services.monitor.sources.health import Terms
from services.monitor.sources.statements import StaleRevision
from tests.integration.monitor.conftest import START, Monitor, day


async def vouched(monitor: Monitor, source: str, asset: UUID) -> list[int]:
    """The days of the story on which the source vouches for the asset."""
    rows = await monitor.database.pool.fetch(
        "select lower(r) as first, upper(r) as until from vouched v cross join lateral unnest(v.days) r"
        " where v.source = $1 and v.asset_id = $2",
        source,
        asset,
    )
    return [
        (row["first"] + timedelta(days=n) - START).days
        for row in rows
        for n in range((row["until"] - row["first"]).days)
    ]


async def test_a_day_is_whole_once_all_that_was_sent_has_arrived(monitor: Monitor) -> None:
    asset = uuid4()
    await monitor.state("s", 0, [asset], 3)
    assert await vouched(monitor, "s", asset) == []
    await monitor.usage("s", 0, {asset: 1})
    await monitor.usage("s", 0, {asset: 1})
    assert await vouched(monitor, "s", asset) == []
    await monitor.usage("s", 0, {asset: 1})
    assert await vouched(monitor, "s", asset) == [0]
    await monitor.usage("s", 0, {asset: 1})  # one too many: what is wrong is not known, so nothing is
    assert await vouched(monitor, "s", asset) == []


async def test_a_restatement_moves_what_is_vouched_for(monitor: Monitor) -> None:
    kept, dropped, added = uuid4(), uuid4(), uuid4()
    monitor.at(1)
    await monitor.state("s", 0, [kept, dropped], 0)
    await monitor.state("s", 1, [kept, dropped], 0)
    assert await monitor.state("s", 0, [added, kept], 0, revision=2) == "applied"
    assert await vouched(monitor, "s", kept) == [0, 1]
    assert await vouched(monitor, "s", dropped) == [1]
    assert await vouched(monitor, "s", added) == [0]
    assert await monitor.state("s", 0, [added, kept], 5, revision=3) == "applied"
    assert await vouched(monitor, "s", kept) == [1]


async def test_the_silence_of_a_source_speaks_of_the_measures_that_it_names(monitor: Monitor) -> None:
    """Who counts followers knows nothing of posts, however whole its days are."""
    asset = uuid4()
    for on, measures in enumerate([("followers",), (), ("followers", "posts"), ("views",)]):
        monitor.at(on)
        await monitor.state("s", on, [asset], 0, measures=measures)
    assert await vouched(monitor, "s", asset) == [2]
    assert await monitor.state("s", 2, [asset], 0, revision=2, measures=("followers",)) == "applied"
    assert await monitor.state("s", 0, [asset], 1, revision=2, measures=("posts", "posts")) == "applied"
    assert await monitor.state("s", 0, [asset], 1, revision=2, measures=("posts",)) == "unchanged"
    assert await vouched(monitor, "s", asset) == []
    await monitor.usage("s", 0, {asset: 1})
    assert await vouched(monitor, "s", asset) == [0]


async def test_a_followers_agent_makes_no_account_silent_when_the_one_for_posts_dies(monitor: Monitor) -> None:
    """Promise 3: of two sensors of the same accounts the silence of one is not the silence of the other."""
    asset = await monitor.record("a")
    monitor.at(0)
    await monitor.usage("posts", 0, {asset: 1})
    await monitor.state("posts", 0, [asset], 1)
    for on in range(40):
        monitor.at(on)
        await monitor.state("followers", on, [asset], 0, measures=("followers",))
    why = await monitor.why(asset)
    assert why.verdict == "UNKNOWN"
    assert {rule.code: rule.truth for rule in why.rules}["C06"] == "unknown"


async def test_a_day_that_was_stated_of_followers_alone_is_no_silent_day(monitor: Monitor) -> None:
    """The account has one source: its statement without the measure posts vouches for no silence."""
    asset = await monitor.record("a")
    for on in range(40):
        monitor.at(on)
        await monitor.state("followers", on, [asset], 0, measures=("followers",))
    why = await monitor.why(asset)
    assert why.verdict == "UNKNOWN"
    assert {rule.code: rule.truth for rule in why.rules}["C06"] == "unknown"


async def test_a_day_that_has_not_come_cannot_be_stated(monitor: Monitor) -> None:
    """An agent that states ahead and dies would vouch for days that it never observed."""
    monitor.at(50)
    await monitor.admit("s", since=0)
    for wrong in (51, 52, 4):
        with pytest.raises(Invalid) as refused:
            await monitor.state("s", wrong, [uuid4()], 0)
        assert (refused.value.field, refused.value.accepted) == ("day", f"{day(5)} to {day(50)}")
    assert await monitor.state("s", 50, [uuid4()], 0) == "applied"
    assert await monitor.state("s", 5, [uuid4()], 0) == "applied"


async def test_only_a_higher_revision_replaces_a_statement(monitor: Monitor) -> None:
    asset = uuid4()
    assert await monitor.state("s", 0, [asset], 0, revision=2) == "applied"
    assert await monitor.state("s", 0, [asset, asset], 0, revision=2) == "unchanged"
    for records, revision in ((1, 2), (0, 1), (1, 1)):
        with pytest.raises(StaleRevision):
            await monitor.state("s", 0, [asset], records, revision=revision)
    assert await vouched(monitor, "s", asset) == [0]


async def test_two_sources_vouch_each_for_itself(monitor: Monitor) -> None:
    asset = uuid4()
    await monitor.state("s", 0, [asset], 0)
    await monitor.state("t", 0, [asset], 0)
    await monitor.usage("s", 0, {asset: 1})  # s has one too many now
    assert await vouched(monitor, "s", asset) == []
    assert await vouched(monitor, "t", asset) == [0]


async def test_each_turn_of_a_sources_health_is_told_once(monitor: Monitor) -> None:
    account = await monitor.record("a")
    turns: list[tuple[int, str]] = []
    for number in range(30):
        if 5 <= number < 8 or 20 <= number < 21:
            monitor.at(number)
        else:
            await monitor.full_day(number, [account], [account])
        await monitor.sweep()
        await monitor.sweep()
        turns += [(number, kind) for kind, subject in await monitor.events() if subject == "s"]
    # Days 5 to 7 and 20 were never stated; each is due for seven days.
    assert turns == [
        (6, "source.unhealthy"),
        (15, "source.recovered"),
        (21, "source.unhealthy"),
        (28, "source.recovered"),
    ]


async def test_a_configured_source_that_never_states_is_not_believed(monitor: Monitor) -> None:
    await source_usecases.configure_source(
        monitor.database,
        "mute",
        Terms(rhythm_days=2, floor_share=0.5, lookback_days=3),
        actor="test|operator",
        today=day(0),
        at=monitor.clock.now(),
    )
    await monitor.admit("mute")
    for number, healthy in ((0, True), (1, True), (2, False)):
        async with monitor.database.reading() as conn:
            assert (await store.healths(conn, day(number)))["mute"].healthy is healthy


async def test_a_shrunken_source_is_not_believed_until_it_is_usual(monitor: Monitor) -> None:
    accounts = [await monitor.record(f"a{n}") for n in range(10)]
    for number in range(16):
        await monitor.full_day(number, accounts)
        await monitor.sweep()
    assert await monitor.open_rules(accounts[0]) == ["C06"]
    await monitor.full_day(16, accounts[:7], accounts[:7])
    swept = await monitor.sweep()
    # A post counts from any source; the assets that it no longer names are unknown.
    assert (swept["cleared"], swept["unknown"]) == (7, 3)
    await monitor.full_day(17, accounts, accounts)
    assert (await monitor.sweep())["cleared"] == 3
