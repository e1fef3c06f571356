"""Outgoing HTTP has one door: never to a private address, by name, by redirect or in disguise (architecture 9.13)."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from libs.common import egress
from libs.common.egress import MAX_BODY, Egress, EgressRefused, is_public

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - to be refused
    "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a00:1::1", "2001:db8::1",
    "64:ff9b:1::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "203.119.25.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


class Server:
    """A real little HTTP server on loopback; `routes` maps a path to the raw bytes it answers."""

    def __init__(self) -> None:
        self.routes: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1]
            if path == "/drip":
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                while True:
                    writer.write(b".")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            if path == "/endless":
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                for _ in range(100):
                    writer.write(b"x" * 65536)
                    await writer.drain()
            writer.write(self.routes.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
            await writer.drain()
        writer.close()

    def moved(self, path: str, to: str) -> None:
        self.routes[path] = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


@pytest.fixture
async def door(server: Server) -> AsyncIterator[Egress]:
    """A door with one exception: the little server under its address."""
    egress = Egress([f"127.0.0.1:{server.port}"], timeout=2)
    yield egress
    await egress.close()


@pytest.fixture
async def shut() -> AsyncIterator[Egress]:
    egress = Egress(timeout=2)
    yield egress
    await egress.close()


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    """Loopback, private, link-local, carrier-grade NAT, reserved, and each of them wrapped in IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    """The counterpart: the door opens for the internet."""
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]",  # noqa: S104 - to be refused
     "10.0.0.1", "169.254.169.254",
     "100.64.0.1", "2130706433", "0x7f.1", "127.1"],
)  # fmt: skip
async def test_private_addresses_are_refused_by_default(shut: Egress, server: Server, host: str) -> None:
    """By address, by a name that leads there, and in every spelling the resolver understands; nothing is sent."""
    with pytest.raises((EgressRefused, httpx.ConnectError)) as refused:
        await shut.request("GET", f"http://{host}:{server.port}/")
    assert isinstance(refused.value, EgressRefused) or "cannot be resolved" in str(refused.value)
    assert server.requests == []


async def test_an_exact_exception_is_allowed(door: Egress, server: Server) -> None:
    """Exact host and port, by a setting."""
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/")
    assert (reply.status, reply.body) == (200, b"hi")


async def test_an_exception_is_exact(door: Egress, server: Server) -> None:
    """Neither another port of that host nor another name of that address."""
    other = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", f"http://localhost:{server.port}/", f"http://127.1:{server.port}/"):
            with pytest.raises(EgressRefused):
                await door.request("GET", url)
    assert server.requests == []


@pytest.mark.parametrize(
    "target", ["http://localhost:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/", "//localhost:{port}/"]
)
async def test_a_redirect_to_a_private_address_is_refused(door: Egress, server: Server, target: str) -> None:
    """After resolution and at every redirect: the first answer may be honest, the second not."""
    server.moved("/a", "/b")
    server.moved("/b", target.format(port=server.port))
    with pytest.raises(EgressRefused):
        await door.request("GET", f"http://127.0.0.1:{server.port}/a")
    assert [request.split(" ")[1] for request in server.requests] == ["/a", "/b"]


async def test_redirects_go_by_the_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stay names: a relative redirect goes to the same host with its own Host header."""

    async def led_here(host: str, port: int) -> str:
        assert host == "town.example"
        return "127.0.0.1"

    monkeypatch.setattr(egress, "public_address", led_here)  # the world's DNS, which tests do not have
    server.moved("/old", "/")
    door = Egress(timeout=2)
    reply = await door.request("GET", f"http://town.example:{server.port}/old")
    await door.close()
    assert reply.body == b"hi"
    assert all(f"host: town.example:{server.port}" in request.lower() for request in server.requests)
    assert len(server.requests) == 2


async def test_redirects_end(door: Egress, server: Server) -> None:
    """Five at most, and none where the caller wants none."""
    server.moved("/round", "/round")
    with pytest.raises(httpx.TooManyRedirects):
        await door.request("GET", f"http://127.0.0.1:{server.port}/round")
    assert len(server.requests) == 6
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/round", follow=False)
    assert reply.status == 302


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "gopher://x", "example.org", "", "http://[::1/"]
)
async def test_other_schemes_are_refused(shut: Egress, url: str) -> None:
    """http and https only, at first sight and by redirect."""
    with pytest.raises(ValueError):  # noqa: PT011 - the URL is in the text where there is one
        await shut.request("GET", url)


async def test_a_redirect_to_another_scheme_is_refused(door: Egress, server: Server) -> None:
    """A file is no page."""
    server.moved("/a", "file:///etc/passwd")
    with pytest.raises(httpx.HTTPError):
        await door.request("GET", f"http://127.0.0.1:{server.port}/a")


async def test_a_body_is_bounded(door: Egress, server: Server) -> None:
    """Two MiB and no more, whatever the other side has to say."""
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/endless")
    assert len(reply.body) == MAX_BODY


def packed(content: bytes, encoding: str) -> bytes:
    body = gzip.compress(content) if encoding == "gzip" else content
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_a_packed_body_is_bounded_unpacked(door: Egress, server: Server) -> None:
    """We ask for nothing packed, and get it all the same: 300 KB that stand for 300 MB."""
    url = f"http://127.0.0.1:{server.port}"
    server.routes |= {"/page": packed(b"a page", "gzip"), "/bomb": packed(b"\0" * (300 << 20), "gzip")}
    server.routes["/lie"] = packed(b"plain", "gzip").replace(
        gzip.compress(b"plain"), b"x" * len(gzip.compress(b"plain"))
    )
    assert (await door.request("GET", f"{url}/page")).body == b"a page"
    tracemalloc.start()
    try:
        assert len((await door.request("GET", f"{url}/bomb")).body) == MAX_BODY
        assert tracemalloc.get_traced_memory()[1] < 6 * MAX_BODY
    finally:
        tracemalloc.stop()
    with pytest.raises(httpx.DecodingError):
        await door.request("GET", f"{url}/lie")


async def test_no_cookie_outlives_an_exchange(door: Egress, server: Server) -> None:
    """A page may need one on its way to itself; nobody is recognised the next day."""
    url = f"http://127.0.0.1:{server.port}"
    server.routes["/first"] = b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    await door.request("GET", f"{url}/first")
    await door.request("GET", f"{url}/")
    assert ["cookie" in request.lower() for request in server.requests] == [False, True, False]


async def test_an_exception_may_be_an_ipv6_address() -> None:
    """Written as in a URL."""
    server = Server()
    server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    listener = await asyncio.start_server(server.serve, "::1", 0)
    port = listener.sockets[0].getsockname()[1]
    door = Egress([f"[::1]:{port}"], timeout=2)
    async with listener:
        assert (await door.request("GET", f"http://[::1]:{port}/")).body == b"hi"
    await door.close()


async def test_an_answer_without_end_is_given_up(server: Server) -> None:
    """Each byte may come in time and still there is no end to them: the whole exchange is bounded too."""
    door = Egress([f"127.0.0.1:{server.port}"], timeout=0.3)
    with pytest.raises(httpx.ReadTimeout, match="no whole answer"):
        await door.request("GET", f"http://127.0.0.1:{server.port}/drip")
    await door.close()


async def test_no_proxy_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve names for us, and private ones too."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{server.port}")
    door = Egress(timeout=2)
    with pytest.raises(EgressRefused):
        await door.request("GET", "http://10.0.0.1/")
    await door.close()
    assert server.requests == []
