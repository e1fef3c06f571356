"""The HTTP application that every service starts from."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.http import manual
from libs.common.http.document import document, examples_of
from libs.common.http.errors import answer_errors, domain_error, too_large
from libs.common.http.front import Front
from libs.common.http.problems import problem
from libs.common.security.tokens import Authenticator
from libs.common.text import Text

log = structlog.get_logger()
MAX_HEADER = 8 * 1024  # bytes of one header; the server takes 64 KiB of all of them


def create_app(
    service: str,
    *,
    title: str,
    description: str,
    authenticator: Authenticator,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    examples: Path | None = None,
) -> FastAPI:
    """An application whose API lives under `/<service>/v1`; the caller includes its routers and calls `seal`.

    `examples` is the file of what the document shows of each operation, see `libs.common.http.problems`.
    """
    prefix = f"/{service}/v1"
    telemetry: Any = {
        # FastAPI's own spans take up the caller's traceparent; polling of health and quiet is not worth one.
        "exclude": lambda scope: not scope["path"].startswith(prefix),
        "operation_spans": False,
        "metrics": False,
        "logs": False,
    }
    app = FastAPI(
        title=title,
        description=description,
        version="1.0.0",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry=telemetry,
    )
    app.state.authenticator = authenticator
    app.state.doors, app.state.answers, app.state.shapes = [], set(), {}
    app.state.examples = examples_of(service, examples)
    app.include_router(manual.router(prefix, title))
    app.add_middleware(Front, refused=domain_error, too_large=too_large)
    app.add_middleware(_Headers)
    answer_errors(app)
    document(app)
    return app


class _Headers:
    """No single header beyond MAX_HEADER, whoever sends it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        large = next((name for name, value in scope.get("headers", ()) if len(name) + len(value) > MAX_HEADER), None)
        if large is None:
            await self.app(scope, receive, send)
            return
        faults = [{"field": large.decode("latin-1")[:100], "accepted": f"at most {MAX_HEADER} bytes"}]
        text = Text("请求头过大,上限为 8 KiB。", "A header is too large: 8 KiB are taken.")
        await problem(Request(scope), 431, text, faults)(scope, receive, send)
