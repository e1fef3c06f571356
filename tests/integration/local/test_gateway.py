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

from deploy.gateway import app as gateway
from deploy.local import subprocesses
from tests.kit.waiting import eventually


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
        self.begun = asyncio.Event()
        self.left = asyncio.Event()

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
        note = {"since": "2025-06-01T04:00:00+00:00", "zh": "总开关<b>", "en": "The switch & more"}
        return JSONResponse({"ready": True, "parts": {"database": None}, "notes": {"kill_switch": note}})

    async def moved(self, request: Request) -> Response:
        return RedirectResponse(str(request.url.replace(path="/registry/v1/echo")))

    async def work(self, request: Request) -> Response:
        """Answers when it is let, and notes when its caller goes."""
        await request.body()
        self.begun.set()
        await eventually(request.is_disconnected)
        self.left.set()
        return Response("nobody reads this")

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(
            routes=[
                Route("/registry/v1/slow", self.slow),
                Route("/registry/v1/moved", self.moved),
                Route("/registry/v1/work", self.work, methods=["POST"]),
                Route("/readyz", self.readyz),
                Route("/{rest:path}", echo, methods=methods),
            ]
        )


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    port = subprocesses.port()
    server = uvicorn.Server(gateway.server(app, port))
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


class Frail:
    """A service that speaks HTTP by hand: it never closes a connection, and after a fault answers nothing more on it.

    `/half` ends in the middle, `/fault` is a 500, `/read` tells how long the body was; `on` numbers the connections.
    """

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        on = self.connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                if b" /registry/v1/half " in head:
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
                    return
                fault = b" /registry/v1/fault " in head
                status = b"500 Internal Server Error" if fault else b"200 OK"
                told = b'{"on": %d, "bytes": %d}' % (on, len(body))
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(told), told))
                if fault:
                    await reader.read()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def frail() -> AsyncIterator[httpx.AsyncClient]:
    """A gateway before a service that breaks."""
    async with await asyncio.start_server(Frail().serve, "127.0.0.1", 0) as server:
        target = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        application = gateway.app({"registry": target})
        async with serving(application) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield client


async def test_after_a_fault_nobody_is_handed_the_connection(frail: httpx.AsyncClient) -> None:
    """Whoever came next would wait on it, or be told that the service is away."""
    first = (await frail.get("/registry/v1/read")).json()
    again = (await frail.get("/registry/v1/read")).json()
    assert first["on"] == again["on"], "what is sound is used again"
    for _ in range(5):
        fault = await frail.get("/registry/v1/fault")
        assert fault.status_code == 500
        after = await frail.get("/registry/v1/read")
        assert (after.status_code, after.json()["on"]) == (200, fault.json()["on"] + 1)


async def test_an_answer_that_was_cut_off_looks_cut_off(frail: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await frail.get("/registry/v1/half")
    assert (await frail.get("/registry/v1/read")).status_code == 200


async def test_who_breaks_off_in_his_body_breaks_nobody_elses(frail: httpx.AsyncClient) -> None:
    first = (await frail.get("/registry/v1/read")).json()
    _, writer = await asyncio.open_connection("127.0.0.1", frail.base_url.port)
    writer.write(b"POST /registry/v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf")
    await writer.drain()
    writer.transport.abort()
    for _ in range(3):
        after = (await frail.post("/registry/v1/read", content=b"xyz")).json()
        assert after["bytes"] == 3
        assert after["on"] >= first["on"]


async def test_who_leaves_while_a_service_works_is_worked_for_no_longer(
    house: tuple[httpx.AsyncClient, Upstream],
) -> None:
    """The service sees the connection close, and can stop what nobody waits for."""
    client, upstream = house
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/registry/v1/work", content=b"x" * 1000, timeout=0.5)
    assert upstream.begun.is_set()
    await eventually(upstream.left.is_set)


async def test_more_than_any_service_takes_is_not_passed_on(house: tuple[httpx.AsyncClient, Upstream]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(24):
            yield b"z" * (1 << 20)

    for content in (b"z" * (gateway.LARGEST + 1), parts()):
        reply = await house[0].post("/registry/v1/imports", content=content, timeout=30)
        assert (reply.status_code, reply.json()["code"]) == (413, "http_413")
        assert "20 MiB" in reply.json()["texts"]["zh"]
    assert (await house[0].get("/registry/v1/echo")).status_code == 201


@pytest.fixture
async def house() -> AsyncIterator[tuple[httpx.AsyncClient, Upstream]]:
    """A gateway with one service that answers and two that are away."""
    upstream, nobody = Upstream(), f"http://127.0.0.1:{subprocesses.port()}"
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
    [
        "/registry/v1/../../monitor/v1/x",
        "/registry//nobody.example/x",
        "/registry/v1/a%00b",
        '/registry/v1/"x"',
        "/registry/v1/[x]?a={b}|c^",
        "/registry/v1/x?" + "a" * 60_000,
    ],
    ids=lambda target: target[:30],
)
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
    assert found["headers"].get("content-length", "5") == "5", "the caller's other length was passed on"
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
    note = services["registry"].pop("notes")["kill_switch"]
    assert services["registry"] == {"ready": True, "parts": {"database": None}}
    assert services["monitor"] == {"ready": False, "parts": {"http": "ConnectError"}, "notes": {}}
    assert "<b>总开关&lt;b&gt;</b>" in page, "what a service says is text, not a page"
    assert "The switch &amp; more" in page
    assert note["since"] in page


@pytest.mark.parametrize("method", ["TRACE", "BREW", "PROPFIND"])
async def test_the_service_says_which_methods_a_path_takes(
    house: tuple[httpx.AsyncClient, Upstream], method: str
) -> None:
    """Allow (RFC 9110 section 10.2.1) is true of the very path, for methods that nobody has heard of too."""
    reply = await house[0].request(method, "/registry/v1/work")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("DELETE", "/readyz"), ("TRACE", "/healthz")])
async def test_what_the_gateway_itself_does_not_take_is_a_problem_too(
    house: tuple[httpx.AsyncClient, Upstream], method: str, path: str
) -> None:
    reply = await house[0].request(method, path, headers={"Accept-Language": "zh"})
    assert (reply.status_code, reply.json()["code"]) == (405, "http_405")
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert reply.json()["title"] == "此地址不接受该方法。"
    nowhere = await house[0].get("/nowhere")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
