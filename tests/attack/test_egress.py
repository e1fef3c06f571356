"""Addresses that only we could reach: whoever names one for us to call, however it is spelt, has nobody called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from libs.common.events.ids import unit_id
from libs.common.outbound.addresses import SPECIAL_IPV4, SPECIAL_IPV6
from libs.common.security import tokens
from tests.acceptance.house import House, declared
from tests.acceptance.world import unit_key
from tests.attack.counting import Counts

pytestmark = pytest.mark.acceptance
# One machine in all the ways that resolvers and C libraries read.
LOOPBACK = (
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "0.0.0.0",  # noqa: S104 - to be refused
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::1]",
    "１２７.０.０.１",
    "127。0。0。1",
    "ｌocalhost",
)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[str]]]:
    """A server beside the services that nobody may reach through them; its port, and who came."""
    came: list[str] = []

    async def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("sockname")))
        writer.close()

    servers = [await asyncio.start_server(meet, "127.0.0.1", 0)]
    port = servers[0].sockets[0].getsockname()[1]
    servers.append(await asyncio.start_server(meet, "::1", port))
    try:
        yield port, came
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


def special() -> list[str]:
    """An address of each range that the registries keep from the internet, as it stands in a URL."""
    four = [str(row.range[row.range.num_addresses // 2]) for row in SPECIAL_IPV4 if not row.reachable]
    six = [f"[{row.range[row.range.num_addresses // 2]}]" for row in SPECIAL_IPV6 if not row.reachable]
    return [*four, *six, *(f"[::ffff:{address}]" for address in four)]


async def test_nobody_is_called_at_an_address_of_ours(house: House, counts: Counts, size: int) -> None:
    await house.step()
    await house.tell([declared("nowhere", "Nowhere Unit", house.day)], role="registrar")
    await house.quiet()
    place = f"/decommission/v1/endpoints/{unit_id('ca-name', 'nowhere unit')}"
    public = tokens.public_key(unit_key("nowhere"))
    headers = {"Authorization": f"Bearer {house.token('operator', subject='mallory')}"}
    async with (
        listening() as (port, came),
        httpx.AsyncClient(base_url=house.stack["address"], timeout=30, headers=headers) as client,
    ):
        urls = [f"http://{host}:{port}/notices" for host in (*LOOPBACK, *special())]
        urls += [f"http://somebody:secret@{house.world.removeprefix('http://')}/units/nowhere/notices"]
        urls += [f"{scheme}://127.0.0.1:{port}/" for scheme in ("ftp", "file", "gopher", "ws")]
        for url in urls * size:
            reply = counts.answer(await client.put(place, json={"url": url, "public_key": public}))
            assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "url"), (url, reply.text)
        assert came == [], "the door let somebody through"
    counts.others["addresses of ours that nobody was called at"] += len(urls) * size
