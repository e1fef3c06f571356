"""The vanishing guard on a real database: disappearances beyond the limit wait for a person, from every way in."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.errors import Missing
from services.registry.assets.domain import Policy
from services.registry.guard import usecases
from services.registry.guard.domain import AlreadyDecided
from tests.integration.registry.conftest import NOW, POLICY, TODAY, Registry, csv_of, declared, delisted


async def listed(registry: Registry, count: int = 6) -> None:
    for number in range(count):
        await registry.take(declared(f"a{number}"))


async def vanish(registry: Registry, *numbers: int) -> list[str]:
    return [await registry.outcome(delisted(f"a{number}")) for number in numbers]


async def gone(registry: Registry) -> int:
    return int(await registry.fetch("select count(*) from assets where running = 'gone'"))


async def decide(registry: Registry, which: object, *, go: bool = True) -> str:
    result = await usecases.decide_one(
        registry.database,
        which,
        go=go,
        reason="seen",
        actor="op",
        now=registry.now,  # type: ignore[arg-type]
    )
    return result.outcome


async def test_beyond_the_limit_of_a_rolling_day_they_are_held(registry: Registry) -> None:
    await listed(registry)
    assert await vanish(registry, 0, 1, 2, 3) == ["gone", "gone", "held", "held"]
    assert await gone(registry) == 2
    registry.now += timedelta(hours=23)
    assert await vanish(registry, 4) == ["held"]
    registry.now += timedelta(hours=2)
    assert await vanish(registry, 5) == ["gone"]
    assert await vanish(registry, 2) == ["held"], "room of a later day is not for what waits for a person"


async def test_removals_at_once_are_counted_one_after_the_other(registry: Registry) -> None:
    await listed(registry, 12)
    outcomes = await asyncio.gather(*(registry.outcome(delisted(f"a{n}")) for n in range(12)))
    assert sorted(outcomes) == ["gone"] * 2 + ["held"] * 10
    assert await gone(registry) == 2


async def test_events_and_files_draw_on_the_same_limit(registry: Registry) -> None:
    await listed(registry)
    assert await vanish(registry, 0) == ["gone"]
    unit = csv_of("a1", "a2", "a3")
    assert (await registry.summary(unit, complete=True))["held"] == 2
    assert await gone(registry) == 1


async def test_a_person_lets_it_happen_or_drops_it_once(registry: Registry) -> None:
    await listed(registry)
    await vanish(registry, 0, 1, 2, 3)
    one, other = await registry.pending()
    for _ in range(2):  # the same decision twice is one decision
        assert await decide(registry, one) == "gone"
        assert await decide(registry, other, go=False) == "unchanged"
    assert await gone(registry) == 3
    for which, go in ((one, False), (other, True)):
        with pytest.raises(AlreadyDecided):
            await decide(registry, which, go=go)
    with pytest.raises(Missing):
        await decide(registry, uuid4())
    asset = await registry.fetch("select asset_id from disappearances where disappearance_id = $1", one)
    assert (await registry.history(asset))[-1] == ("gone", "released by the guard: seen")


async def test_what_its_source_lists_again_needs_no_decision_any_more(registry: Registry) -> None:
    await listed(registry)
    await vanish(registry, 0, 1, 2)
    (disappearance_id,) = await registry.pending()
    assert await registry.outcome(declared("a2")) == "unchanged"
    assert await registry.pending() == []
    with pytest.raises(AlreadyDecided):
        await decide(registry, disappearance_id)
    assert await registry.state("a2") == "draft online"


async def test_a_source_has_its_own_limit_and_zero_holds_everything(registry: Registry) -> None:
    registry.policy = Policy(guard_share=0.05, guard_floor=2, guard_limits={"list": 0, "free": 4})
    await listed(registry)
    for number in range(6):
        await registry.take(declared(f"f{number}", source="free"))
    assert await vanish(registry, 0) == ["held"]
    free = [await registry.outcome(delisted(f"f{number}", source="free")) for number in range(6)]
    assert free == ["gone"] * 4 + ["held"] * 2


async def test_a_closure_is_no_disappearance(registry: Registry) -> None:
    await listed(registry)
    await vanish(registry, 0, 1, 2)
    (disappearance_id,) = await registry.pending()
    asset = await registry.fetch("select asset_id from disappearances where disappearance_id = $1", disappearance_id)
    await registry.close(asset)
    assert await decide(registry, disappearance_id) == "unchanged"
    assert await registry.state("a2") == "closed offline"
    assert POLICY.guard_floor == 2


async def test_a_day_of_many_is_decided_page_by_page_and_its_end_is_that_of_the_zone(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecases, "PAGE", 3)
    monkeypatch.setattr(usecases, "MOST", 6)
    registry.policy = Policy(guard_limits={"list": 0}, zone=ZoneInfo("Asia/Shanghai"))
    await registry.bring_in(csv_of(*(f"n{n}" for n in range(12))), complete=True)
    registry.now = NOW + timedelta(hours=11, minutes=59)  # 23:59 in Shanghai
    assert (await registry.summary(csv_of(*(f"n{n}" for n in range(4))), complete=True))["held"] == 8
    registry.now += timedelta(minutes=1)

    async def decide(day: object, gone: Any = None) -> tuple[int, int]:
        done = await usecases.decide_day(
            registry.database,
            "list",
            day,
            go=True,
            reason="seen",
            actor="op",
            now=registry.now,  # type: ignore[arg-type]
            policy=registry.policy,
            gone=gone,
        )
        return done.outcomes.total(), done.left

    async def nobody() -> bool:
        return True

    assert await decide(TODAY + timedelta(days=1)) == (0, 0)
    assert await decide(TODAY, nobody) == (0, 8)
    assert [await decide(TODAY) for _ in range(3)] == [(6, 2), (2, 0), (0, 0)]
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 8
    assert await registry.fetch("select count(*) = count(distinct asset_id) from asset_versions where outcome = 'gone'")
    assert usecases.decide_one
