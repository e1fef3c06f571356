"""What cases do to their assets, on a real database."""

from uuid import UUID

import pytest

from libs.common.errors import Missing
from services.registry.tombstones import usecases
from tests.integration.registry.conftest import NOW, Registry, declared, delisted

MOVES = {"stopped": usecases.stop, "resumed": usecases.resume}
OTHER = UUID(int=7)


async def test_a_case_moves_an_asset_once_for_each_of_its_events(registry: Registry) -> None:
    asset = (await registry.take(declared("a"))).asset_id

    async def moved(move: str, event: str) -> str:
        await MOVES[move](registry.database, asset, event, now=NOW)
        return await registry.state("a")

    assert [await moved("stopped", "1"), await moved("stopped", "1")] == ["draft suspended"] * 2
    assert await registry.outcome(delisted("a")) == "gone"
    assert await moved("resumed", "2") == "draft gone"
    assert await registry.outcome(declared("a")) == "restored"
    assert await moved("resumed", "3") == "draft online"
    outcomes = [outcome for outcome, _ in await registry.history(asset)]
    assert outcomes == ["registered", "stopped", "gone", "restored"]
    with pytest.raises(Missing):
        await usecases.stop(registry.database, OTHER, "4", now=NOW)
