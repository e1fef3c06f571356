"""Whoever drips holds up himself: restores go out within seconds, and no target is called more than twice at once."""

import json
import time
from dataclasses import replace
from uuid import UUID

from libs.common.events import ids
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.outbound.targets import AT_ONCE
from tests.attack.counting import Counts
from tests.integration.decommission.conftest import SHORT, Make, Story, idle_children, make_story
from tests.integration.decommission.dripping import Drips, drips, running
from tests.kit.waiting import eventually

__all__ = ["drips", "idle_children", "make_story"]  # fixtures, which pytest finds by their names in the module
DRIPPING = 500  # endpoints, each an address of its own
WITHIN = 5.0  # seconds of the machine, from the request to the order at the target's door


async def drip_at(story: Story, drips: Drips, endpoints: int) -> None:
    """As many units as endpoints, each set up like the first but for its address, each with a case to be told of."""
    like = await story.unit("like")
    for number in range(endpoints):
        unit, url = ids.unit_id("test", f"drip{number}"), f"http://{drips.address(number)}/notices"
        told = UnitRecorded(
            unit_id=unit,
            version=1,
            scheme="test",
            value=f"drip{number}",
            parent_id=None,
            names=(UnitName(language="en", text="drip"),),
        )
        await story.hear(told)
        await story.asset(f"drip{number}", unit)
        for table, more in (("unit_keys", {"url": url}), ("unit_key_proofs", {}), ("unit_key_confirmations", {})):
            changed = json.dumps({"unit_id": str(unit)} | more)
            copied = f"insert into {table} select (jsonb_populate_record(k, $1)).* from {table} k where unit_id = $2"  # noqa: S608 - our own tables
            await story.owner(copied, changed, like)
        await story.hear(story.finding(ids.asset_id("account", "x", f"drip{number}")))


async def brought_back(story: Story, asset: UUID, case: UUID) -> float:
    """Seconds of the machine from an operator's request to the order at the target's door."""
    begun = time.monotonic()
    await story.act(case, "restore")
    await eventually(lambda: story.world.calls("restore", str(asset)), deadline=60)
    return time.monotonic() - begun


async def stopped(story: Story, count: int) -> list[tuple[UUID, UUID]]:
    """Accounts that were stopped and are seen to be gone: (asset, case)."""
    unit = await story.unit("alpha")
    found = [await story.flagged(f"back{number}", unit) for number in range(count)]
    for _, case in found:
        await story.until(case, "verified")
    return found


async def test_a_restore_goes_out_within_seconds_whatever_drips(
    make_story: Make, drips: Drips, counts: Counts, size: int
) -> None:
    story = await make_story(windows=replace(SHORT, restore_days=90))
    back = await stopped(story, 2 * size)
    await drip_at(story, drips, DRIPPING)
    await story.call("POST", "/rounds", {})
    async with running(story, [drips.address(number) for number in range(DRIPPING)]):
        await eventually(lambda: drips.calling.total() > 0.9 * DRIPPING, deadline=60, every=0.1)
        times = [await brought_back(story, asset, case) for asset, case in back]
        shown = {row["target"]: row for row in await story.call("GET", "/targets", role="viewer")}
        await story.call("POST", "/kill-switch", {"on": True})
        assert sum(row["calls"] for row in shown.values()) > 0.9 * DRIPPING
        assert (await story.executor.due())[1] > 0  # what is under way is not quiet, whatever the switch says
    counts.others[f"restores while {DRIPPING} endpoints drip"] += len(times)
    counts.others["slowest of these restores, ms"] = round(max(times) * 1000)
    assert max(times) < WITHIN, times
    assert max(drips.most.values()) <= AT_ONCE
