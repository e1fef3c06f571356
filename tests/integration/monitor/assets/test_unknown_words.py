"""What the register tells in words that this version does not know is kept, and judged neither alive nor over."""

from uuid import UUID

import pytest

from libs.common.events.registry import AssetAmended
from tests.integration.monitor.conftest import Monitor, day
from tests.integration.monitor.rechecks.test_recheck import answers, ask, flagged
from tests.integration.monitor.test_handlers import admitted, take

__all__ = ["admitted", "flagged"]
WORD = "a-later-word"


async def amended(monitor: Monitor, asset: UUID, version: int, **changes: object) -> None:
    """A record of the account of `flagged`, as it comes from Kafka."""
    fields = {
        "asset_id": asset,
        "version": version,
        "kind": "account",
        "platform": "weibo",
        "identity": "a",
        "incarnation": 1,
        "address": "https://weibo.example/a",
        "name": "a",
        "language": "zh",
        "sponsor_id": asset,
        "record": "filed",
        "running": "online",
        "source": "list",
        "listed_on": day(0),
        "opened_on": None,
        "changed_at": monitor.clock.now(),
    }
    await take(monitor, AssetAmended.model_validate(fields | changes))


@pytest.mark.parametrize("field", ["kind", "record", "running"])
async def test_an_asset_in_unknown_words_is_kept_and_not_judged(monitor: Monitor, flagged: UUID, field: str) -> None:
    """Its finding neither ends nor is confirmed; an event in known words makes it watched again."""
    assert await monitor.open_rules(flagged) == ["C06"]
    await amended(monitor, flagged, 2, **{field: WORD})
    assert await monitor.database.pool.fetchval(f"select {field} from assets where asset_id = $1", flagged) == WORD  # noqa: S608
    monitor.at(16)
    await monitor.usage("s", 16, {flagged: 1})  # whatever is counted of it
    await monitor.sweep()
    assert await monitor.open_rules(flagged) == ["C06"]
    await ask(monitor, flagged)
    assert [answer["type"] for answer in await answers(monitor)] == ["recheck.inconclusive"]
    await monitor.events()
    await amended(monitor, flagged, 3)
    await ask(monitor, flagged, event_id="q2")
    assert [answer["type"] for answer in await answers(monitor)] == ["finding.refuted"]
