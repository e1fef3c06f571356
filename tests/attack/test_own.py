"""Over the whole stack: a unit reads its own of three services and of no other unit; what was refused of it, mended."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from libs.common.events.envelope import Event, pack
from libs.common.events.ids import unit_id
from tests.acceptance.house import House, account, declared
from tests.attack.counting import Counts
from tests.kit import findings
from tests.kit.waiting import eventually

pytestmark = pytest.mark.acceptance
UNITS = {"own_a": "Own County", "own_b": "Other County"}


async def produced(house: House, event: Event, bearer: str, which: str) -> None:
    """One event of a sender, under an id that it chooses."""
    message = pack(event, sequence=1, time=house.instant())
    headers = [(name, raw) for name, raw in message.headers if name != "ce_id"]
    headers += [("ce_id", which.encode()), ("authorization", f"Bearer {bearer}".encode())]
    await house.produce(message.topic, [{"key": message.key, "value": message.body, "headers": headers}])


async def test_a_unit_reads_its_own_and_what_was_refused_of_it(house: House, counts: Counts) -> None:
    await house.step()
    listed_on = house.day - timedelta(days=100)
    await house.tell([declared(name, unit, listed_on) for name, unit in UNITS.items()], role="registrar", salt="own")
    await house.quiet()
    await house.sweep()
    await house.produce("jianfu.monitor", [findings.dead(house, account(name)) for name in UNITS], user="monitor")
    await house.quiet()
    mine, theirs = (str(account(name)) for name in UNITS)
    token = house.token("unit", subject="county system", unit="ca-name:Own County")
    other = house.token("unit", subject="another system", unit="ca-name:Other County")
    async with httpx.AsyncClient(base_url=house.stack["address"], timeout=30) as client:

        async def ask(path: str, bearer: str) -> httpx.Response:
            return counts.answer(await client.get(path, headers={"Authorization": f"Bearer {bearer}"}))

        for path in ("/registry/v1/assets", "/monitor/v1/verdicts", "/decommission/v1/cases"):
            for bearer, own in ((token, mine), (other, theirs)):
                reply = await ask(f"{path}?limit=500", bearer)
                assert {item["asset_id"] for item in reply.json()["items"]} == {own}, (path, reply.text)
            assert (await ask(path, house.token("unit"))).status_code == 403
        for path in (f"/registry/v1/assets/{theirs}", f"/monitor/v1/assets/{theirs}/why"):
            assert ((await ask(path, token)).status_code, (await ask(path, other)).status_code) == (404, 200)

        async def refused(bearer: str) -> list[dict[str, Any]]:
            return list((await ask("/registry/v1/refusals", bearer)).json()["items"])

        wrong = declared("own_c", "Other County", house.day)
        await produced(house, wrong, token, "own-1")

        async def told() -> bool:
            return [item["record_id"] for item in await refused(token)] == ["own-1"]

        await eventually(told)
        (letter,) = await refused(token)
        assert (letter["code"], letter["way"], letter["state"]) == ("out_of_scope", "kafka", "dead")
        assert await refused(other) == []
        await produced(house, declared("own_c", "Own County", house.day), token, "own-1")
        await house.quiet()
        reply = await ask(f"/registry/v1/assets/{account('own_c')}", token)
        assert reply.json()["sponsor_id"] == str(unit_id("ca-name", "own county")), "mended under the same id"
