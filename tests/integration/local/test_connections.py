"""Connections as the gateway and every service bound them: each caller has so much time, and so many of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local import subprocesses
from libs.common.http.connections import Bounds, protocol
from tests.kit.waiting import eventually

BOUNDS = Bounds(total=12, per_caller=8, head=0.4, grace=0.4, least_rate=200_000, look_every=0.05)
LARGE = 30_000_000
PATIENCE = 15  # seconds for what happens within one


async def size(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


async def large(_: Request) -> Response:
    return Response(b"x" * LARGE)


async def early(_: Request) -> Response:
    """Answers before it reads."""
    return JSONResponse({"no": True}, 403)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with short times."""
    chosen = subprocesses.port()
    methods = ["GET", "POST"]
    routes = [Route(f"/{f.__name__}", f, methods=methods) for f in (size, large, early)]
    config = uvicorn.Config(
        Starlette(routes=routes),
        "127.0.0.1",
        chosen,
        log_level="critical",
        timeout_graceful_shutdown=1,
        http=protocol(BOUNDS),
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    yield chosen
    server.should_exit = True
    await task


@asynccontextmanager
async def connected(
    port: int, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def told(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the problem of a refusal, once the server has closed."""
    async with asyncio.timeout(PATIENCE):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)["texts"]


@pytest.mark.parametrize("begun", [b"", b"GET /size HT", b"GET /size HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_end_is_cut_off(port: int, begun: bytes) -> None:
    """However often another byte of it comes, and on a connection that was used before too."""
    async with connected(port) as (reader, writer):
        if begun.startswith(b"GET /size HTTP"):
            writer.write(b"GET /size HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in await reader.readline()
            await reader.readuntil(b"\r\n\r\n0")
        writer.write(begun)

        async def drip() -> None:
            while not reader.at_eof() and begun:
                writer.write(b"a")
                await asyncio.sleep(0.05)  # machine time

        dripping = asyncio.create_task(drip())
        status, texts = await told(reader)
        dripping.cancel()
    assert (status, set(texts)) == (408, {"zh", "en"})


@pytest.mark.parametrize("framing", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_drips_is_cut_off(port: int, framing: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"POST /size HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")

        async def drip() -> None:
            while not reader.at_eof():
                writer.write(b"1\r\n1\r\n")
                await asyncio.sleep(0.05)  # machine time

        dripping = asyncio.create_task(drip())
        status, _ = await told(reader)
        dripping.cancel()
    assert status == 408


async def test_who_takes_no_answer_is_cut_off(port: int) -> None:
    """Or the answer would stay in memory as long as the reader likes; one who reads gets all of it."""
    async with connected(port) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(1.5)  # machine time: the server's patience, three times
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            async with asyncio.timeout(PATIENCE):
                await reader.readexactly(LARGE)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert len((await client.get(f"http://127.0.0.1:{port}/large")).content) == LARGE


async def test_a_slow_but_honest_sender_is_waited_for(port: int) -> None:
    """Longer than the grace in all, at more than the least rate."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * 50_000
            await asyncio.sleep(0.1)  # machine time

    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert (await client.post(f"http://127.0.0.1:{port}/size", content=parts())).json() == 600_000


async def test_a_refusal_before_the_body_arrives(port: int) -> None:
    """Though its sender only looks for it when all is sent."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        reply = await client.post(f"http://127.0.0.1:{port}/early", content=b"x" * 20_000_000)
        assert reply.status_code == 403
        assert (await client.post(f"http://127.0.0.1:{port}/size", content=b"x")).json() == 1


async def test_one_address_holds_so_many_connections_and_no_more(port: int) -> None:
    """And keeps nobody else out; nor do all together hold more than there shall be."""
    held = [await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0)) for _ in range(8)]
    try:
        async with connected(port, "127.0.0.2") as (reader, _):
            status, _ = await told(reader)
            assert status == 429
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            assert (await client.post(f"http://127.0.0.1:{port}/size", content=b"xy")).json() == 2
        held += [await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.3", 0)) for _ in range(4)]
        async with connected(port, "127.0.0.4") as (reader, _):
            status, _ = await told(reader)
            assert status == 503
    finally:
        for _, writer in held:
            writer.transport.abort()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:

        async def room() -> bool:
            return (await client.post(f"http://127.0.0.1:{port}/size", content=b"xy")).status_code == 200

        await eventually(room)


async def test_bytes_that_are_no_request_get_a_problem(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"\x00\x01\x02 nonsense\r\n\r\n")
        status, texts = await told(reader)
    assert (status, set(texts)) == (400, {"zh", "en"})
