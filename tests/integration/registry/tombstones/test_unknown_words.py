"""A closure event with unknown words makes a tombstone that keeps and shows them."""

from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from libs.common.clock import SteppedClock
from libs.common.events import ids
from libs.common.events.decommission import CaseClosed
from libs.common.events.envelope import pack, unpack
from services.registry.tombstones import handlers
from tests.integration.registry.conftest import Registry, declared
from tests.integration.registry.tombstones.test_tombstones import PAGE, RULE


async def test_a_tombstone_keeps_what_it_does_not_know(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = UUID(str((await registry.take(declared("One"))).asset_id))
    day = registry.now.date()
    event = CaseClosed(
        case_id=ids.case_id(asset, 1),
        asset_id=asset,
        version=9,
        at=registry.now,
        reason="r",
        closed_on=day,
        stopped_on=day,
        plan_sha256="p",
        archive_sha256="a",
        **RULE | {"rule": "later-rule", "label": "LATER-LABEL"},
    )
    message = pack(event, sequence=9, time=registry.now)
    incoming = unpack(message.headers, key=message.key, value=message.body)
    clock = SteppedClock(ZoneInfo("Asia/Shanghai"), registry.now)
    handler = handlers.build(registry.database, clock)[incoming.type]
    await handler.act(handler.model.model_validate_json(incoming.body), incoming)
    tombstone = (await http.get(f"/tombstones/{asset}")).json()
    assert (tombstone["rule"], tombstone["label"]) == ("later-rule", "LATER-LABEL")
    assert await registry.state("one") == "closed offline"
    page = (await http.get(f"/tombstones/{asset}", headers=PAGE)).text
    assert "LATER-LABEL" in page
