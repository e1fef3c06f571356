"""A sweep requested after the day's sweep judges only the assets added since."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.monitor.sweeps import usecases
from tests.integration.monitor.conftest import Monitor, bearer, day

NEW = ("assets", "opened", "cleared", "active", "idle", "zombie", "unknown")


async def silent(monitor: Monitor, *names: str, until: int = 15) -> list[UUID]:
    accounts = [await monitor.record(name) for name in names]
    for number in range(until + 1):
        await monitor.full_day(number, accounts)
    return accounts


def counts(swept: dict[str, Any]) -> list[int]:
    return [swept[name] for name in NEW]


async def test_what_was_imported_after_the_sweep_is_judged_when_asked(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    (old,) = await silent(monitor, "old")
    first = await monitor.sweep()
    assert counts(first) == [1, 1, 0, 0, 1, 0, 0]
    await monitor.events()
    shell = await monitor.record("shell", opened_on=day(-60))
    silent_too = await monitor.record("silent")
    sent = await monitor.usage("t", 15, {}, posts_total={shell: 0})
    await monitor.state("t", 15, [shell], sent)
    assert await monitor.sweep() == first, "the scheduled one is done"
    assert await monitor.events() == []

    asked = (await http.post("/sweeps", json={}, headers=bearer("operator"))).json()
    assert counts(asked) == [3, 2, 0, 0, 1, 1, 1]
    assert asked["by_rule"]["C16"]["opened"] == 1
    assert await monitor.open_rules(shell) == ["C16"]
    assert await monitor.open_rules(silent_too) == []
    assert [kind for kind, _ in await monitor.events()] == ["finding.opened"]
    shown = await http.get(f"/sweeps/{day(15)}", headers=bearer("viewer"))
    assert shown.json() == asked
    verdicts = await http.get("/verdicts", headers=bearer("viewer"))
    assert {item["asset_id"] for item in verdicts.json()["items"]} == {str(old), str(shell), str(silent_too)}

    for _ in range(2):
        assert (await http.post("/sweeps", headers=bearer("operator"))).json() == asked
    assert await monitor.sweep() == {**asked, "day": day(15)}
    assert await monitor.events() == []


async def test_what_was_judged_today_is_not_judged_again(monitor: Monitor) -> None:
    """Neither later usage nor a source that became unhealthy changes a verdict of today."""
    (old,) = await silent(monitor, "old")
    first = await monitor.sweep(asked=True)
    await monitor.events()
    await monitor.usage("s", 15, {old: 1})
    await monitor.record("new")
    asked = await monitor.sweep(asked=True)
    assert (asked["assets"], asked["cleared"], asked["idle"]) == (first["assets"] + 1, 0, 1)
    assert await monitor.open_rules(old) == ["C06"]
    assert await monitor.events() == [], "the turn of the source is told by tomorrow's sweep"
    monitor.at(16)
    await monitor.sweep()
    assert [kind for kind, _ in await monitor.events()] == ["source.unhealthy", "finding.cleared"]


async def test_the_day_after_finds_the_same_as_if_nobody_had_asked(monitor: Monitor) -> None:
    await silent(monitor, "old")
    await monitor.sweep()
    await monitor.record("shell", opened_on=day(-60))
    sent = await monitor.usage("t", 15, {}, posts_total={(await newest(monitor)): 0})
    await monitor.state("t", 15, [await newest(monitor)], sent)
    await monitor.sweep(asked=True)
    await monitor.events()
    monitor.at(16)
    swept = await monitor.sweep()
    assert (swept["assets"], swept["opened"], swept["cleared"]) == (2, 0, 0)
    assert await monitor.database.pool.fetchval("select count(*) from findings") == 2


async def newest(monitor: Monitor) -> UUID:
    return UUID(str(await monitor.database.pool.fetchval("select asset_id from assets where name = 'shell'")))


async def test_asked_for_at_once_it_finds_everything_once(monitor: Monitor) -> None:
    await silent(monitor, "old")
    await monitor.sweep()
    await monitor.events()
    for number in range(7):
        account = await monitor.record(f"new{number}", opened_on=day(-60))
        sent = await monitor.usage(f"t{number}", 15, {}, posts_total={account: 0})
        await monitor.state(f"t{number}", 15, [account], sent)
    monitor.chunk = 2
    answers = await asyncio.gather(*(monitor.sweep(asked=True) for _ in range(4)))
    assert {answer["assets"] for answer in answers} == {8}
    assert {answer["opened"] for answer in answers} == {8}
    assert len(await monitor.events()) == 7


async def test_one_that_was_interrupted_goes_on(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await silent(monitor, "old")
    await monitor.sweep()
    for number in range(5):
        await monitor.record(f"new{number}")
    monitor.chunk = 2
    judged = usecases._judge
    calls = 0

    async def dying(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionResetError
        await judged(*given)

    monkeypatch.setattr(usecases, "_judge", dying)
    with pytest.raises(ConnectionResetError):
        await monitor.sweep(asked=True)
    assert (await monitor.sweep())["assets"] == 3
    assert (await monitor.sweep(asked=True))["assets"] == 6


async def test_what_comes_back_is_judged_when_asked(monitor: Monitor) -> None:
    """Gone when the day was swept, or between its two halves: its verdict ended on the day on which it began."""
    accounts = await silent(monitor, "a", "b")
    monitor.chunk = 1
    first, second = sorted(accounts)
    await monitor.interrupted_sweep()
    name = "a" if first == accounts[0] else "b"
    await monitor.record(name, version=2, running="gone")
    assert (await monitor.sweep())["assets"] == 2
    await monitor.record(name, version=3)
    assert (await monitor.sweep(asked=True))["assets"] == 3
    rows = await monitor.database.pool.fetch("select asset_id from verdicts where until_day is null")
    assert {row["asset_id"] for row in rows} == {first, second}
    assert (await monitor.sweep(asked=True))["assets"] == 3


async def test_the_first_sweep_of_a_day_may_be_asked_for(monitor: Monitor) -> None:
    await silent(monitor, "old")
    asked = await monitor.sweep(asked=True)
    assert counts(asked) == [1, 1, 0, 0, 1, 0, 0]
    assert await monitor.sweep() == asked
