"""One address for the three services on a laptop: a small reverse proxy and a landing page.

Usage: python -m deploy.gateway PORT registry=URL monitor=URL decommission=URL
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
PLAIN = ("healthz", "readyz", "metrics", "quiet")
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Jianfu 减负</title>
<style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}
td{{padding:.2rem 1rem .2rem 0}}</style>
<h1>Jianfu 减负</h1>
<p>政务应用、公众账号、工作群组:登记、监测、关停。<br>Apps, public accounts, work groups: recorded, watched, closed.</p>
<table>{rows}</table>
<p>状态 State: {state}</p></html>"""
ROW = """<tr><td><b>{name}</b></td><td>{zh}<br>{en}</td><td><a href="/{name}/v1/docs">API</a></td>
<td>{ready}</td></tr>"""
WORDS = {
    "registry": ("登记:有什么", "what exists"),
    "monitor": ("监测:用不用", "what is used"),
    "decommission": ("关停:怎样结束", "what ends"),
}


def app(targets: dict[str, str]) -> Starlette:
    """The proxy: `/<service>/v1…` as it is, `/<service>/readyz` and its like to the service's root."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
            app.state.client = client
            yield

    async def forward(request: Request) -> Response:
        service, rest = request.path_params["service"], request.path_params["rest"]
        if service not in targets:
            return JSONResponse({"title": "not found", "status": 404}, 404, media_type="application/problem+json")
        path = f"/{rest}" if rest in PLAIN else f"/{service}/{rest}"
        url = httpx.URL(targets[service]).copy_with(path=path, query=request.url.query.encode())
        headers = [(k, v) for k, v in request.headers.items() if k not in HOP_BY_HOP]
        outgoing = request.app.state.client.build_request(
            request.method, url, headers=headers, content=await request.body()
        )
        try:
            reply = await request.app.state.client.send(outgoing, stream=True)
        except httpx.HTTPError as error:
            return _unreachable(service, error)
        kept = {k: v for k, v in reply.headers.items() if k not in HOP_BY_HOP}
        return StreamingResponse(
            reply.aiter_raw(), reply.status_code, headers=kept, background=BackgroundTask(reply.aclose)
        )

    async def landing(request: Request) -> Response:
        rows, well = [], True
        for name, target in targets.items():
            try:
                ready = (await request.app.state.client.get(f"{target}/readyz", timeout=2)).status_code == 200
            except httpx.HTTPError:
                ready = False
            well = well and ready
            zh, en = WORDS[name]
            rows.append(ROW.format(name=name, zh=zh, en=en, ready="就绪 ready" if ready else "未就绪 not ready"))
        state = "正常 well" if well else "部分不可用 partly away"
        return HTMLResponse(PAGE.format(rows="".join(rows), state=state))

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    return Starlette(
        routes=[
            Route("/", landing),
            Route("/healthz", healthz),
            Route("/{service}/{rest:path}", forward, methods=methods),
        ],
        lifespan=lifespan,
    )


def _unreachable(service: str, error: Exception) -> Response:
    texts = {"zh": f"{service} 服务暂时不可用,请稍后重试。", "en": f"The {service} service is away; retry shortly."}
    body = {"type": "urn:jianfu:problem:unavailable", "title": texts["en"], "status": 502, "texts": texts}
    body["detail"] = type(error).__name__
    return JSONResponse(body, 502, media_type="application/problem+json")


if __name__ == "__main__":
    pairs = dict(argument.split("=", 1) for argument in sys.argv[2:])
    uvicorn.run(app(pairs), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
