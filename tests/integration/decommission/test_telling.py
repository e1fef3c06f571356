"""What is told of a case does not depend on how often its executor died on the way."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from libs.common import crashpoints
from tests.integration.decommission.conftest import Make, Story
from tests.integration.decommission.test_crash import Killed, fate_of, killed, points


async def closed(story: Story) -> list[tuple[str, dict[str, Any]]]:
    """The life of one case, with a new executor after each death; every event told of it, in order."""

    async def carry_on(work: Callable[[], Awaitable[Any]]) -> None:
        while True:
            try:
                await work()
                return
            except BaseException as error:
                if not killed(error):
                    raise
                story.start()
                work = story.settle

    _, case = await story.flagged("mortal", await story.unit("alpha"))
    for _ in range(15):
        if await story.state(case) == "closed":
            return story.told
        await carry_on(story.sign if await story.state(case) == "planned" else story.round)
        await carry_on(story.next_day)
    raise AssertionError(f"{await story.state(case)}: {await story.kinds(case)}")


async def test_a_life_with_a_death_at_every_point_tells_the_same_events(
    make_story: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 5: an event stands in the transaction of what it tells of. In one of its own it would be lost here."""
    expected = await closed(await make_story())
    left = {point for point in points() if fate_of(point) == "close"}

    def die_once(point: str) -> None:
        if point in left:
            left.remove(point)
            raise Killed(point)

    monkeypatch.setattr(crashpoints, "point", die_once)
    told = await closed(await make_story())
    assert told == expected
    assert left == set()
    kinds = [kind for kind, _ in told]
    assert {"case.opened", "case.noticed", "case.approved", "case.stopped", "case.verified", "case.closed"} <= set(
        kinds
    )
