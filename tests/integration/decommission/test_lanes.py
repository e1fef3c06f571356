"""Two lanes: what is slow holds up itself, what is brought back waits for nobody, no case is moved twice at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.decommission import RecheckRequested
from libs.common.outbound.targets import FAILURES
from tests.integration.decommission.conftest import SHORT, Make, Story
from tests.integration.decommission.dripping import Drips, drips, running
from tests.kit.waiting import eventually

__all__ = ["drips"]  # a fixture, which pytest finds by its name in the module


async def in_state(story: Story, state: str, *cases: UUID) -> None:
    for case in cases:
        await eventually(lambda case=case: _is(story, case, state), deadline=30)


async def _is(story: Story, case: UUID, state: str) -> bool:
    return await story.state(case) == state


async def test_a_slow_unit_holds_up_itself_alone(story: Story, unit: UUID, drips: Drips) -> None:
    """Its cases are due before the others; one call to it is under way at a time, and all others move meanwhile."""
    slow = await story.unit("slow")
    await story.endpoint(slow)
    await story.resited(slow, f"http://{drips.address(0)}/notices")
    waiting = [(await story.flagged(f"slow{number}", slow))[1] for number in range(4)]
    well = [(await story.flagged(f"well{number}", unit))[1] for number in range(8)]
    await story.call("POST", "/rounds", {})
    async with running(story, [drips.address(0)]):
        await in_state(story, "answering", *well)
        assert drips.calling.total() == 1
        assert {await story.state(case) for case in waiting} == {"noticing"}
        assert (await story.executor.due())[1] > 0
    assert max(drips.most.values()) == 1


async def test_the_day_s_plan_waits_for_slow_units_no_longer_than_they_take(
    story: Story, unit: UUID, drips: Drips
) -> None:
    """Under a stepped clock what is slow is waited for, to its end."""
    slow = await story.unit("slow")
    await story.endpoint(slow)
    await story.resited(slow, f"http://{drips.address(0)}/notices")
    asset, case = await story.flagged("well", unit)
    story.world.manners(asset, answer={"answer": "close"})
    await story.round()
    _, late = await story.flagged("late", slow)
    await _next_day(story)
    async with running(story, [drips.address(0)], timeout=0.5):
        await in_state(story, "planned", case)
        assert "undelivered" in await story.kinds(late)
        await eventually(lambda: _quiet(story))


async def _quiet(story: Story) -> bool:
    return sum(await story.executor.due()) == 0


async def test_a_restore_waits_for_no_look_at_the_same_account(story: Story, unit: UUID, drips: Drips) -> None:
    """Its page drips, and the daily look at it is under way: the look gives way and leaves no trace."""
    asset, case = await story.flagged("looked-at", unit)
    await story.until(case, "verifying")
    async with running(story, [drips.address(0)]):
        await story.connector(probe_url=f"http://{drips.address(0)}/{{identity}}")
        await _next_day(story)
        await eventually(lambda: drips.calling.total() == 1)
        await story.act(case, "restore")
        await eventually(lambda: story.world.calls("restore", str(asset)), deadline=5)
        assert "probed" not in await story.kinds(case)
    assert await story.alarms("stuck") == []


async def _next_day(story: Story) -> None:
    story.clock.set(story.clock.now() + timedelta(days=1))
    await story.call("POST", "/rounds", {})


async def test_a_restore_waits_for_the_end_of_its_own_stop(story: Story, unit: UUID, drips: Drips) -> None:
    """An order to restore that overtook the order to stop would be undone by it."""
    asset, case = await story.flagged("slow-stop", unit)
    await story.announced(case)
    async with running(story, [drips.address(0)], timeout=0.6):
        await story.connector(stop_url=f"http://{drips.address(0)}/connector")
        await _next_day(story)
        await eventually(lambda: _quiet(story))
        await _next_day(story)
        await eventually(lambda: _called(story, drips))
        await story.act(case, "cancel")
        assert drips.calling.total() == 1
        assert story.world.calls("restore") == []
        await eventually(lambda: story.world.calls("restore", str(asset)))
        assert drips.calling.total() == 0
    kinds = await story.kinds(case)
    assert kinds.index("stop_unanswered") < kinds.index("restore_started")


async def _called(story: Story, drips: Drips) -> bool:
    """Whether somebody is being called by now; until then, what the monitor is asked is answered."""
    for kind, body in await story.outbox():
        if kind == "recheck.requested":
            await story.answer(RecheckRequested.model_validate(body))
            story.executor.wake()
    return drips.calling.total() == 1


async def test_orders_to_stop_go_out_one_by_one(story: Story, unit: UUID, drips: Drips) -> None:
    """When the switch goes off at most one is on its way, however slow its target is."""
    cases = [(await story.flagged(f"stop{number}", unit))[1] for number in range(3)]
    await story.announced(cases[0])
    async with running(story, [drips.address(0)], timeout=1):
        await story.connector(stop_url=f"http://{drips.address(0)}/connector")
        await _next_day(story)
        await eventually(lambda: _quiet(story))
        await _next_day(story)
        await eventually(lambda: _called(story, drips))
        await story.call("POST", "/kill-switch", {"on": True})
        await eventually(lambda: drips.calling.total() == 0)
        await eventually(lambda: _quiet(story))
    kinds = [await story.kinds(case) for case in cases]
    assert sum("stop_started" in each for each in kinds) == 1


async def test_an_open_breaker_lets_notices_rest_and_refuses_no_restore(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("back", unit)
    await story.until(case, "verified")
    world = f"127.0.0.1:{story.world.port}"
    async with running(story, [], rest=300) as targets:
        for _ in range(FAILURES):
            await _fail(targets, world)
        assert await _shown(story, world) == ("open", FAILURES)
        _, later = await story.flagged("later", unit)
        await story.call("POST", "/rounds", {})
        sent = len(story.world.calls("notice"))
        await story.act(case, "restore")
        await eventually(lambda: story.world.calls("restore", str(asset)), deadline=5)
        await in_state(story, "answering", later)  # the restore has shown that it is well
        assert await _shown(story, world) == ("closed", 0)
        assert len(story.world.calls("notice")) == sent + 1


async def _fail(targets: Any, target: str) -> None:
    place = None
    while (place := targets.take(target, urgent=False)) is None:
        await asyncio.sleep(0)
    targets.release(place, failed=True, error="ReadTimeout")


async def _shown(story: Story, target: str) -> tuple[str, int]:
    (row,) = [row for row in await story.call("GET", "/targets", role="viewer") if row["target"] == target]
    return row["state"], row["failures"]


@pytest.mark.parametrize("cases", [2 * FAILURES])
async def test_a_round_ends_though_a_target_fails_every_time(story: Story, unit: UUID, cases: int) -> None:
    """Under a stepped clock a target rests for a moment, and everybody was called who was to be called that day."""
    found = [(await story.flagged(f"acc{number}", unit))[1] for number in range(cases)]
    story.world.manners("alpha", status=503)
    await story.round()
    assert [(await story.kinds(case)).count("undelivered") for case in found] == [1] * cases
    assert (await _shown(story, f"127.0.0.1:{story.world.port}"))[1] == cases
    story.world.manners("alpha")
    await story.next_day()
    assert {await story.state(case) for case in found} == {"answering"}
    assert await _shown(story, f"127.0.0.1:{story.world.port}") == ("closed", 0)


async def test_an_order_to_restore_waits_for_no_look_whether_others_are_back(make_story: Make, drips: Drips) -> None:
    """The pages of two that are coming back drip at the very host that takes the order for a third."""
    story = await make_story(windows=replace(SHORT, restore_days=90))
    unit = await story.unit("alpha")
    found = [(await story.flagged(f"back{number}", unit))[1] for number in range(3)]
    for case in found:
        await story.until(case, "verified")
    place = drips.address(0)
    async with running(story, [place]):
        await story.connector(probe_url=f"http://{place}/{{identity}}")
        for case in found[:2]:
            await story.act(case, "restore")
        await eventually(lambda: drips.calling.total() >= 1)
        await story.connector(probe_url=f"http://{place}/{{identity}}", restore_url=f"http://{place}/connector")
        await story.act(found[2], "restore")

        async def begun() -> bool:
            return "restore_started" in await story.kinds(found[2])

        await eventually(begun, deadline=5)
    assert max(drips.most.values()) <= 2
