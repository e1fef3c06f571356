"""The one door for outgoing HTTP: it never reaches a private address, not even by a redirect or by DNS.

What may be reached beside the internet depends on what a call is for; to one target few calls are made at once.
"""

import asyncio
import copy
import socket
import ssl
import zlib
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from libs.common.errors import Unfit
from libs.common.outbound.addresses import is_public
from libs.common.outbound.targets import Place, Targets
from libs.common.text import Text

MAX_BODY = 2 * 1024 * 1024
MAX_REDIRECTS = 5
PORTS = {"http": 80, "https": 443}
LAST_PORT = 65_535
JUDGED_WITHIN = 3.0  # seconds for a name to be looked up while somebody sets an address up
LOOKUPS = {False: 32, True: 8}  # threads that look names up, for what is urgent and for the rest
LINGER = 1.0  # seconds in which the rest of an answer may come that nobody reads, before its connection is closed
FAILING = 500  # from this status on an answer says that the target is not well


class EgressRefused(httpx.TransportError):
    """The address is private or otherwise not public and no exception names it, or a redirect leads where none may."""


class TargetRests(httpx.TransportError):
    """The target has failed too often and is left alone for a while; nothing was sent."""


class GaveWay(httpx.TimeoutException):
    """The call was broken off after its time, because what is urgent had no place; `reached`: whether it was sent."""

    def __init__(self, *, reached: bool, request: httpx.Request) -> None:
        super().__init__("broken off for what is urgent", request=request)
        self.reached = reached


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the final status, the headers, and the beginning of the body."""

    status: int
    headers: httpx.Headers
    body: bytes


class _Door(httpcore.AsyncNetworkBackend):
    """Where sockets are opened: resolves a name itself and connects to the very address it judged.

    Names stay names above it, so that certificates, pooled connections and redirects go by the name.
    """

    def __init__(self, allowed: frozenset[str], lookups: Executor) -> None:
        self._allowed = allowed
        self._lookups = lookups
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        target = await self.judge(host, port)
        return _Stream(await self._sockets.connect_tcp(target, port, timeout, local_address, socket_options))

    async def judge(self, host: str, port: int) -> str:
        """Where to connect to. Raises EgressRefused or httpx.ConnectError."""
        exempt = place_of(host, port) in self._allowed
        return host if exempt else await public_address(host, port, self._lookups)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A stream that is closed where its handshake is broken off.

    httpcore forgets it then, and its socket would stay open at a target that counts us by our connections.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a pool that opens its sockets through the door.

    The pool has no bound: calls are counted by `Targets`, and nobody may wait here behind another's slow connections.
    """

    def __init__(self, context: ssl.SSLContext, door: _Door) -> None:
        super().__init__(verify=context)
        self.door = door
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=None, max_keepalive_connections=20, network_backend=door
        )


async def public_address(host: str, port: int, lookups: Executor) -> str:
    """An address of the host, all of whose addresses are public. Raises EgressRefused or httpx.ConnectError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(lookups, partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{host} cannot be resolved: {error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise EgressRefused(f"{host} leads to {address}, which is not a public address")
    return addresses[0]


def target_of(url: str) -> str:
    """Whom a URL calls, as `host:port` in one spelling. Raises ValueError on an address that is unfit for the door."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise Unfit(Text("地址无法读取", f"{url}: {error}")) from None
    if address.scheme not in PORTS or not address.host:
        raise Unfit(Text("须为 http 或 https 地址", f"{url}: expected an http or https address"))
    if address.userinfo or "@" in urlsplit(url).netloc:
        raise Unfit(
            Text("地址中不得含有用户名或密码", "expected an address without a name or password before its host")
        )
    if address.port is not None and not 1 <= address.port <= LAST_PORT:
        raise Unfit(Text(f"端口须为 1 至 {LAST_PORT}", f"{url}: expected a port from 1 to {LAST_PORT}"))
    host = address.raw_host.decode("ascii").rstrip(".")
    with suppress(OSError, UnicodeError):  # 127.1 and 0x7f.1 are spellings of one address
        host = socket.inet_ntoa(socket.inet_aton(host))
    return place_of(host, address.port or PORTS[address.scheme])


def place_of(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets and in its short spelling."""
    with suppress(ValueError):
        ip: IPv4Address | IPv6Address = ip_address(host)
        host = f"[{ip}]" if ip.version == 6 else str(ip)
    return f"{host.lower()}:{port}"


class Egress:
    """Outgoing HTTP with exact `host:port` exceptions for each purpose, five redirects at most, bounded in all ways.

    `timeout` bounds each wait for the other side, three times that bounds the whole exchange, in seconds. Each purpose
    has connections of its own: one that was opened under an exception serves no other purpose.
    """

    def __init__(
        self, allowed: Mapping[str, Collection[str]], *, timeout: float = 10.0, targets: Targets | None = None
    ) -> None:
        self._timeout = timeout
        context = httpx.create_ssl_context(trust_env=False)
        # What is urgent looks names up in threads of its own: a name server may keep the others waiting.
        self._lookups = {urgent: ThreadPoolExecutor(threads, "lookup") for urgent, threads in LOOKUPS.items()}
        self._ways = {
            (purpose, urgent): _GuardedTransport(context, _Door(frozenset(places), lookups))
            for purpose, places in allowed.items()
            for urgent, lookups in self._lookups.items()
        }
        self._urgent = False
        self._place: Place | None = None
        self.calling = False  # whether a request is under way through a door that `through` made
        self.targets = targets or Targets()

    def through(self, place: Place | None, *, urgent: bool) -> "Egress":
        """The same door for whoever has a place already, which the first call to its target takes up."""
        door = copy.copy(self)
        door._place, door._urgent, door.calling = place, urgent, False
        return door

    async def judge(self, url: str, *, purpose: str) -> None:
        """Judge an address that is being set up, by what judges it at every call; a redirect is judged only then.

        A name that cannot be looked up now may be known later, so it passes here. Raises EgressRefused, and ValueError
        on an unfit address.
        """
        one_spelling, _, port = target_of(url).rpartition(":")
        as_written = httpx.URL(url).raw_host.decode("ascii")
        for host in {one_spelling.strip("[]"), as_written}:  # `127.0.0.1.` is nobody's name, and means an address
            with suppress(httpx.ConnectError, TimeoutError):
                async with asyncio.timeout(JUDGED_WITHIN):
                    await self._ways[purpose, False].door.judge(host, int(port))

    async def request(
        self,
        method: str,
        url: str,
        *,
        purpose: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        follow: bool = True,
        most: int = MAX_BODY,
    ) -> Reply:
        """One request, of whose answer no more than `most` bytes are kept; with 0 its status line and headers are all.

        Raises httpx.HTTPError (EgressRefused, TargetRests and GaveWay among them) and ValueError on an unfit address.
        """
        target_of(url)
        # Without a life of its own: what the client keeps, cookies above all, ends with the exchange.
        client = httpx.AsyncClient(
            transport=self._ways[purpose, self._urgent],
            timeout=httpx.Timeout(self._timeout),
            headers={"User-Agent": "jianfu/0.1", "Accept-Encoding": "identity"},
            trust_env=False,
        )
        sent = client.build_request(method, url, content=content, headers=headers)
        whole, place = 3 * self._timeout, None
        self.calling = True
        try:
            async with asyncio.timeout(whole) as deadline:
                for _ in range(MAX_REDIRECTS + 1):
                    place = await self._take(target_of(str(sent.url)))
                    reply, onwards = await self._hop(client, sent, most, place, deadline)
                    if not follow or onwards is None:
                        return reply
                    sent = _fit(onwards)
        except TimeoutError:
            if place is None:
                raise httpx.PoolTimeout(f"no place within {whole:g} s", request=sent) from None
            if place.gave_way:
                raise GaveWay(reached=place.reached, request=sent) from None
            # Each byte may come within its time and still there is no end to them.
            raise httpx.ReadTimeout(f"no whole answer within {whole:g} s", request=sent) from None
        finally:
            self.calling = False
        raise httpx.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects", request=sent)

    async def _hop(
        self, client: httpx.AsyncClient, sent: httpx.Request, most: int, place: Place, deadline: asyncio.Timeout
    ) -> tuple[Reply, httpx.Request | None]:
        """One call to one target, in a place of its own; what came of it is noted with the target."""
        failed: bool | None = None
        error: str | None = None
        self.targets.begin(place, deadline)
        sent.extensions["trace"] = partial(self._saw, place)
        try:
            reply, onwards = await _exchange(client, sent, most, place)
            place.gave_way = False
            failed, error = reply.status >= FAILING, f"HTTP {reply.status}"
            return reply, onwards
        except EgressRefused:
            raise  # our own no says nothing of the target
        except (httpx.TransportError, OSError) as raised:
            failed, error = True, type(raised).__name__
            raise
        except asyncio.CancelledError:
            if deadline.expired():
                failed, error = True, (GaveWay if place.gave_way else httpx.ReadTimeout).__name__
            raise
        finally:
            self.targets.release(place, failed=failed, error=error)

    async def _saw(self, place: Place, event: str, _: dict[str, Any]) -> None:
        """How far a request has come, as httpcore tells it."""
        if event == "http11.send_request_headers.started":
            place.reached = True
        elif event == "http11.send_request_body.complete":
            self.targets.sent(place)

    async def _take(self, target: str) -> Place:
        place = self._place
        if place is None or place.target != target or place.calling:
            place = await self.targets.wait(target, urgent=self._urgent)
        if place is None:
            raise TargetRests(f"{target} has failed too often and is left alone for a while")
        return place

    async def close(self) -> None:
        for way in self._ways.values():
            await way.aclose()
        for lookups in self._lookups.values():
            lookups.shutdown(wait=False, cancel_futures=True)


async def _exchange(
    client: httpx.AsyncClient, sent: httpx.Request, most: int, place: Place
) -> tuple[Reply, httpx.Request | None]:
    """The answer to one request, and where it leads on."""
    reply = await client.send(sent, stream=True, follow_redirects=False)
    try:
        if most == 0:
            await _linger(reply, place)
            return Reply(reply.status_code, reply.headers, b""), reply.next_request
        # unpacked here, piece by piece: a few packed bytes may stand for gigabytes
        packed = reply.headers.get("content-encoding", "identity") in ("gzip", "x-gzip", "deflate")
        unpack = zlib.decompressobj(wbits=47) if packed else None
        body = bytearray()
        async for chunk in reply.aiter_raw():
            body += unpack.decompress(chunk, most) if unpack else chunk
            if len(body) >= most:
                break
        return Reply(reply.status_code, reply.headers, bytes(body[:most])), reply.next_request
    except zlib.error as error:
        raise httpx.DecodingError(f"the answer is not packed as it says: {error}", request=sent) from None
    finally:
        await reply.aclose()


async def _linger(reply: httpx.Response, place: Place) -> None:
    """Let the rest of an answer come that is well, so that nobody finds his answer cut off; never for long."""
    most = MAX_BODY
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(LINGER) as place.limit:
            async for chunk in reply.aiter_raw():
                most -= len(chunk)
                if most <= 0:
                    break
    place.limit = None


def _fit(onwards: httpx.Request) -> httpx.Request:
    """A redirect that may be followed. Raises EgressRefused or httpx.UnsupportedProtocol."""
    if onwards.url.scheme not in PORTS:
        raise httpx.UnsupportedProtocol(f"a redirect leads to {onwards.url.scheme}", request=onwards)
    if onwards.url.userinfo:
        raise EgressRefused(f"a redirect to {onwards.url.host} carries a name or password", request=onwards)
    return onwards
