"""HTTP as every service offers it: problem+json in two languages, deny by default, health that tells the truth."""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel
from starlette.exceptions import HTTPException

from libs.common.auth import Authenticator, Principal
from libs.common.clock import Clock, ClockNotStepped, SteppedClock
from libs.common.db import PLUMBING, UNAVAILABLE, Database
from libs.common.errors import DomainError, Invalid, Kind
from libs.common.front import Front, TooLarge, door

log = structlog.get_logger()
STATUS: dict[Kind, int] = {
    "invalid": 422, "refused": 409, "conflict": 409, "missing": 404,
    "forbidden": 403, "unauthenticated": 401, "busy": 429, "unavailable": 503,
}  # fmt: skip
PROBLEM = "application/problem+json"
RETRY_AFTER = "2"  # seconds
TOLD = 10  # faults of one request: who sent more reads no more of them, and they are not made up at our cost
HTTP = {
    400: ("请求无法读取。", "The request cannot be read."),
    404: ("没有这个地址。", "There is nothing at this address."),
    405: ("此地址不接受该方法。", "This address does not take that method."),
}
NO_TEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
Health = Callable[[], Awaitable[dict[str, Any]]]


def create_app(
    service: str, *, title: str, description: str, authenticator: Authenticator,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:  # fmt: skip
    """An application whose API lives under `/<service>/v1`; the caller includes its routers and calls `seal`."""
    prefix = f"/{service}/v1"
    telemetry: Any = {
        # FastAPI's own spans take up the caller's traceparent; polling of health and quiet is not worth one.
        "exclude": lambda scope: not scope["path"].startswith(prefix),
        "operation_spans": False, "metrics": False, "logs": False,
    }  # fmt: skip
    app = FastAPI(
        title=title, description=description, version="1.0.0", openapi_url=f"{prefix}/openapi.json",
        docs_url=f"{prefix}/docs", redoc_url=None, lifespan=lifespan, telemetry=telemetry,
    )  # fmt: skip
    app.state.authenticator = authenticator
    app.state.doors = []
    app.add_middleware(Front, refused=_domain_error, too_large=_too_large)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    for unfit in NO_TEXT:
        app.add_exception_handler(unfit, _no_text)
    for transient in UNAVAILABLE:
        app.add_exception_handler(transient, _unavailable)
    return app


def require(*roles: str) -> Any:
    """A dependency that yields the Principal when it has one of the roles."""

    def check(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
        principal: Principal = request.app.state.authenticator.principal(authorization)
        principal.require(*roles)
        return principal

    check.guards = roles  # type: ignore[attr-defined]
    return Depends(check)


def public(route: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a route, or an application that is mounted, as open to anyone, on purpose."""
    route.public = True  # type: ignore[attr-defined]
    return route


def seal(app: FastAPI) -> None:
    """Refuse to serve while any route neither asks for a role nor says that it is public; tell the front of all."""
    doors = []
    described = {app.openapi_url, app.docs_url, app.swagger_ui_oauth2_redirect_url} - {None}
    # The routes as FastAPI serves them: `app.routes` shows an included router as one opaque entry.
    for route in iter_route_contexts(app.routes):
        opened = route.endpoint or getattr(route.route, "app", None)
        asked = route.dependant.dependencies if isinstance(route.original_route, APIRoute) else ()
        guards = [dependency.call.guards for dependency in asked if hasattr(dependency.call, "guards")]
        doors.append(door(route, guards))
        if not guards and route.path not in described and not getattr(opened, "public", False):
            raise RuntimeError(f"{route.path} neither requires a role nor is marked public")
    app.state.doors = doors


def status_router(health: Health, quiet: Health) -> APIRouter:
    """/healthz, /readyz, /metrics and /quiet. `health` maps parts to None (well) or a reason."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    @public
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    @public
    async def readyz() -> JSONResponse:
        parts = await health()
        ready = all(reason is None for reason in parts.values())
        return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)

    @router.get("/metrics")
    @public
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/quiet")
    @public
    async def quiet_now() -> JSONResponse:
        return JSONResponse(await quiet())

    return router


class Step(BaseModel):
    """The instant to step the business clock to."""

    now: AwareDatetime


class Stepped(BaseModel):
    """Where the business clock stands."""

    now: datetime
    mode: str


def clock_router(service: str, database: Database, clock: Clock) -> APIRouter:
    """Read the business clock, and step it where it is a stepped one."""
    router = APIRouter(prefix=f"/{service}/v1/clock", tags=["clock 时钟"])

    @router.get("", summary="Read the business clock 读取业务时钟")
    async def read(_: Annotated[Principal, require("clock", "viewer", "operator")]) -> Stepped:
        return Stepped(now=clock.now(), mode=clock.mode)

    @router.post("", summary="Step the business clock forward 步进业务时钟")
    async def step(body: Step, _: Annotated[Principal, require("clock")]) -> Stepped:
        if not isinstance(clock, SteppedClock):
            raise ClockNotStepped()
        clock.check(body.now)
        async with database.transaction("step_clock") as conn:
            await PLUMBING.clock_write(conn, instant=body.now)
        clock.set(max(body.now, clock.now()))
        return Stepped(now=clock.now(), mode=clock.mode)

    return router


def require_version(if_match: str | None) -> int:
    """The version in an If-Match header such as `"7"`. Raises Invalid when it is absent or no number."""
    text = (if_match or "").strip().strip('"')
    if not re.fullmatch(r"[0-9]{1,18}", text):
        why = ("须提供 If-Match", "If-Match is needed")
        raise Invalid(field="If-Match", accepted='the record\'s version, such as "7"', why=why)
    return int(text)


def problem(
    request: Request, status: int, code: str, zh: str, en: str, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """An RFC 9457 problem; its title is in the caller's language, both texts are in `texts`."""
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    body = {
        "type": f"urn:jianfu:problem:{code}", "title": zh if chinese else en, "status": status, "code": code,
        "texts": {"zh": zh, "en": en}, "errors": errors or [],
    }  # fmt: skip
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(json.loads(json.dumps(body, default=str)), status, media_type=PROBLEM, headers=headers)


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class only
    errors = [{"field": error.field, "accepted": error.accepted}] if error.field else []
    answer = problem(request, STATUS[error.kind], error.code, error.text("zh"), error.text("en"), errors)
    if error.kind in ("busy", "unavailable"):
        answer.headers["Retry-After"] = RETRY_AFTER
    return answer


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = []
    for fault in error.errors()[:TOLD]:
        place, accepted = ".".join(map(str, fault["loc"][1:])) or str(fault["loc"][0]), fault["msg"]
        if fault["type"] == "json_invalid":  # its place is a number of characters
            place, accepted = "body", f"JSON; at character {place}: {fault['ctx']['error']}"
        faults.append({"field": place, "accepted": accepted})
    named = ", ".join(str(fault["field"]) for fault in faults)
    zh, en = f"输入无效:{named}", f"The input is invalid: {named}"
    if (total := len(error.errors())) > TOLD:
        zh, en = f"{zh} 等,共 {total} 处", f"{en}, and more: {total} faults in all"
    return problem(request, 422, "invalid", zh, en, faults)


async def _too_large(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooLarge)  # noqa: S101
    zh, en = f"请求体过大,上限为 {error.named}。", f"The body is too large: {error.named} are taken."
    return problem(request, 413, "http_413", zh, en, [{"field": "body", "accepted": f"at most {error.named}"}])


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    zh, en = HTTP.get(error.status_code, (str(error.detail), str(error.detail)))
    answer = problem(request, error.status_code, f"http_{error.status_code}", zh, en)
    answer.headers.update(error.headers or {})
    return answer


async def _no_text(request: Request, error: Exception) -> JSONResponse:
    faults = [{"field": "text", "accepted": "text without the character U+0000"}]
    zh, en = "输入无效:文本含有字符 U+0000。", "The input is invalid: a text holds the character U+0000."
    return problem(request, 422, "invalid", zh, en, faults)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("dependency-unavailable", path=request.url.path, error=f"{type(error).__name__}: {error}")
    zh, en = "依赖的服务暂时不可用,请稍后重试。", "Something this service needs is away; retry shortly."
    answer = problem(request, 503, "unavailable", zh, en)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request-failed", path=request.url.path, error=repr(error), exc_info=error)
    answer = problem(request, 500, "unexpected", "服务内部错误,已记录。", "An internal error; it has been logged.")
    answer.headers["Connection"] = "close"  # the server closes it next: who does not know would send more on it
    return answer
