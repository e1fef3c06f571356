"""The one address: what goes through it arrives as it was sent, and what is away is said so."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy import gateway
from deploy.local import children
from tests.waiting import eventually


async def echo(request: Request) -> Response:
    """What arrived, with a header given twice."""
    told = {
        "method": request.method,
        "path": request.scope["raw_path"].decode(),
        "query": request.scope["query_string"].decode(),
        "headers": {k.decode(): v.decode() for k, v in request.headers.raw},
        "bytes": len(await request.body()),
    }
    reply = JSONResponse(told, 201)
    reply.raw_headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    return reply


class Upstream:
    """A service in miniature; `release` lets a slow answer go on."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.closed = asyncio.Event()

    async def slow(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await self.release.wait()
                yield b"second"
            finally:
                self.closed.set()

        return StreamingResponse(parts(), media_type="text/plain")

    async def readyz(self, _: Request) -> Response:
        return JSONResponse({"ready": True, "parts": {"database": None}})

    async def moved(self, request: Request) -> Response:
        return RedirectResponse(str(request.url.replace(path="/registry/v1/echo")))

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(
            routes=[
                Route("/registry/v1/slow", self.slow),
                Route("/registry/v1/moved", self.moved),
                Route("/readyz", self.readyz),
                Route("/{rest:path}", echo, methods=methods),
            ]
        )


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    port = children.port()
    config = uvicorn.Config(
        app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=1, proxy_headers=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@pytest.fixture
async def house() -> AsyncIterator[tuple[httpx.AsyncClient, Upstream]]:
    """A gateway with one service that answers and two that are away."""
    upstream, nobody = Upstream(), f"http://127.0.0.1:{children.port()}"
    async with serving(upstream.app()) as target:
        app = gateway.app({"registry": target, "monitor": nobody, "decommission": nobody})
        async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
            yield client, upstream


async def test_a_request_arrives_as_it_was_sent(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    client, _ = house
    path = "/registry/v1/units/ca-name%3AParks%2FCanada?q=%E5%8D%95&q=2"
    reply = await client.put(path, content=b"x" * 300_000, headers={"If-Match": '"3"', "X-Forwarded-For": "8.8.8.8"})
    told = reply.json()
    assert reply.status_code == 201
    assert (told["method"], told["bytes"]) == ("PUT", 300_000)
    assert f"{told['path']}?{told['query']}" == path
    assert told["headers"]["if-match"] == '"3"'
    assert told["headers"]["host"] == client.base_url.netloc.decode()
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1", "a caller posed as another address"
    assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_a_body_of_unknown_length_is_streamed_on(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"y" * 10_000

    told = (await house[0].post("/registry/v1/imports", content=parts())).json()
    assert told["bytes"] == 100_000


async def raw(client: httpx.AsyncClient, request: bytes) -> str:
    """The answer to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(request.replace(b"\n", b"\r\n"))
    try:
        async with asyncio.timeout(10):
            return (await reader.read()).decode()
    finally:
        writer.close()


async def test_nothing_of_one_caller_reaches_another(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    """A service's cookie belongs to the browser it was given to; and the gateway has no wishes of its own."""
    client, _ = house
    assert (await client.get("/registry/v1/echo")).headers.get_list("set-cookie") == ["a=1", "b=2"]
    told = await raw(client, b"GET /registry/v1/echo HTTP/1.1\nHost: x\nConnection: close\n\n")
    headers = json.loads(told.partition("\r\n\r\n")[2])["headers"]
    assert headers == {"host": "x", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}


@pytest.mark.parametrize(
    "target",
    ["/registry/v1/../../monitor/v1/x", "/registry//nobody.example/x", "/registry/v1/a%00b", '/registry/v1/"x"',
     "/registry/v1/[x]?a={b}|c^", "/registry/v1/x?" + "a" * 60_000],
    ids=lambda target: target[:30],
)  # fmt: skip
async def test_a_target_is_neither_resolved_nor_refused(house: tuple[httpx.AsyncClient, Upstream], target: str) -> None:
    """What a path means is the service's to say: `..` must not lead elsewhere than the service would go."""
    told = await raw(house[0], f"GET {target} HTTP/1.1\nHost: x\nConnection: close\n\n".encode())
    found = json.loads(told.partition("\r\n\r\n")[2])
    assert (found["path"] + ("?" + found["query"] if found["query"] else "")) == target


async def test_of_two_lengths_the_chunks_count(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    """A request with both could mean one thing here and another behind: request smuggling."""
    head = (
        b"POST /registry/v1/x HTTP/1.1\nHost: x\nConnection: close\nContent-Length: 3\nTransfer-Encoding: chunked\n\n"
    )
    told = await raw(house[0], head + b"5\nhello\n0\n\n")
    found = json.loads(told.partition("\r\n\r\n")[2])
    assert found["bytes"] == 5
    assert "content-length" not in found["headers"]
    twice = await raw(house[0], head.replace(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"hello")
    assert twice.startswith("HTTP/1.1 400")


async def test_what_stands_at_a_services_root_is_below_its_name(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    for name in ("quiet", "metrics", "healthz"):
        assert (await house[0].get(f"/registry/{name}")).json()["path"] == f"/{name}"


async def test_an_answer_is_passed_on_while_it_comes(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    client, upstream = house
    async with client.stream("GET", "/registry/v1/slow") as reply:
        parts = reply.aiter_raw()
        assert await anext(parts) == b"first"
        upstream.release.set()
        assert await anext(parts) == b"second"


async def test_a_caller_who_goes_away_leaves_nothing_open(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    client, upstream = house
    async with client.stream("GET", "/registry/v1/slow") as reply:
        await anext(reply.aiter_raw())
    async with asyncio.timeout(10):
        await upstream.closed.wait()


async def test_a_redirect_leads_back_to_the_one_address(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    reply = await house[0].get("/registry/v1/moved")
    assert reply.headers["location"].startswith(str(house[0].base_url).rstrip("/"))


async def test_a_service_that_is_away_is_a_502_in_both_languages(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    reply = await house[0].get("/monitor/v1/findings", headers={"Accept-Language": "zh-CN"})
    assert reply.status_code == 502
    assert reply.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = reply.json()
    assert told["code"] == "unavailable"
    assert told["title"] == told["texts"]["zh"]
    assert "monitor" in told["texts"]["en"]
    unknown = await house[0].get("/nobody/v1/x")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "http_404")


async def test_the_landing_page_and_readiness_tell_who_is_there(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    page = (await house[0].get("/")).text
    for name in ("registry", "monitor", "decommission"):
        assert f'href="/{name}/v1/docs"' in page
    assert (page.count(">就绪 ready<"), page.count(">未就绪 not ready<")) == (1, 2)
    reply = await house[0].get("/readyz")
    assert reply.status_code == 503
    services = reply.json()["services"]
    assert services["registry"] == {"ready": True, "parts": {"database": None}}
    assert services["monitor"] == {"ready": False, "parts": {"http": "ConnectError"}}
