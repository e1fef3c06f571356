"""Sweeps on a real PostgreSQL: thresholds, blind sources, restatements, and that a day is swept once."""

from tests.integration.monitor.conftest import Monitor, day


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
    dead, alive, found = [await monitor.record(name) for name in ("dead", "alive", "found")]
    everyone = [dead, alive, found]
    for number in range(3):
        await monitor.full_day(number, everyone, [dead, alive] + [found] * (number < 1))
        await monitor.sweep()
    for number in range(3, 18):
        await monitor.full_day(number, everyone, [alive, dead])
        await monitor.sweep()
    assert await monitor.open_rules(found) == ["C06"]
    await monitor.events()
    for number in range(18, 60):
        monitor.at(number)
        swept = await monitor.sweep()
        assert (swept["opened"], swept["cleared"]) == (0, 0)
        if number > 18:
            assert swept["unknown"] == 3
    assert [kind for kind, _ in await monitor.events()] == ["source.unhealthy"]
    for number in range(18, 60):  # what was kept at the source meanwhile
        sent = await monitor.usage("s", number, {alive: 1, found: 1})
        await monitor.state("s", number, everyone, sent)
    await monitor.full_day(60, everyone, [alive, found])
    swept = await monitor.sweep()
    assert (swept["opened"], swept["cleared"]) == (1, 1)
    assert await monitor.open_rules(dead) == ["C06"]
    assert await monitor.open_rules(found) == []
    assert sorted(kind for kind, _ in await monitor.events()) == [
        "finding.cleared",
        "finding.opened",
        "source.recovered",
    ]
    assert (await monitor.signals(dead))["days_since_post"] == (day(60) - day(17)).days
