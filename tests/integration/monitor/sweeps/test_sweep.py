"""Sweeps on a real PostgreSQL: thresholds, blind sources, restatements, and that a day is swept once."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import asyncpg
import structlog

from libs.common.clock import SystemClock
from services.monitor.policy.rulebook import RuleBook, recompute
from services.monitor.signals.reading import evidence
from services.monitor.sweeps.jobs import Sweeper
from tests.integration.monitor.conftest import ZONE, Monitor, day
from tests.kit.waiting import eventually


async def test_findings_open_one_day_past_each_threshold(monitor: Monitor) -> None:
    """Posting on day 0 and silent since: C06 opens on day 15, C15 on day 91, neither a day before."""
    account = await monitor.record("quiet")
    opened = {}
    for number in range(92):
        await monitor.full_day(number, [account], [account] if number == 0 else [])
        await monitor.usage("s", number, {}, posts_total={account: 5})
        await monitor.state("s", number, [account], (number == 0) + 1, revision=2)
        swept = await monitor.sweep()
        for rule, count in swept["by_rule"].items():
            if count["opened"]:
                opened[rule] = number
        expected = "ACTIVE" if number <= 14 else "IDLE" if number <= 90 else "ZOMBIE"
        assert (await monitor.why(account)).swept_verdict == expected, number
    assert opened == {"C06": 15, "C15": 91}


async def test_a_sweep_is_done_once_a_day(monitor: Monitor) -> None:
    account = await monitor.record("quiet")
    for number in range(16):
        await monitor.full_day(number, [account])
    first = await monitor.sweep()
    assert first["opened"] == 1
    assert [kind for kind, _ in await monitor.events()] == ["finding.opened"]
    await monitor.usage("s", 15, {account: 1})
    assert await monitor.sweep() == first
    assert await monitor.events() == []


async def test_a_blind_source_opens_nothing_and_clears_nothing(monitor: Monitor) -> None:
    """Six weeks blind; after backfill and restatement exactly the dead account is flagged."""
    dead, alive, silent = [await monitor.record(name) for name in ("dead", "alive", "silent")]
    everyone = [dead, alive, silent]
    for number in range(3):
        await monitor.full_day(number, everyone, [dead, alive] + [silent] * (number < 1))
        await monitor.sweep()
    for number in range(3, 18):
        await monitor.full_day(number, everyone, [alive, dead])
        await monitor.sweep()
    assert await monitor.open_rules(silent) == ["C06"]
    await monitor.events()
    for number in range(18, 60):
        monitor.at(number)
        swept = await monitor.sweep()
        assert (swept["opened"], swept["cleared"]) == (0, 0)
        if number > 18:
            assert swept["unknown"] == 3
    assert [kind for kind, _ in await monitor.events()] == ["source.unhealthy"]
    for number in range(18, 60):  # what was kept at the source meanwhile
        sent = await monitor.usage("s", number, {alive: 1, silent: 1})
        await monitor.state("s", number, everyone, sent)
    await monitor.full_day(60, everyone, [alive, silent])
    swept = await monitor.sweep()
    assert (swept["opened"], swept["cleared"]) == (1, 1)
    assert await monitor.open_rules(dead) == ["C06"]
    assert await monitor.open_rules(silent) == []
    assert sorted(kind for kind, _ in await monitor.events()) == [
        "finding.cleared",
        "finding.opened",
        "source.recovered",
    ]
    assert (await monitor.signals(dead))["days_since_post"] == (day(60) - day(17)).days


async def test_a_shell_is_found_the_day_after_its_days_of_grace(monitor: Monitor) -> None:
    """Nothing ever posted and listed for more than 30 days; opened earlier, it is found earlier, and never later."""
    listed = await monitor.record("listed", listed=0)
    opened = await monitor.record("opened", listed=0, opened_on=day(-10))
    ahead = await monitor.record("ahead", listed=0, opened_on=day(300))
    first: dict[str, int] = {}
    for number in range(33):
        await monitor.full_day(number, [listed, opened, ahead])
        sent = await monitor.usage("s", number, {}, posts_total={listed: 0, opened: 0, ahead: 0})
        await monitor.state("s", number, [listed, opened, ahead], sent, revision=2)
        await monitor.sweep()
        for name, asset in (("listed", listed), ("opened", opened), ("ahead", ahead)):
            if "C16" in await monitor.open_rules(asset):
                first.setdefault(name, number)
    assert first == {"listed": 31, "opened": 21, "ahead": 31}


async def test_a_rule_that_left_its_pack_proposes_nothing_any_more(monitor: Monitor) -> None:
    account = await monitor.record("quiet")
    for number in range(16):
        await monitor.full_day(number, [account])
        await monitor.sweep()
    assert await monitor.open_rules(account) == ["C06"]
    await monitor.events()
    (pack,) = monitor.book.packs
    monitor.book = RuleBook(
        [
            replace(
                pack,
                rules=pack.rules[1:],
                conditions={code: checked for code, checked in pack.conditions.items() if code != "C06"},
            )
        ]
    )
    await monitor.full_day(16, [account])
    await monitor.sweep()
    assert await monitor.open_rules(account) == []
    assert [kind for kind, _ in await monitor.events()] == ["finding.cleared"]
    assert "no pack" in await monitor.database.pool.fetchval("select cleared_because from findings")


async def test_one_post_ends_a_shell_before_its_total_is_read_again(monitor: Monitor) -> None:
    account = await monitor.record("a", opened_on=day(-60))
    monitor.at(0)
    sent = await monitor.usage("s", 0, {}, posts_total={account: 0})
    await monitor.state("s", 0, [account], sent)
    await monitor.sweep()
    assert await monitor.open_rules(account) == ["C16"]
    await monitor.full_day(1, [account], [account])
    await monitor.sweep()
    assert await monitor.open_rules(account) == []
    assert (await monitor.signals(account))["posts_total"] == 1


async def test_a_total_of_nothing_is_not_believed_where_posts_were_counted(monitor: Monitor) -> None:
    account = await monitor.record("a", opened_on=day(-60))
    await monitor.full_day(0, [account], [account])
    monitor.at(1)
    sent = await monitor.usage("s", 1, {}, posts_total={account: 0})
    await monitor.state("s", 1, [account], sent)
    await monitor.sweep()
    assert "C16" not in await monitor.open_rules(account)


async def test_a_total_older_than_35_days_is_not_known(monitor: Monitor) -> None:
    account = await monitor.record("a", opened_on=day(-60))
    monitor.at(0)
    sent = await monitor.usage("s", 0, {}, posts_total={account: 0})
    await monitor.state("s", 0, [account], sent)
    for number in range(1, 36):
        await monitor.full_day(number, [account])
    await monitor.sweep()
    assert "C16" in await monitor.open_rules(account)
    await monitor.full_day(36, [account])
    swept = await monitor.sweep()
    assert (await monitor.signals(account))["posts_total"] is None
    assert swept["by_rule"]["C16"] == {"true": 0, "false": 0, "unknown": 1, "opened": 0, "cleared": 0}
    assert "C16" in await monitor.open_rules(account)


async def test_a_total_of_an_unhealthy_source_is_not_known(monitor: Monitor) -> None:
    account = await monitor.record("a", opened_on=day(-60))
    monitor.at(0)
    sent = await monitor.usage("s", 0, {}, posts_total={account: 0})
    await monitor.state("s", 0, [account], sent + 1)
    monitor.at(1)
    assert (await monitor.sweep())["unknown"] == 1
    assert (await monitor.signals(account))["posts_total"] is None


async def test_a_return_and_a_second_silence_are_two_findings(monitor: Monitor) -> None:
    account = await monitor.record("a")
    for number in range(40):
        await monitor.full_day(number, [account], [account] if number == 20 else [])
        await monitor.sweep()
    events = await monitor.events()
    assert [kind for kind, _ in events] == ["finding.opened", "finding.cleared", "finding.opened"]
    assert events[0][1] == events[1][1] != events[2][1]


async def test_a_sweep_in_chunks_finds_the_same_in_the_order_of_ids(monitor: Monitor) -> None:
    accounts = sorted([await monitor.record(f"a{n}") for n in range(7)])
    for number in range(16):
        await monitor.full_day(number, accounts, accounts[:2])
    monitor.chunk = 3
    swept = await monitor.sweep()
    assert (swept["assets"], swept["opened"], swept["idle"], swept["finished"]) == (7, 5, 5, True)
    opened = await monitor.database.pool.fetch("select asset_id from findings")
    assert {row["asset_id"] for row in opened} == set(accounts[2:])
    keys = await monitor.database.pool.fetch("select key from outbox order by id")
    assert [row["key"].decode() for row in keys] == [str(account) for account in accounts[2:]]


async def test_findings_are_looked_up_and_written_for_many_assets_at_once(monitor: Monitor) -> None:
    accounts = [await monitor.record(f"a{n}") for n in range(12)]
    for number in range(16):
        await monitor.full_day(number, accounts)
    asked: list[str] = []
    async with AsyncExitStack() as stack:  # every connection the pool may give
        for _ in range(monitor.database.pool.get_max_size()):
            conn = await stack.enter_async_context(monitor.database.pool.acquire())
            conn.add_query_logger(lambda record: asked.append(record.query))
    assert (await monitor.sweep())["opened"] == 12
    monitor.at(16)
    sent = await monitor.usage("s", 16, dict.fromkeys(accounts, 1))
    await monitor.state("s", 16, accounts, sent)
    assert (await monitor.sweep())["cleared"] == 12
    assert len([query for query in asked if " findings" in query]) <= 8


async def test_an_interrupted_sweep_goes_on_where_it_was(monitor: Monitor) -> None:
    accounts = sorted([await monitor.record(f"a{n}") for n in range(5)])
    for number in range(16):
        await monitor.full_day(number, accounts)
    monitor.chunk = 2
    await monitor.interrupted_sweep()
    assert [len(await monitor.open_rules(account)) for account in accounts] == [1, 1, 0, 0, 0]
    swept = await monitor.sweep()
    assert (swept["assets"], swept["opened"]) == (5, 5)
    assert len(await monitor.events()) == 5


async def test_a_sweep_interrupted_by_an_upgrade_goes_on_under_the_new_rules(monitor: Monitor) -> None:
    accounts = [await monitor.record(name) for name in ("a", "b")]
    await monitor.full_day(0, accounts)
    await monitor.sweep()
    async with monitor.database.transaction("interrupt") as conn:
        await conn.execute(
            "update sweeps set finished = false, reached = null, counts = jsonb_set(counts, '{by_rule}', "
            "(counts -> 'by_rule') - 'C16')"
        )
    swept = await monitor.sweep()
    assert swept["finished"]
    assert swept["by_rule"]["C16"]["false"] == 2


async def test_sweeps_asked_for_at_once_find_everything_once(monitor: Monitor) -> None:
    accounts = [await monitor.record(f"a{n}") for n in range(5)]
    for number in range(16):
        await monitor.full_day(number, accounts)
    monitor.chunk = 2
    answers = await asyncio.gather(*(monitor.sweep() for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["opened"] == 5
    assert len(await monitor.events()) == 5


async def test_verdicts_are_kept_by_their_changes(monitor: Monitor) -> None:
    account = await monitor.record("a")
    for number in range(20):
        await monitor.full_day(number, [account], [account] if number == 17 else [])
        await monitor.usage("s", number, {}, posts_total={account: 3})
        await monitor.state("s", number, [account], (number == 17) + 1, revision=2)
        await monitor.sweep()
    rows = await monitor.database.pool.fetch("select from_day, until_day, verdict, rule from verdicts order by 1")
    assert [tuple(row) for row in rows] == [
        (day(0), day(14), "UNKNOWN", None),  # silent for as long as it was looked at, which is not long enough
        (day(14), day(17), "IDLE", "C06"),
        (day(17), None, "ACTIVE", None),
    ]


async def test_evidence_recomputes_to_the_truth_it_was_stored_with(monitor: Monitor) -> None:
    account = await monitor.record("a", opened_on=day(-60))
    for number in range(16):
        await monitor.full_day(number, [account])
        sent = await monitor.usage("s", number, {}, posts_total={account: 0})
        await monitor.state("s", number, [account], sent, revision=2)
    await monitor.sweep()
    rows = await monitor.database.pool.fetch("select * from findings order by rule")
    assert [row["rule"] for row in rows] == ["C06", "C16"]
    for row in rows:
        assert recompute(row["condition"], evidence(row["signals"])) is True
    assert [(s.name, s.value, s.source, s.as_of) for s in evidence(rows[0]["signals"])] == [
        ("days_since_post", None, "s", day(15)),
        ("days_observed_silent", 16.0, "s", day(15)),
    ]


async def test_before_todays_statement_yesterday_is_judged(monitor: Monitor) -> None:
    """As under the system clock, which sweeps at two in the morning."""
    account = await monitor.record("a")
    for number in range(16):
        await monitor.full_day(number, [account])
    monitor.at(16)
    await monitor.sweep()
    assert (await monitor.signals(account))["days_observed_silent"] == 16
    shown = {s.name: s.age_days for rule in (await monitor.why(account)).rules for s in rule.signals}
    assert shown["days_observed_silent"] == 1


async def test_the_clocks_schedule_sweeps_once(monitor: Monitor) -> None:
    clock = SystemClock(ZONE)
    sweeper = Sweeper(monitor.database, monitor.book, clock, chunk=10)
    running = asyncio.create_task(sweeper.by_schedule("* * * * *"))

    async def swept() -> int:
        return int(await monitor.database.pool.fetchval("select count(*) from sweeps where finished"))

    try:
        await eventually(swept, 10)
    finally:
        running.cancel()


async def test_a_sweep_that_falls_into_an_outage_is_done_when_the_database_is_back(monitor: Monitor) -> None:
    """A database that fails over at two in the morning must not end the service that counts usage all day."""
    whole = monitor.database.pool
    away = await asyncpg.create_pool(min_size=0, max_size=1, host="127.0.0.1", port=9)
    await away.close()
    monitor.database.pool = away
    running = asyncio.create_task(
        Sweeper(monitor.database, monitor.book, SystemClock(ZONE), chunk=10).by_schedule("* * * * *")
    )
    try:
        with structlog.testing.capture_logs() as logged:
            await eventually(lambda: [line for line in logged if line["event"] == "sweep-put-off"], 10)
        assert not running.done()
        monitor.database.pool = whole
        await eventually(lambda: whole.fetchval("select count(*) from sweeps where finished"), 10)
    finally:
        monitor.database.pool = whole
        running.cancel()
