"""Targets that send a byte a second, and an executor that runs by itself beside them, as in its process."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace

import pytest

from libs.common.db.pool import Database
from libs.common.outbound.egress import Egress
from libs.common.outbound.targets import Targets
from services.decommission.calls.client import DOORS
from tests.integration.decommission.conftest import Story


@dataclass
class Drips:
    """One server behind hundreds of addresses (127.1.x.y) that sends a byte a second; who is calling, and the most.

    `heads`: the head of its answer drips, not the body. `orders`: idempotency keys of the orders that arrived whole, by
    asset. `led`: how many were led on; under `/moved/` there is a redirect, at once, to a page that drips.
    """

    port: int = 0
    heads: bool = False
    led: int = 0
    orders: dict[str, list[str]] = field(default_factory=dict)
    calling: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = writer.get_extra_info("sockname")[0]
        self.calling[who] += 1
        self.most[who] = max(self.most[who], self.calling[who])
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._read(reader, writer)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"
            writer.write(head + (b"X-Drip: " if self.heads else b"\r\n"))
            while not reader.at_eof():
                writer.write(b".")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(65536), 1)
        self.calling[who] -= 1
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        named = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        if " /moved/" in head.splitlines()[0]:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\n\r\n")
            await self._read(reader, writer)
            self.led += 1
        elif length := int(named.get("content-length", 0)):
            order = json.loads(await reader.readexactly(length))
            self.orders.setdefault(order["asset_id"], []).append(named["idempotency-key"])

    def address(self, number: int) -> str:
        return f"127.1.{number // 250}.{number % 250 + 1}:{self.port}"


@pytest.fixture
async def drips() -> AsyncIterator[Drips]:
    found = Drips()
    server = await asyncio.start_server(found.serve, "0.0.0.0", 0, backlog=1000)  # noqa: S104 - loopback addresses only
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@contextlib.asynccontextmanager
async def running(
    story: Story,
    places: Collection[str],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - the door's
    rest: float = 0.2,
) -> AsyncIterator[Targets]:
    """The executor runs by itself, with the product's own bounds; `timeout` and `rest` in seconds."""
    allowed = (f"127.0.0.1:{story.world.port}", *places)
    targets = Targets(longest_rest=rest)
    door = Egress(dict.fromkeys(DOORS, allowed), timeout=timeout, targets=targets)
    reserve = await Database.connect(story.urls.service, name="decommission", size=4)
    story.deps = replace(story.deps, egress=door)
    story.start(reserve)
    task = asyncio.create_task(story.executor.run())
    try:
        yield targets
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await door.close()
        await reserve.close()
