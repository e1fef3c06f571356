"""One operator who would be the unit: his own address, his own key, his own receipt, his own yes. Nothing stops."""

from datetime import timedelta
from itertools import product

import httpx
import pytest

from libs.common.security import tokens
from tests.acceptance.house import House, account, declared
from tests.acceptance.world import unit_key
from tests.attack.counting import Counts
from tests.kit import findings

pytestmark = pytest.mark.acceptance
UNIT, NAME = "Quiet Unit", "mallory"


def spellings(count: int) -> list[str]:
    """One name in letters of any size."""
    found = ("".join(letters) for letters in product(*((sign, sign.upper()) for sign in NAME)))
    return [next(found) for _ in range(count)]


async def flagged(house: House, name: str) -> None:
    """The monitor has found an account to be dead."""
    await house.produce("jianfu.monitor", [findings.dead(house, account(name))], user="admin")


async def test_an_operator_who_plays_the_unit_stops_nothing(house: House, counts: Counts, size: int) -> None:
    await house.step()
    told = [declared(name, unit, house.day - timedelta(days=100)) for name, unit in (("quiet", UNIT), ("else", "else"))]
    await house.tell(told, role="registrar")
    await house.quiet()
    assets = {a["name"]: a for a in await house.everything("/registry/v1/assets")}
    asset = assets["quiet"]
    await house.set_up_world("other", assets["else"]["sponsor_id"], "x")  # the platform's switch works
    place = f"/decommission/v1/endpoints/{asset['sponsor_id']}"
    public = tokens.public_key(unit_key(NAME))
    async with httpx.AsyncClient(base_url=house.stack["address"], timeout=30) as client:

        async def ask(method: str, path: str, body: object, role: str, name: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {house.token(role, subject=name)}"}
            return counts.answer(await client.request(method, path, json=body, headers=headers))

        seen = {"url": f"{house.world}/units/{NAME}/notices"}
        assert (await ask("PUT", place, seen | {"public_key": public}, "operator", NAME)).is_success
        (key,) = (await ask("GET", place, None, "operator", NAME)).json()["items"]
        assert key["proved_at"] is not None, "his system does hold his key"
        confirmation = {"thumbprint": key["thumbprint"], "url": key["url"]}
        for name in spellings(10 * size):
            for role in ("registrar", "approver", "operator"):
                reply = await ask("POST", f"{place}/confirmation", confirmation, role, name)
                assert reply.status_code in (403, 409), (name, role, reply.text)
    await house.manners(**{str(account("quiet")): {"answer": {"answer": "close"}}})
    await flagged(house, "quiet")
    for _ in range(5):
        await house.quiet()
        await house.rounds()
        await house.step()
    (case,) = await house.everything(f"/decommission/v1/cases?asset_id={account('quiet')}")
    log = (await house.call("GET", f"/decommission/v1/cases/{case['case_id']}", role="viewer"))["log"]
    assert {entry["kind"] for entry in log} <= {"opened", "notice_started", "undelivered"}
    called = (await house.world_state())["calls"]
    assert [call for call in called if call["asset"] == str(account("quiet"))] == []
    counts.others["keys that their proposer tried to confirm"] += 10 * size
