"""What is watched: the register's word, a case's stop, and versions that never go back."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.common.events.decommission import CaseRestored, CaseStopped
from services.monitor.assets import usecases as asset_usecases
from tests.integration.monitor.conftest import Monitor


async def swept(monitor: Monitor, number: int) -> int:
    monitor.at(number)
    return int((await monitor.sweep())["assets"])


@pytest.mark.parametrize(
    ("state", "watched"),
    [
        ({}, True),
        ({"running": "building"}, True),
        ({"running": "suspended"}, True),
        ({"running": "offline"}, False),
        ({"running": "gone"}, False),
        ({"record": "draft"}, True),
        ({"record": "withdrawn"}, False),
        ({"record": "closed"}, False),
        ({"kind": "app"}, False),
        ({"kind": "group"}, False),
    ],
)
async def test_accounts_on_paper_and_in_the_world_are_watched(
    monitor: Monitor, state: dict[str, Any], watched: bool
) -> None:
    asset = await monitor.record("a", **state)
    assert await swept(monitor, 1) == int(watched)
    shown = await monitor.why(asset)
    assert shown.watched is watched
    assert (shown.verdict is None) is not watched


async def test_an_older_record_changes_nothing(monitor: Monitor) -> None:
    await monitor.record("a", version=3, running="gone")
    await monitor.record("a", version=2, running="online")
    await monitor.record("a", version=3, running="online")
    assert await swept(monitor, 1) == 0
    await monitor.record("a", version=4, running="online")
    assert await swept(monitor, 2) == 1


async def stop(monitor: Monitor, asset: UUID, event_id: str, *, stopped: bool, version: int = 1) -> None:
    kind = CaseStopped if stopped else CaseRestored
    event = kind(case_id=uuid4(), asset_id=asset, version=version, at=monitor.clock.now())
    await asset_usecases.mark_stopped(monitor.database, event, event_id=event_id)


async def test_a_stopped_asset_is_not_watched_until_it_is_restored(monitor: Monitor) -> None:
    asset = await monitor.record("a")
    await stop(monitor, asset, "e1", stopped=True)
    assert await swept(monitor, 1) == 0
    await stop(monitor, asset, "e2", stopped=False)
    await stop(monitor, asset, "e1", stopped=True)  # delivered again
    assert await swept(monitor, 2) == 1


async def test_a_case_may_speak_before_the_register(monitor: Monitor) -> None:
    from libs.common.events.ids import asset_id

    await stop(monitor, asset_id("account", "weibo", "a"), "e1", stopped=True)
    await monitor.record("a")
    assert await swept(monitor, 1) == 0


async def test_the_findings_of_a_gone_asset_stay_as_they_are(monitor: Monitor) -> None:
    asset = await monitor.record("a")
    for number in range(16):
        await monitor.full_day(number, [asset])
        await monitor.sweep()
    assert await monitor.open_rules(asset) == ["C06"]
    await monitor.events()
    await monitor.record("a", version=2, running="gone")
    await monitor.full_day(16, [asset], [asset])
    assert (await monitor.sweep())["assets"] == 0
    assert await monitor.open_rules(asset) == ["C06"]
    assert (await monitor.why(asset)).swept_verdict is None
    await monitor.record("a", version=3, running="online")
    await monitor.full_day(17, [asset], [asset])
    assert (await monitor.sweep())["cleared"] == 1
    assert [kind for kind, _ in await monitor.events()] == ["finding.cleared"]
