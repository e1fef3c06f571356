"""The one door for outgoing HTTP: it never reaches a private address, not even by a redirect or by DNS."""

import asyncio
import socket
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpcore
import httpx

MAX_BODY = 2 * 1024 * 1024
NAT64 = IPv6Network("64:ff9b::/96")


class EgressRefused(httpx.TransportError):
    """The address is private, loopback, link-local or otherwise not public, and no exception names it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the final status, the headers, and the first 2 MiB of the body."""

    status: int
    headers: httpx.Headers
    body: bytes


class _Door(httpcore.AsyncNetworkBackend):
    """Where sockets are opened: resolves a name itself and connects to the very address it judged.

    Names stay names above it, so that certificates, pooled connections and redirects go by the name.
    """

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        target = host if place in self._allowed else await public_address(host, port)
        return await self._sockets.connect_tcp(target, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a pool that opens its sockets through the door."""

    def __init__(self, allowed: frozenset[str]) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=50, max_keepalive_connections=20, network_backend=_Door(allowed)
        )


async def public_address(host: str, port: int) -> str:
    """An address of the host, all of whose addresses are public. Raises EgressRefused or httpx.ConnectError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{host} cannot be resolved: {error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise EgressRefused(f"{host} leads to {address}, which is not a public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether anyone on the internet could mean this address; one that wraps an IPv4 address is judged by that."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Egress:
    """Outgoing HTTP with exact `host:port` exceptions, five redirects at most, and a bound on time and size.

    `timeout` bounds each wait for the other side, three times that bounds the whole exchange, in seconds.
    """

    def __init__(self, allowed: Sequence[str] = (), *, timeout: float = 10.0) -> None:
        self._whole = 3 * timeout
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(frozenset(allowed)),
            timeout=httpx.Timeout(timeout),
            follow_redirects=True,
            max_redirects=5,
            headers={"User-Agent": "jianfu/0.1", "Accept-Encoding": "identity"},
            trust_env=False,
        )

    async def request(
        self, method: str, url: str, *, content: bytes | None = None, headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Reply:  # fmt: skip
        """One request. Raises httpx.HTTPError (EgressRefused among them) and ValueError on an unfit address."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url}: expected an http or https address")
        self._client.cookies.clear()  # within one exchange a page may need them; kept, they would only grow
        try:
            sent = self._client.build_request(method, url, content=content, headers=headers)
        except httpx.InvalidURL as error:
            raise ValueError(f"{url}: {error}") from None
        try:
            async with asyncio.timeout(self._whole):
                return await self._exchange(sent, follow)
        except TimeoutError:
            # Each byte may come within its time and still there is no end to them.
            raise httpx.ReadTimeout(f"no whole answer within {self._whole:g} s", request=sent) from None

    async def _exchange(self, sent: httpx.Request, follow: bool) -> Reply:
        reply = await self._client.send(sent, stream=True, follow_redirects=follow)
        try:
            # unpacked here, piece by piece: a few packed bytes may stand for gigabytes
            packed = reply.headers.get("content-encoding", "identity") in ("gzip", "x-gzip", "deflate")
            unpack = zlib.decompressobj(wbits=47) if packed else None
            body = bytearray()
            async for chunk in reply.aiter_raw():
                body += unpack.decompress(chunk, MAX_BODY) if unpack else chunk
                if len(body) >= MAX_BODY:
                    break
            return Reply(reply.status_code, reply.headers, bytes(body[:MAX_BODY]))
        except zlib.error as error:
            raise httpx.DecodingError(f"the answer is not packed as it says: {error}", request=sent) from None
        finally:
            await reply.aclose()

    async def close(self) -> None:
        await self._client.aclose()
