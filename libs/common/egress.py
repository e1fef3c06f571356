"""The one door for outgoing HTTP: it never reaches a private address, not even by a redirect or by DNS."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

MAX_BODY = 2 * 1024 * 1024


class EgressRefused(httpx.TransportError):
    """The address is private, loopback, link-local or otherwise not public, and no exception names it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the final status, the headers, and the first 2 MiB of the body."""

    status: int
    headers: httpx.Headers
    body: bytes


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """Resolves a name itself, judges every address it gives, and connects to the very one it judged."""

    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__(retries=0, limits=httpx.Limits(max_connections=50, max_keepalive_connections=20))
        self._allowed = allowed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        if f"{host}:{port}" not in self._allowed:
            request.extensions = dict(request.extensions) | {"sni_hostname": host}
            request.headers["Host"] = request.url.netloc.decode()
            request.url = request.url.copy_with(host=await public_address(host, port))
        return await super().handle_async_request(request)


async def public_address(host: str, port: int) -> str:
    """An address of the host, all of whose addresses are public. Raises EgressRefused or httpx.ConnectError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx.ConnectError(f"{host} cannot be resolved: {error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        ip = ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        if not (mapped or ip).is_global or ip.is_multicast:
            raise EgressRefused(f"{host} leads to {address}, which is not a public address")
    return addresses[0]


class Egress:
    """Outgoing HTTP with exact `host:port` exceptions, five redirects at most, and a bound on time and size."""

    def __init__(self, allowed: Sequence[str] = (), *, timeout: float = 10.0) -> None:
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(frozenset(allowed)),
            timeout=httpx.Timeout(timeout),
            follow_redirects=True,
            max_redirects=5,
            headers={"User-Agent": "jianfu/0.1"},
            trust_env=False,
        )

    async def request(
        self, method: str, url: str, *, content: bytes | None = None, headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Reply:  # fmt: skip
        """One request. Raises httpx.HTTPError (EgressRefused among them) and ValueError on an unfit address."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url}: expected an http or https address")
        sent = self._client.build_request(method, url, content=content, headers=headers)
        reply = await self._client.send(sent, stream=True, follow_redirects=follow)
        try:
            body = bytearray()
            async for chunk in reply.aiter_bytes():
                body += chunk
                if len(body) >= MAX_BODY:
                    break
            return Reply(reply.status_code, reply.headers, bytes(body[:MAX_BODY]))
        finally:
            await reply.aclose()

    async def close(self) -> None:
        await self._client.aclose()
