"""What becomes of a unit's contact when its last assets are disposed of (个人信息保护法 art. 47)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.decommission.assets import store as asset_store
from services.decommission.cases import store as case_store
from services.decommission.deps import Deps
from services.decommission.executor import STEPS
from services.decommission.steps import close
from tests.integration.decommission.conftest import Story
from tests.kit.waiting import eventually


async def contact(story: Story, unit: UUID) -> str | None:
    (row,) = await story.owner("select contact from endpoints where unit_id = $1", unit)
    return row["contact"]


async def said_of_contact(story: Story, case: UUID) -> str | None:
    """What the case's disposal says of it."""
    for entry in (await story.case(case))["log"]:
        if entry["kind"] == "disposed":
            return str(entry["data"]["datasets"][0]["action"])
    return None


async def test_the_last_two_of_a_unit_that_end_on_one_day_leave_no_contact(story: Story, unit: UUID) -> None:
    cases = [(await story.flagged(name, unit))[1] for name in ("a", "b")]
    for case in cases:
        await story.until(case, "closed")
    said = sorted([await said_of_contact(story, case) or "" for case in cases])
    assert said == ["delete", "keep, the unit answers for other assets"]
    assert await contact(story, unit) is None


@pytest.mark.parametrize("left", ["uncased", "kept"])
async def test_a_unit_that_answers_for_another_asset_keeps_its_contact(story: Story, unit: UUID, left: str) -> None:
    if left == "uncased":
        await story.asset("other", unit)
    else:
        asset, other = await story.flagged("other", unit)
        story.world.manners(asset, answer={"answer": "keep"})
        await story.until(other, "ended")
    _, case = await story.flagged("a", unit)
    await story.until(case, "closed")
    assert await said_of_contact(story, case) == "keep, the unit answers for other assets"
    assert await contact(story, unit) is not None


async def test_of_two_disposals_at_once_the_second_deletes(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has decided and not committed: the second waits for it."""
    cases = [(await story.flagged(name, unit))[1] for name in ("a", "b")]
    later: list[asyncio.Task[None]] = []
    look = asset_store.QUERIES.assets_left

    async def looked(conn: Any, **what: Any) -> int:
        others = int(await look(conn, **what))
        if not later:
            (second,) = [case for case in cases if str(case) != str(await _holder(story, what["asset_id"]))]
            later.append(asyncio.create_task(close.dispose(story.deps, second)))
            await eventually(lambda: _waits(story, later[0]))
        return others

    ready: list[UUID] = []

    async def postponed(deps: Deps, case_id: UUID) -> None:
        ready.append(case_id)
        async with deps.database.transaction("rest_case") as conn:
            await case_store.QUERIES.case_rest(conn, case_id=case_id, due_at=None)

    for case in cases:
        await story.until(case, "verified")
    with monkeypatch.context() as patch:
        patch.setitem(STEPS, "dispose", postponed)
        while not ready:
            await story.next_day()
    assert sorted(ready) == sorted(cases), "both on one day"
    monkeypatch.setattr(asset_store.QUERIES, "assets_left", looked)
    await close.dispose(story.deps, cases[0])
    await later[0]
    assert sorted([await said_of_contact(story, case) or "" for case in cases])[0] == "delete"
    assert await contact(story, unit) is None


async def _holder(story: Story, asset: UUID) -> UUID:
    (row,) = await story.owner("select case_id from cases where asset_id = $1", asset)
    return UUID(str(row["case_id"]))


async def _waits(story: Story, task: Any) -> bool:
    """Whether a task is over, or stands before another's lock."""
    waiting = await story.owner(
        "select 1 from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()"
    )
    return task.done() or bool(waiting)
