"""What comes between the look at a case and the deed: a hold, an answer, a word from the monitor, a record, a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from libs.common.events import ids
from libs.common.outbound.egress import Egress, Reply
from services.decommission import executor
from services.decommission.assets import store as asset_store
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.deps import Deps
from services.decommission.limits.domain import Limits
from tests.integration.decommission.conftest import Story
from tests.kit.waiting import eventually

Deed = Callable[[], Awaitable[Any]]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Deed], None]:
    """`before(step, deed)`: the deed is done once, after the executor chose the step and before it is performed."""

    def plant(step: str, deed: Deed) -> None:
        perform, left = executor.STEPS[step], [deed]

        async def performed(deps: Deps, case_id: UUID) -> None:
            if left:
                await left.pop()()
            await perform(deps, case_id)

        monkeypatch.setitem(executor.STEPS, step, performed)

    return plant


STEPS = {
    "announce": "announced",
    "archive": "archive_started",
    "reserve": "slot_reserved",
    "ask": "recheck_asked",
    "stop": "stop_started",
    "dispose": "disposed",
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_hold_that_comes_before_the_deed_is_in_time(story: Story, unit: UUID, before: Any, step: str) -> None:
    _, case = await story.flagged("held", unit)
    before(step, lambda: story.act(case, "hold"))
    while "held" not in await story.kinds(case):
        await story.sign()
        await story.next_day()
    await story.next_day()
    kinds = await story.kinds(case)
    assert kinds[-1] == "held"
    assert STEPS[step] not in kinds
    assert await story.alarms() == []
    await story.act(case, "release")
    assert await story.until(case, "closed", days=30) == "closed"


@pytest.mark.parametrize("step", [*STEPS, "release"])
async def test_a_cancellation_that_comes_before_the_deed_is_in_time(
    story: Story, unit: UUID, before: Any, step: str
) -> None:
    _, case = await story.flagged("cancelled", unit)
    before(step, lambda: story.act(case, "release" if step == "release" else "cancel"))
    if step == "release":
        await story.round()
        await story.act(case, "hold", until=story.day.isoformat())
        await story.next_day()
        assert (await story.kinds(case)).count("released") == 1
        assert await story.alarms() == []
        return
    await story.until(case, "ended")
    assert STEPS[step] not in await story.kinds(case)
    assert len(story.world.calls("stop")) == len(story.world.calls("restore")) == int(step == "dispose")
    assert await story.alarms() == []


async def test_a_unit_that_keeps_its_account_in_the_last_minute_keeps_it(story: Story, unit: UUID, before: Any) -> None:
    _, case = await story.flagged("kept", unit)
    before("stop", lambda: story.call("POST", f"/cases/{case}/answers", {"answer": "keep"}))
    assert await story.until(case, "ended") == "ended"
    assert story.world.calls("stop") == []


async def test_a_finding_that_falls_in_the_last_minute_stops_nothing(story: Story, unit: UUID, before: Any) -> None:
    asset, case = await story.flagged("revived", unit)
    before("stop", lambda: story.clear(asset))
    assert await story.until(case, "ended") == "ended"
    assert story.world.calls("stop") == []


async def test_a_yes_to_a_finding_that_fell_since_is_asked_again_of_the_other(
    story: Story, unit: UUID, before: Any
) -> None:
    asset, case = await story.flagged("both", unit)
    await story.flag(asset, "C16")

    async def fall() -> None:
        await story.clear(asset, "C15")
        story.verdicts[asset] = "inconclusive"

    before("stop", fall)
    await story.announced(case)
    await story.next_day(2)
    assert [asked["rule"] for asked in story.events("recheck.requested", asset)] == ["C15", "C16"]
    assert story.world.calls("stop") == []


async def test_a_restore_that_comes_before_the_disposal_is_in_time(story: Story, unit: UUID, before: Any) -> None:
    _, case = await story.flagged("back", unit)
    before("dispose", lambda: story.act(case, "restore"))
    assert await story.until(case, "restored", "closed") == "restored"
    assert await story.alarms() == []


async def test_limits_lowered_after_a_place_was_given_are_the_ones_that_count(
    story: Story, unit: UUID, before: Any
) -> None:
    """The asset waits for tomorrow, as if it had come too late; nobody is called."""
    _, case = await story.flagged("late", unit)

    async def lower() -> None:
        story.executor._deps = story.deps = replace(story.deps, limits=Limits(per_day=0))

    before("ask", lower)
    await story.announced(case)
    await story.next_day(4)
    assert story.world.calls("stop") == []
    assert "slot_missed" in await story.kinds(case)
    assert await story.alarms() == []


async def test_a_record_that_comes_while_its_case_lies_down_wakes_it(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await story.flag(ids.asset_id("account", "x", "early"))
    look = asset_store.subject

    async def looked(conn: Any, asset_id: UUID) -> Any:
        found = await look(conn, asset_id)
        if found is None:
            monkeypatch.undo()
            await story.asset("early", unit)
        return found

    monkeypatch.setattr(asset_store, "subject", looked)
    await story.round()
    await story.round()
    assert await story.state(case) == "answering"


async def test_a_record_that_comes_before_its_case_is_laid_down_to_its_end_wakes_it(story: Story) -> None:
    """The executor has looked in vain and not committed: what comes now waits for it, and wakes the case after it."""
    unit = await story.unit("alpha")
    case = await story.flag(ids.asset_id("account", "x", "early"))
    async with story.database.transaction("rest_case") as conn:
        held = await casework.lock_case(story.deps, conn, case)
        assert await asset_store.subject(conn, held.row.asset_id) is None
        coming = asyncio.create_task(story.asset("early", unit))
        await eventually(lambda: _waits(story, coming))
        await case_store.QUERIES.case_rest(conn, case_id=case, due_at=None)
    await coming
    assert (await story.case(case))["due_at"] is not None
    await story.round()
    assert await story.state(case) == "answering"


async def test_a_record_that_comes_while_its_case_is_opened_is_seen(story: Story, monkeypatch: Any) -> None:
    """The record is written and not committed while the finding opens the case: one of them waits for the other."""
    unit, asset = await story.unit("alpha"), ids.asset_id("account", "x", "early")
    wake, opening = case_store.QUERIES.cases_wake, []

    async def woken(conn: Any, **what: Any) -> None:
        await wake(conn, **what)
        opening.append(asyncio.create_task(story.flag(asset)))
        await eventually(lambda: _waits(story, opening[0]))
        if opening[0].done():
            await story.executor.work()

    monkeypatch.setattr(case_store.QUERIES, "cases_wake", woken)
    await story.call("POST", "/rounds", {})
    await story.asset("early", unit)
    case = await opening[0]
    await story.round()
    assert await story.state(case) == "answering"


async def _waits(story: Story, task: Any) -> bool:
    """Whether a task is over, or stands before another's lock."""
    waiting = await story.owner(
        "select 1 from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()"
    )
    return task.done() or bool(waiting)


async def test_what_comes_back_within_its_restore_window_is_not_closed(story: Story, unit: UUID) -> None:
    """Closed means checked closed: gone three weeks ago is not gone."""
    asset, case = await story.flagged("risen", unit)
    await story.until(case, "verified")
    story.world.world.stopped.discard("x/risen")
    await story.next_day(4)
    assert await story.state(case) == "unverified"
    assert story.events("case.closed", asset) == []
    assert [alarm["kind"] for alarm in await story.alarms()] == ["unverified"]
    story.world.world.stopped.add("x/risen")
    assert await story.until(case, "closed") == "closed"


async def test_a_page_that_is_gone_before_the_stop_proves_nothing_after_it(story: Story, unit: UUID) -> None:
    """A probe's address with a mistake in it answers 404 for every account, also for those that live on."""
    _, case = await story.flagged("elsewhere", unit)
    story.world.world.stopped.add("x/elsewhere")
    assert await story.until(case, "needs_person") == "needs_person"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["gone-before"]
    await story.next_day(2)
    assert story.world.calls("stop") == []
    await story.act(case, "resume", reason="the platform deleted it; the address is right")
    assert await story.until(case, "closed") == "closed"


async def test_that_a_repeat_is_refused_says_nothing_of_the_order_that_had_no_answer(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target stopped it and its answer was lost; the repeat is refused at its door. It is stopped all the same."""
    _, case = await story.flagged("behind", unit)
    await story.announced(case)
    await story.connector(stop_url=f"{story.world.address}/connector?stop")
    ask = Egress.request

    async def lossy(self: Egress, method: str, url: str, **more: Any) -> Reply:
        if not url.endswith("?stop"):
            return await ask(self, method, url, **more)
        if not story.world.calls("stop"):
            await ask(self, method, url, **more)
            raise TimeoutError
        return Reply(429, {}, b"")  # type: ignore[arg-type]

    monkeypatch.setattr(Egress, "request", lossy)
    await story.next_day(2)
    assert "x/behind" in story.world.world.stopped
    await story.next_day()
    assert await story.state(case) == "stopping"
    assert (await story.kinds(case)).count("stop_unanswered") == 2
    await story.act(case, "cancel")
    await story.round()
    assert await story.state(case) == "ended"
    assert "x/behind" not in story.world.world.stopped
    assert len({call["key"] for call in story.world.calls("stop")}) == 1


@pytest.mark.parametrize("second", [403, 409])
@pytest.mark.parametrize("undone_by", ["cancel", "clear"])
async def test_an_order_that_may_have_been_carried_out_is_undone_whatever_a_later_one_is_answered(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch, second: int, undone_by: str
) -> None:
    """The gateway said 504 and the account was stopped; a person lets the case go on, and the next order is refused."""
    asset, case = await story.flagged("behind", unit)
    await story.announced(case)
    await story.connector(stop_url=f"{story.world.address}/connector?stop", honours_keys=False)
    ask = Egress.request

    async def gateway(self: Egress, method: str, url: str, **more: Any) -> Reply:
        if not url.endswith("?stop"):
            return await ask(self, method, url, **more)
        if story.world.calls("stop"):
            return Reply(second, {}, b"")  # type: ignore[arg-type]
        await ask(self, method, url, **more)
        return Reply(504, {}, b"")  # type: ignore[arg-type]

    monkeypatch.setattr(Egress, "request", gateway)
    await story.next_day(2)
    assert await story.state(case) == "needs_person"
    assert "x/behind" in story.world.world.stopped
    await story.act(case, "resume")
    await story.round()
    await story.next_day()
    assert await story.state(case) == ("stopping" if second == 403 else "needs_person")
    if undone_by == "cancel":
        await story.act(case, "cancel")
    else:
        await story.clear(asset)
    if await story.state(case) == "needs_person":
        await story.act(case, "resume")
    await story.round()
    await story.next_day()
    assert await story.state(case) == "ended"
    assert "x/behind" not in story.world.world.stopped
    assert "probed" in await story.kinds(case)


async def test_an_order_that_may_have_gone_out_is_not_repeated_on_grounds_that_nobody_signed(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset, case = await story.flagged("swapped", unit)
    await story.announced(case)
    await story.connector(stop_url=f"{story.world.address}/connector?stop")
    ask, orders = Egress.request, []

    async def silent(self: Egress, method: str, url: str, **more: Any) -> Reply:
        if not url.endswith("?stop"):
            return await ask(self, method, url, **more)
        orders.append(url)
        return Reply(504, {}, b"")  # type: ignore[arg-type]

    monkeypatch.setattr(Egress, "request", silent)
    await story.next_day(2)
    await story.flag(asset, "C16")
    await story.clear(asset, "C15")
    await story.next_day(3)
    assert await story.state(case) == "needs_person"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["unsigned"]
    assert len(orders) == 1
    await story.act(case, "cancel")
    await story.round()
    assert await story.state(case) == "ended"
    assert len(story.world.calls("restore")) == 1


async def test_a_unit_is_heard_while_its_case_waits_for_a_person(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("parked", unit)
    await story.announced(case)
    await story.owner("delete from connectors")
    await story.until(case, "needs_person")
    await story.connector()
    await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"}, role="unit", unit="test:alpha")
    await story.act(case, "resume")
    await story.round()
    await story.next_day(3)
    assert await story.state(case) == "ended"
    assert story.events("case.ended", asset)[0]["outcome"] == "kept"
    assert story.world.calls("stop") == []
