"""One address for the three services on a laptop: a small reverse proxy and a landing page.

Usage: python -m deploy.gateway PORT registry=URL monitor=URL decommission=URL
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

# RFC 9110 §7.6.1; the server writes its own date and name
HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"date", b"server",
}  # fmt: skip
FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")  # ours to write, or anyone could pose as another address
AT_ROOT = ("healthz", "readyz", "metrics", "quiet")
# A sweep answers when it is done. Idle connections go before the services close them (uvicorn: after 5 s).
TIMEOUT = httpx.Timeout(600, connect=5)
LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=2)
PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Jianfu 减负</title>
<style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1d2733}}
table{{border-collapse:collapse;width:100%}}td{{padding:.6rem 1rem .6rem 0;border-top:1px solid #d5dbe1;
vertical-align:top}}[lang=en]{{color:#55606b}}.no{{color:#a3121f}}</style></head><body>
<h1>Jianfu 减负</h1>
<p>政务应用、公众账号、工作群组:登记、监测、关停。<br>
<span lang="en">Apps, public accounts, work groups: recorded, watched, closed.</span></p>
<table>{rows}</table>
<p>状态 <span lang="en">State</span>: {state}</p></body></html>"""
ROW = """<tr><td><b>{name}</b><br>{zh}<br><span lang="en">{en}</span></td>
<td><a href="/{name}/v1/docs">接口文档 <span lang="en">API</span></a><br>
<a href="/{name}/v1/openapi.json">OpenAPI</a></td>
<td><a href="/{name}/readyz">{ready}</a></td></tr>"""
WORDS = {
    "registry": ("登记:有什么", "what exists"),
    "monitor": ("监测:用不用", "what is used"),
    "decommission": ("关停:怎样结束", "what ends"),
}
READY = {True: "就绪 ready", False: '<span class="no">未就绪 not ready</span>'}
WELL = {True: "正常 well", False: '<span class="no">部分不可用 partly away</span>'}


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
            return problem(request, 404, "http_404", "没有这个地址。", "There is nothing at this address.")
        # the path as it was written: an encoded slash inside a name is not a slash
        path = f"/{rest}".encode() if rest in AT_ROOT else request.scope["raw_path"].partition(b"?")[0]
        query = request.scope["query_string"]
        # Made beside the client, which would add its own headers and one caller's cookies to another's request; the
        # target as bytes, or httpx would resolve `..` in it and refuse what is unusual.
        target = path + (b"?" + query if query else b"")
        outgoing = httpx.Request(
            request.method, self.targets[service], headers=_onward(request),
            content=request.stream() if _has_body(request) else None,
            extensions={"timeout": TIMEOUT.as_dict(), "target": target},
        )  # fmt: skip
        try:
            reply = await self.client.send(outgoing, stream=True)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is left to read it
        except httpx.HTTPError as error:
            return _away(request, service, error)
        answer = StreamingResponse(_body(reply), reply.status_code)
        answer.raw_headers = [(k.lower(), v) for k, v in reply.headers.raw if k.lower() not in HOP_BY_HOP]
        return answer

    async def landing(self, _: Request) -> Response:
        told = await self._told()
        rows = []
        for name in self.targets:
            zh, en = WORDS[name]
            rows.append(ROW.format(name=name, zh=zh, en=en, ready=READY[told[name]["ready"]]))
        well = all(each["ready"] for each in told.values())
        return HTMLResponse(PAGE.format(rows="".join(rows), state=WELL[well]))

    async def readyz(self, _: Request) -> Response:
        told = await self._told()
        ready = all(each["ready"] for each in told.values())
        return JSONResponse({"ready": ready, "services": told}, 200 if ready else 503)

    async def healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _told(self) -> dict[str, dict[str, Any]]:
        """What each service says of its readiness."""

        async def ask(target: str) -> dict[str, Any]:
            try:
                told = (await self.client.get(f"{target}/readyz", timeout=8)).json()
                return {"ready": bool(told["ready"]), "parts": dict(told["parts"])}
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                return {"ready": False, "parts": {"http": type(error).__name__}}

        return dict(zip(self.targets, await asyncio.gather(*map(ask, self.targets.values())), strict=True))


def app(targets: dict[str, str]) -> Starlette:
    """The gateway as an ASGI application."""
    gateway = Gateway(targets)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    routes = [
        Route("/", gateway.landing),
        Route("/healthz", gateway.healthz),
        Route("/readyz", gateway.readyz),
        Route("/{service}/{rest:path}", gateway.forward, methods=methods),
    ]
    return Starlette(routes=routes, lifespan=gateway.lifespan)


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


async def _body(reply: httpx.Response) -> AsyncIterator[bytes]:
    """The answer as it comes; the connection is given back even when the caller has gone."""
    try:
        async for chunk in reply.aiter_raw():
            yield chunk
    finally:
        await reply.aclose()


def problem(request: Request, status: int, code: str, zh: str, en: str) -> JSONResponse:
    """A refusal of the gateway's own, in the shape of the services' and the caller's language."""
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    body = {
        "type": f"urn:jianfu:problem:{code}", "title": zh if chinese else en, "status": status, "code": code,
        "texts": {"zh": zh, "en": en}, "errors": [],
    }  # fmt: skip
    return JSONResponse(body, status, media_type="application/problem+json")


def _away(request: Request, service: str, error: Exception) -> Response:
    zh, en = f"{service} 服务暂时不可用,请稍后重试。", f"The {service} service is away; retry shortly."
    print(json.dumps({"event": "service-away", "service": service, "error": type(error).__name__}), flush=True)
    return problem(request, 502, "unavailable", zh, en)


if __name__ == "__main__":
    pairs = dict(argument.split("=", 1) for argument in sys.argv[2:])
    uvicorn.run(
        app(pairs), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False,
        timeout_graceful_shutdown=2, proxy_headers=False,
    )  # fmt: skip
