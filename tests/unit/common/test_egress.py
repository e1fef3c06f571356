"""Outgoing HTTP has one door: never to a private address, by name, by redirect or in disguise (architecture 9.13)."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import suppress

import httpx
import pytest

from libs.common.outbound import egress
from libs.common.outbound.egress import MAX_BODY, Egress, EgressRefused, TargetRests, target_of
from libs.common.outbound.targets import AT_ONCE, FAILURES, Targets
from tests.kit.waiting import eventually


class Server:
    """A real little HTTP server on loopback; `routes` maps a path to the raw bytes it answers."""

    def __init__(self) -> None:
        self.routes: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
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
    egress = Egress({"look": [f"127.0.0.1:{server.port}"], "order": []}, timeout=2)
    yield egress
    await egress.close()


@pytest.fixture
async def shut() -> AsyncIterator[Egress]:
    egress = Egress({"look": []}, timeout=2)
    yield egress
    await egress.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104 - to be refused
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
    ],
)
async def test_private_addresses_are_refused_by_default(shut: Egress, server: Server, host: str) -> None:
    """By address, by a name that leads there, and in every spelling the resolver understands; nothing is sent."""
    with pytest.raises((EgressRefused, httpx.ConnectError)) as refused:
        await shut.request("GET", f"http://{host}:{server.port}/", purpose="look")
    assert isinstance(refused.value, EgressRefused) or "cannot be resolved" in str(refused.value)
    assert server.requests == []


async def test_an_exact_exception_is_allowed(door: Egress, server: Server) -> None:
    """Exact host and port, by a setting."""
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/", purpose="look")
    assert (reply.status, reply.body) == (200, b"hi")


async def test_an_exception_is_exact(door: Egress, server: Server) -> None:
    """Neither another port of that host nor another name of that address."""
    other = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", f"http://localhost:{server.port}/", f"http://127.1:{server.port}/"):
            with pytest.raises(EgressRefused):
                await door.request("GET", url, purpose="look")
    assert server.requests == []


@pytest.mark.parametrize(
    "target", ["http://localhost:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/", "//localhost:{port}/"]
)
async def test_a_redirect_to_a_private_address_is_refused(door: Egress, server: Server, target: str) -> None:
    """After resolution and at every redirect: the first answer may be honest, the second not."""
    server.moved("/a", "/b")
    server.moved("/b", target.format(port=server.port))
    with pytest.raises(EgressRefused):
        await door.request("GET", f"http://127.0.0.1:{server.port}/a", purpose="look")
    assert [request.split(" ")[1] for request in server.requests] == ["/a", "/b"]


async def test_redirects_go_by_the_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stay names: a relative redirect goes to the same host with its own Host header."""

    async def led_here(host: str, port: int, _: Executor) -> str:
        assert host == "town.example"
        return "127.0.0.1"

    monkeypatch.setattr(egress, "public_address", led_here)  # the world's DNS, which tests do not have
    server.moved("/old", "/")
    door = Egress({"look": []}, timeout=2)
    reply = await door.request("GET", f"http://town.example:{server.port}/old", purpose="look")
    await door.close()
    assert reply.body == b"hi"
    assert all(f"host: town.example:{server.port}" in request.lower() for request in server.requests)
    assert len(server.requests) == 2


async def test_redirects_end(door: Egress, server: Server) -> None:
    """Five at most, and none where the caller wants none."""
    server.moved("/round", "/round")
    with pytest.raises(httpx.TooManyRedirects):
        await door.request("GET", f"http://127.0.0.1:{server.port}/round", purpose="look")
    assert len(server.requests) == 6
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/round", follow=False, purpose="look")
    assert reply.status == 302


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "gopher://x", "example.org", "", "http://[::1/", "http:///x"]
)
async def test_other_schemes_are_refused(shut: Egress, url: str) -> None:
    """http and https only, at first sight and by redirect."""
    with pytest.raises(ValueError):  # noqa: PT011 - the URL is in the text where there is one
        await shut.request("GET", url, purpose="look")


async def test_a_redirect_to_another_scheme_is_refused(door: Egress, server: Server) -> None:
    """A file is no page."""
    server.moved("/a", "file:///etc/passwd")
    with pytest.raises(httpx.HTTPError):
        await door.request("GET", f"http://127.0.0.1:{server.port}/a", purpose="look")


async def test_a_body_is_bounded(door: Egress, server: Server) -> None:
    """Two MiB and no more, whatever the other side has to say."""
    reply = await door.request("GET", f"http://127.0.0.1:{server.port}/endless", purpose="look")
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
    assert (await door.request("GET", f"{url}/page", purpose="look")).body == b"a page"
    tracemalloc.start()
    try:
        assert len((await door.request("GET", f"{url}/bomb", purpose="look")).body) == MAX_BODY
        assert tracemalloc.get_traced_memory()[1] < 6 * MAX_BODY
    finally:
        tracemalloc.stop()
    with pytest.raises(httpx.DecodingError):
        await door.request("GET", f"{url}/lie", purpose="look")


async def test_no_cookie_outlives_an_exchange(door: Egress, server: Server) -> None:
    """A page may need one on its way to itself; nobody is recognised the next day."""
    url = f"http://127.0.0.1:{server.port}"
    server.routes["/first"] = b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    await door.request("GET", f"{url}/first", purpose="look")
    await door.request("GET", f"{url}/", purpose="look")
    assert ["cookie" in request.lower() for request in server.requests] == [False, True, False]


async def test_an_exception_may_be_an_ipv6_address() -> None:
    """Written as in a URL."""
    server = Server()
    server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    listener = await asyncio.start_server(server.serve, "::1", 0)
    port = listener.sockets[0].getsockname()[1]
    door = Egress({"look": [f"[::1]:{port}"]}, timeout=2)
    async with listener:
        assert (await door.request("GET", f"http://[::1]:{port}/", purpose="look")).body == b"hi"
    await door.close()


async def test_an_answer_without_end_is_given_up(server: Server) -> None:
    """Each byte may come in time and still there is no end to them: the whole exchange is bounded too."""
    door = Egress({"look": [f"127.0.0.1:{server.port}"]}, timeout=0.3)
    with pytest.raises(httpx.ReadTimeout, match="no whole answer"):
        await door.request("GET", f"http://127.0.0.1:{server.port}/drip", purpose="look")
    await door.close()


async def test_no_proxy_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve names for us, and private ones too."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{server.port}")
    door = Egress({"look": []}, timeout=2)
    with pytest.raises(EgressRefused):
        await door.request("GET", "http://10.0.0.1/", purpose="look")
    await door.close()
    assert server.requests == []


async def test_an_exception_is_for_one_purpose(door: Egress, server: Server) -> None:
    """What may be looked at gets no orders; not even over the connection that a look has left open."""
    url = f"http://127.0.0.1:{server.port}/keep"
    server.routes["/keep"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    assert (await door.request("GET", url, purpose="look")).body == b"hi"
    with pytest.raises(EgressRefused):
        await door.request("POST", url, purpose="order", content=b"{}")
    assert len(server.requests) == 1


async def test_what_nobody_has_named_has_no_way_out(door: Egress, server: Server) -> None:
    with pytest.raises(KeyError):
        await door.request("GET", f"http://127.0.0.1:{server.port}/", purpose="whatever")
    assert server.requests == []


@pytest.mark.parametrize("before", ["user:pass@", "user@", ":pass@", "@", "a%40b:c@", "user:pass@other@"])
async def test_a_name_or_password_in_an_address_is_refused(door: Egress, server: Server, before: str) -> None:
    """It would be logged, stored and sent to whomever the address leads to."""
    with pytest.raises(ValueError, match=r"name or password|Invalid"):
        await door.request("GET", f"http://{before}127.0.0.1:{server.port}/", purpose="look")
    assert server.requests == []


async def test_a_redirect_brings_no_name_or_password_in(door: Egress, server: Server) -> None:
    server.moved("/a", f"http://user:pass@127.0.0.1:{server.port}/")
    with pytest.raises(EgressRefused, match="name or password"):
        await door.request("GET", f"http://127.0.0.1:{server.port}/a", purpose="look")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://Town.Example/x?y", "town.example:80"),
        ("https://town.example./", "town.example:443"),
        ("https://town.example:8443/", "town.example:8443"),
        ("http://127.1/", "127.0.0.1:80"),
        ("http://0x7f000001:81/", "127.0.0.1:81"),
        ("http://2130706433/", "127.0.0.1:80"),
        ("http://[0:0::1]:90/", "[::1]:90"),
        ("http://例子.example/", "xn--fsqu00a.example:80"),
    ],
)
def test_a_target_has_one_spelling(url: str, target: str) -> None:
    """Or each spelling would have places of its own."""
    assert target_of(url) == target


@pytest.mark.parametrize("url", ["http://a:0/", "http://a:65536/", "https://a:99999/"])
def test_a_port_is_one_that_exists(url: str) -> None:
    with pytest.raises(ValueError, match="expected a port from 1 to 65535"):
        target_of(url)


async def test_an_address_is_judged_when_it_is_set_by_what_judges_it_when_it_is_called(
    door: Egress, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.judge(f"http://127.0.0.1:{server.port}/", purpose="look")
    for url in ("http://127.0.0.1:1/", "http://127.1/", "https://[::1]/", "http://localhost/", "http://10.0.0.1:80/"):
        with pytest.raises(EgressRefused):
            await door.judge(url, purpose="look")
        with pytest.raises(EgressRefused):
            await door.request("GET", url, purpose="look")
    with pytest.raises(EgressRefused):
        await door.judge("http://127.0.0.1./", purpose="look")  # which could be looked up nowhere
    await door.judge("https://nobody.invalid/", purpose="look")  # its name may be known when it is called
    monkeypatch.setattr(egress, "JUDGED_WITHIN", 0.0)
    await door.judge("http://localhost/", purpose="look")
    assert server.requests == [], "nobody was called"


async def test_no_more_calls_at_once_than_a_target_has_places(server: Server) -> None:
    """However many ask, also by redirect; the rest wait for their turn, and what never got one has sent nothing."""
    targets, allowed = Targets(), {"look": [f"127.0.0.1:{server.port}"]}
    door, hasty = (Egress(allowed, timeout=timeout, targets=targets) for timeout in (1, 0.2))
    url = f"http://127.0.0.1:{server.port}/drip"
    slow = [asyncio.create_task(way.request("GET", url, purpose="look")) for way in (door, _urgent(door))]
    await eventually(lambda: len(server.requests) == AT_ONCE)
    asked = [way.request("GET", url, purpose="look") for way in (hasty, _urgent(hasty)) for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(error) for error in found} == {httpx.PoolTimeout}
    assert len(server.requests) == targets.shown()[0]["calls"] == AT_ONCE
    await asyncio.gather(*slow, return_exceptions=True)
    assert targets.shown()[0]["calls"] == 0
    for way in (door, hasty):
        await way.close()


async def test_what_is_urgent_finds_a_place_beside_ordinary_calls(server: Server) -> None:
    """One of the two places is kept: a target that drips to ordinary calls still hears what is urgent at once."""
    door = Egress({"look": [f"127.0.0.1:{server.port}"]}, timeout=1)
    url = f"http://127.0.0.1:{server.port}"
    slow = [asyncio.create_task(door.request("GET", f"{url}/drip", purpose="look")) for _ in range(3)]
    await eventually(lambda: len(server.requests) == 1)
    assert (await _urgent(door).request("GET", f"{url}/", purpose="look")).status == 200
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await door.close()


def _urgent(door: Egress) -> Egress:
    return door.through(None, urgent=True)


async def test_what_fails_again_and_again_rests_and_what_is_urgent_tries_it_all_the_same(server: Server) -> None:
    now = [1000.0]
    targets = Targets(clock=lambda: now[0])
    door = Egress({"look": [f"127.0.0.1:{server.port}"]}, timeout=2, targets=targets)
    url = f"http://127.0.0.1:{server.port}"
    server.routes["/ill"] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    for _ in range(FAILURES):
        assert (await door.request("GET", f"{url}/ill", purpose="look")).status == 503
    with pytest.raises(TargetRests):
        await door.request("GET", f"{url}/", purpose="look")
    assert (targets.shown()[0]["state"], targets.shown()[0]["error"]) == ("open", "HTTP 503")
    assert (await _urgent(door).request("GET", f"{url}/ill", purpose="look")).status == 503
    assert len(server.requests) == FAILURES + 1
    now[0] += targets.shown()[0]["rests_for"]
    assert (await door.request("GET", f"{url}/", purpose="look")).status == 200
    assert (targets.shown()[0]["state"], targets.shown()[0]["failures"]) == ("closed", 0)
    await door.close()


async def test_what_our_own_door_refuses_says_nothing_of_a_target(shut: Egress) -> None:
    for _ in range(2 * FAILURES):
        with pytest.raises(EgressRefused):
            await shut.request("GET", "http://10.0.0.1/", purpose="look")
    assert [(target["state"], target["failures"]) for target in shut.targets.shown()] == [("closed", 0)]
