"""One address for the three services on a laptop: a small reverse proxy and a landing page.

Usage: python -m deploy.gateway.app PORT registry=URL monitor=URL decommission=URL [--per-caller N]
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from deploy.gateway import pages
from libs.common.http.connections import Bounds, allow_files, protocol
from libs.common.http.manual import ASYNCAPI
from libs.common.http.problems import problem
from libs.common.text import Text

NOTHING_HERE = Text("没有这个地址。", "There is nothing at this address.")
# RFC 9110 §7.6.1; the server writes its own date and name
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"date",
    b"server",
}
FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")  # ours to write, or anyone could pose as another address
AT_ROOT = ("healthz", "readyz", "metrics", "quiet", "asyncapi.json")
# A sweep answers when it is done. Idle connections go before the services close them (uvicorn: after 5 s).
# Each caller's connection can have one onward, so that nobody's slowness is waited for; who would wait is told at once.
TIMEOUT = httpx.Timeout(600, connect=5, pool=2)
CONNECTIONS, PER_CALLER = 1000, 100
LIMITS = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=50, keepalive_expiry=2)
GATHERED = 64 * 1024  # bytes of a body that are awaited before a service is asked: who drips does so here alone
LARGEST = 20 * 1024 * 1024  # bytes of the largest body that any service takes; each route has a bound of its own


class Gateway:
    """The routes; `targets` maps each service to where it listens."""

    def __init__(self, targets: dict[str, str]) -> None:
        self.targets = targets
        self.client: httpx.AsyncClient

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=TIMEOUT, limits=LIMITS, trust_env=False) as self.client:
            yield

    async def forward(self, request: Request) -> Response:
        """`/<service>/…` as it is, `/<service>/readyz` and its like to the service's root; bodies are streamed."""
        service, rest = request.path_params["service"], request.path_params["rest"]
        if service not in self.targets:
            return problem(request, 404, NOTHING_HERE)
        # the path as it was written: an encoded slash inside a name is not a slash
        path = f"/{rest}".encode() if rest in AT_ROOT else request.scope["raw_path"].partition(b"?")[0]
        query = request.scope["query_string"]
        # Made beside the client, which would add its own headers and one caller's cookies to another's request; the
        # target as bytes, or httpx would resolve `..` in it and refuse what is unusual.
        target = path + (b"?" + query if query else b"")
        incoming = _Incoming(request)
        if incoming.stated > LARGEST:
            return _too_large(request)
        try:
            outgoing = httpx.Request(
                request.method,
                self.targets[service],
                headers=_onward(request),
                content=await incoming.content() if _has_body(request) else None,
                extensions={"timeout": TIMEOUT.as_dict(), "target": target},
            )
            reply = await self._send(outgoing, incoming)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is left to read it
        except _TooLarge:
            return _too_large(request)
        except httpx.PoolTimeout:
            return _crowded(request)
        except httpx.HTTPError as error:
            return _away(request, service, error)
        answer = StreamingResponse(_body(reply), reply.status_code)
        answer.raw_headers = [(k.lower(), v) for k, v in reply.headers.raw if k.lower() not in HOP_BY_HOP]
        return answer

    async def _send(self, outgoing: httpx.Request, incoming: "_Incoming") -> httpx.Response:
        """The service's answer as it begins. Raises ClientDisconnect when the caller goes while it is waited for."""
        sending = asyncio.create_task(self.client.send(outgoing, stream=True))
        leaving = asyncio.create_task(incoming.left())
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                return sending.result()
            raise ClientDisconnect
        finally:
            for task in (sending, leaving):
                task.cancel()  # a service works no longer for somebody who has gone: its connection is closed
            with suppress(asyncio.CancelledError, httpx.HTTPError, ClientDisconnect, _TooLarge):
                await sending
            with suppress(asyncio.CancelledError):
                await leaving

    async def landing(self, _: Request) -> Response:
        told = await self._told()
        notes = [note for each in told.values() for note in each["notes"].values()]
        return HTMLResponse(pages.landing({name: told[name]["ready"] for name in self.targets}, notes))

    async def readyz(self, _: Request) -> Response:
        told = await self._told()
        ready = all(each["ready"] for each in told.values())
        return JSONResponse({"ready": ready, "services": told}, 200 if ready else 503)

    async def healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def asyncapi(self, _: Request) -> Response:
        return Response(ASYNCAPI.read_bytes(), media_type="application/json")

    async def _told(self) -> dict[str, dict[str, Any]]:
        """What each service says of its readiness."""

        async def ask(target: str) -> dict[str, Any]:
            try:
                told = (await self.client.get(f"{target}/readyz", timeout=8)).json()
                return {
                    "ready": bool(told["ready"]),
                    "parts": dict(told["parts"]),
                    "notes": dict(told.get("notes", {})),
                }
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                return {"ready": False, "parts": {"http": type(error).__name__}, "notes": {}}

        return dict(zip(self.targets, await asyncio.gather(*map(ask, self.targets.values())), strict=True))


def app(targets: dict[str, str]) -> Starlette:
    """The gateway as an ASGI application."""
    gateway = Gateway(targets)
    routes = [
        Route("/", gateway.landing),
        Route("/healthz", gateway.healthz),
        Route("/readyz", gateway.readyz),
        Route("/asyncapi.json", gateway.asyncapi),
        # of every method: the service knows which ones a path takes, and says so
        Route("/{service}/{rest:path}", _Forwarding(gateway)),
    ]
    application = Starlette(routes=routes, lifespan=gateway.lifespan, exception_handlers={HTTPException: _refused})
    application.router.redirect_slashes = False  # what is not here is not there with a slash either
    return application


class _Forwarding:
    """The route to the services as an application of its own: one that is a function is given a list of methods."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._gateway.forward(Request(scope, receive))
        await response(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """A method or a path that the gateway itself does not take."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if error.status_code == 405:
        text = Text("此地址不接受该方法。", "This address does not take that method.")
    else:
        text = NOTHING_HERE
    answer = problem(request, error.status_code, text)
    answer.headers.update(error.headers or {})
    return answer


def _onward(request: Request) -> list[tuple[bytes, bytes]]:
    """The caller's headers, its Host among them so that redirects lead back here, and who it was."""
    named = {part.strip().lower() for part in request.headers.get("connection", "").encode().split(b",")}
    dropped = HOP_BY_HOP | named | set(FORWARDED)
    if "transfer-encoding" in request.headers:
        dropped.add(b"content-length")  # RFC 9112 §6.3: of two lengths the chunks are the true one
    headers = [(k, v) for k, v in request.headers.raw if k not in dropped]
    caller = request.client.host if request.client else "unknown"
    return [*headers, (b"x-forwarded-for", caller.encode()), (b"x-forwarded-proto", request.url.scheme.encode())]


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


class _TooLarge(Exception):
    """More came than any service takes, and its length was not stated."""


class _Incoming:
    """A caller's request body, and whether the caller is still there once it is read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._whole = asyncio.Event()
        if not _has_body(request):
            self._whole.set()
        length = request.headers.get("content-length", "0")
        self.stated = 0 if "transfer-encoding" in request.headers else int(length)

    async def content(self) -> bytes | AsyncIterator[bytes]:
        """The body, once it is here or GATHERED bytes of it are: then it is passed on while it comes."""
        parts, size = self._parts(), 0
        begun = []
        async for part in parts:
            begun.append(part)
            size += len(part)
            if size >= GATHERED:
                return _joined(b"".join(begun), parts)
        return b"".join(begun)

    async def _parts(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._request.stream():
            size += len(part)
            if size > LARGEST:
                raise _TooLarge
            yield part
        self._whole.set()

    async def left(self) -> None:
        """Returns when the caller has gone; while the body comes, its reader is the one who notices."""
        await self._whole.wait()
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


async def _joined(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for part in rest:
        yield part


async def _body(reply: httpx.Response) -> AsyncIterator[bytes]:
    """The answer as it comes; the connection is given back even when the caller has gone, and closed when it may be
    broken: after a fault of the service, and where the answer ends too early.

    What goes wrong on the way is not caught: the caller's connection is then cut, and not ended as if all were said.
    """
    sound = False
    try:
        async for chunk in reply.stream:  # type: ignore[union-attr]
            yield chunk
        sound = reply.status_code < 500
    finally:
        if not sound:
            await reply.extensions["network_stream"].aclose()
        await reply.aclose()


def _too_large(request: Request) -> Response:
    most = f"{LARGEST // 1024 // 1024} MiB"
    return problem(request, 413, Text(f"请求体过大,上限为 {most}。", f"The body is too large: {most} are taken."))


def _crowded(request: Request) -> Response:
    text = Text("请求过多,请稍后重试。", "There are too many requests; retry shortly.", "unavailable")
    answer = problem(request, 503, text)
    answer.headers["Retry-After"] = "1"
    return answer


def _away(request: Request, service: str, error: Exception) -> Response:
    text = Text(
        f"{service} 服务暂时不可用,请稍后重试。", f"The {service} service is away; retry shortly.", "unavailable"
    )
    print(json.dumps({"event": "service-away", "service": service, "error": type(error).__name__}), flush=True)
    return problem(request, 502, text)


def server(application: Starlette, port: int, *, per_caller: int = PER_CALLER) -> uvicorn.Config:
    """How the gateway listens: on loopback, with bounds on what a caller may hold and how slow it may be."""
    bounds = Bounds(total=CONNECTIONS, per_caller=per_caller)
    return uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        http=protocol(bounds),
        backlog=1024,
    )


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gateway.app")
    parser.add_argument("port", type=int)
    parser.add_argument("targets", nargs="+", metavar="SERVICE=URL")
    parser.add_argument("--per-caller", type=int, default=PER_CALLER, help="connections that one address may hold")
    asked = parser.parse_args()
    allow_files()
    targets = dict(target.split("=", 1) for target in asked.targets)
    serving = uvicorn.Server(server(app(targets), asked.port, per_caller=asked.per_caller))
    serving.run()
    if not serving.started:
        raise SystemExit(3)


if __name__ == "__main__":
    main()
