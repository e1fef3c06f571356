"""The world outside on a loopback port of its own: pages, units' systems, switches; real sockets, one per run."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from libs.common.security import tokens
from tests.acceptance.world import World, app, unit_key


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Outside:
    """The world with its address; `calls` is every raw call it took."""

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def calls(self, what: str, asset: object = None) -> list[dict[str, Any]]:
        """Raw calls of one kind, of one asset or of all."""
        return [c for c in self.world.calls if c["what"] == what and asset in (None, c["asset"])]

    def manners(self, name: object, **manner: Any) -> None:
        """How a unit (by name) or a target (by asset id) behaves from now on."""
        self.world.manners[str(name)] = manner

    def public_key(self, unit: str) -> dict[str, Any]:
        return tokens.public_key(unit_key(unit))


@asynccontextmanager
async def running(folder: Path, service_key: dict[str, Any]) -> AsyncIterator[Outside]:
    """Serve a world until the block ends."""
    public = folder / "service.pub"
    public.write_text(json.dumps(tokens.public_key(service_key)))
    world = World(folder / "world.jsonl", public)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(200)
        server = _Server(uvicorn.Config(app(world), log_config=None, access_log=False, lifespan="off", ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield Outside(world, listener.getsockname()[1])
        finally:
            server.should_exit = True
            await task
