"""Two lanes: what is slow holds up itself, what is brought back waits for nobody, no case is moved twice at once."""

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.decommission import RecheckRequested
from libs.common.outbound.targets import FAILURES
from tests.integration.decommission.conftest import SHORT, Make, Story
from tests.integration.decommission.dripping import Drips, drips, running
from tests.kit.waiting import eventually

__all__ = ["drips"]  # a fixture, which pytest finds by its name in the module

AT_ONCE = 2  # to one target, as it is promised
WITHIN = 5.0  # seconds of the machine, from the request to the order at the target's door


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


async def test_a_restore_waits_for_no_look_that_was_led_on(story: Story, unit: UUID, drips: Drips) -> None:
    """The same where the page that drips is behind a redirect: the place of the first call is free by then."""
    asset, case = await story.flagged("led-on", unit)
    await story.until(case, "verifying")
    async with running(story, [drips.address(0)]):
        await story.connector(probe_url=f"http://{drips.address(0)}/moved/{{identity}}")
        await _next_day(story)
        await eventually(lambda: drips.led == 1)
        await story.act(case, "restore")
        await eventually(lambda: story.world.calls("restore", str(asset)), deadline=5)
        assert "probed" not in await story.kinds(case)


async def _next_day(story: Story) -> None:
    story.clock.set(story.clock.now() + timedelta(days=1))
    await story.call("POST", "/rounds", {})


async def test_a_restore_waits_for_the_end_of_its_own_stop(story: Story, unit: UUID, drips: Drips) -> None:
    """An order to restore that overtook the order to stop would be undone by it."""
    drips.heads = True
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


async def gone(make_story: Make, count: int) -> tuple[Story, list[tuple[UUID, UUID]]]:
    """Accounts that were stopped and seen to be gone, as (asset, case)."""
    story = await make_story(windows=replace(SHORT, restore_days=90))
    unit = await story.unit("alpha")
    found = [await story.flagged(f"hang{number}", unit) for number in range(count)]
    for _, case in found:
        await story.until(case, "verified")
    return story, found


async def ordered(story: Story, drips: Drips, found: list[tuple[UUID, UUID]]) -> float:
    """Ask for all to be brought back where it drips; seconds of the machine until the last order has arrived."""
    await story.connector(restore_url=f"http://{drips.address(0)}/connector")
    begun = time.monotonic()
    for _, case in found:
        await story.act(case, "restore")
    await eventually(lambda: {str(asset) for asset, _ in found} <= drips.orders.keys(), deadline=40)
    return time.monotonic() - begun


async def test_a_third_order_goes_out_though_the_heads_of_two_answers_drip(make_story: Make, drips: Drips) -> None:
    """One of the two had its time and is broken off: in doubt, as without an answer; its repeat has the same key."""
    story, found = await gone(make_story, 3)
    drips.heads = True
    async with running(story, [drips.address(0)]):
        await ordered(story, drips, found[:2])
        assert await ordered(story, drips, found[2:]) < WITHIN
        assert drips.calling.total() == 2
        kinds = [await story.kinds(case) for _, case in found]
        assert sum("restore_unanswered" in each for each in kinds) == 1
        ((broken_off, case),) = [
            which for which, each in zip(found, kinds, strict=True) if "restore_unanswered" in each
        ]
        (entry,) = [entry for entry in (await story.case(case))["log"] if entry["kind"] == "restore_unanswered"]
        assert datetime.fromisoformat(entry["data"]["until"]) == story.clock.now() + timedelta(minutes=1)
        await story.connector()
        story.clock.set(story.clock.now() + timedelta(minutes=1))
        await story.call("POST", "/rounds", {})
        (again,) = await eventually(lambda: story.world.calls("restore", str(broken_off)))
        assert [again["key"]] == drips.orders[str(broken_off)]
        await in_state(story, "restored", case)
    assert drips.most.total() == AT_ONCE
    assert await story.file_faults(case) == []


async def test_a_third_order_goes_out_though_the_bodies_of_two_answers_drip(make_story: Make, drips: Drips) -> None:
    """Its status is the whole answer to an order: nobody is kept waiting, and nothing is in doubt."""
    story, found = await gone(make_story, 3)
    async with running(story, [drips.address(0)]):
        assert await ordered(story, drips, found) < WITHIN
        for _, case in found:
            await eventually(lambda case=case: _has(story, case, "restore_accepted"), deadline=5)
            assert not await _has(story, case, "restore_unanswered")
    assert max(drips.most.values()) <= AT_ONCE


async def _has(story: Story, case: UUID, kind: str) -> bool:
    return kind in await story.kinds(case)


async def test_many_orders_go_out_to_a_target_that_hangs(make_story: Make, drips: Drips) -> None:
    """Once it has answered nobody for as long as two had time, it keeps each further one no longer than a moment."""
    story, found = await gone(make_story, 6)
    drips.heads = True
    async with running(story, [drips.address(0)]):
        assert await ordered(story, drips, found) < WITHIN
    assert drips.most.total() == AT_ONCE


async def test_an_order_finds_a_place_beside_a_notice_and_an_order_that_drip(make_story: Make, drips: Drips) -> None:
    """What is ordinary is broken off first; the notice was not delivered, as without an answer."""
    story, found = await gone(make_story, 2)
    slow = await story.unit("slow")
    await story.endpoint(slow)
    await story.resited(slow, f"http://{drips.address(0)}/notices")
    asset, told = await story.flagged("told", slow)
    drips.heads = True
    async with running(story, [drips.address(0)]):
        await story.call("POST", "/rounds", {})
        await eventually(lambda: str(asset) in drips.orders)
        assert await ordered(story, drips, found) < WITHIN
        await eventually(lambda: _has(story, told, "undelivered"), deadline=5)
        assert [await _has(story, case, "restore_unanswered") for _, case in found] == [False, False]
    assert drips.most.total() == AT_ONCE


async def test_a_stop_that_is_broken_off_is_in_doubt_as_one_without_an_answer(make_story: Make, drips: Drips) -> None:
    story, found = await gone(make_story, 2)
    asset, case = await story.flagged("going", await story.unit("alpha"))
    await story.announced(case)
    drips.heads = True
    async with running(story, [drips.address(0)]):
        await story.connector(stop_url=f"http://{drips.address(0)}/connector")
        while not drips.orders:
            await _next_day(story)
            await eventually(lambda: _quiet_or_called(story, drips))
        assert await ordered(story, drips, found) < WITHIN
        await eventually(lambda: _has(story, case, "stop_unanswered"), deadline=5)
        (entry,) = [entry for entry in (await story.case(case))["log"] if entry["kind"] == "stop_unanswered"]
        assert "until" not in entry["data"]
        assert await story.state(case) == "stopping"
    assert drips.most.total() == AT_ONCE
    assert len(drips.orders[str(asset)]) == 1


async def _quiet_or_called(story: Story, drips: Drips) -> bool:
    return await _called(story, drips) or await _quiet(story)
