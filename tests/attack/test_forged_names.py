"""Bytes that are no token, and names that are somebody else's: refused at the door of every service, and told why."""

import httpx
import pytest

from tests.acceptance.house import SERVICES, House
from tests.attack.counting import Counts

pytestmark = pytest.mark.acceptance
BEARERS = ["", "Bearer", "Bearer x.y.z", "Basic YTpi", "Bearer " + "a" * 5000, "Bearer eyJhbGciOiJub25lIn0.e30."]
SUBJECTS = ["ada\u200b", "\uff41da", "\u0430da", " ada", "a" * 300]


async def test_who_is_nobody_gets_a_401_everywhere(house: House, counts: Counts, size: int) -> None:
    bearers = [*BEARERS, *(f"Bearer {house.token('operator', subject=name)}" for name in SUBJECTS)]
    async with httpx.AsyncClient(base_url=house.stack["address"], timeout=30) as client:
        for _ in range(size):
            for service in SERVICES:
                for bearer in bearers:
                    reply = counts.answer(
                        await client.get(f"/{service}/v1/dead-letters", headers={"Authorization": bearer})
                    )
                    assert reply.status_code == 401, (service, bearer[:40], reply.text)
                    assert reply.headers["content-type"] == "application/problem+json"
