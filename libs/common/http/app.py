"""HTTP as every service offers it: problem+json in two languages, deny by default, health that tells the truth."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import asyncpg
import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.clock import Clock, ClockNotStepped, SteppedClock
from libs.common.db.pool import PLUMBING, UNAVAILABLE, Database, UnencodableError
from libs.common.errors import DomainError, Invalid, Kind
from libs.common.exact import AskedWhole, Instant
from libs.common.http import bodies, manual
from libs.common.http.bodies import TOLD, Body
from libs.common.http.document import Shape, document, examples_of
from libs.common.http.front import Front, TooLarge, door
from libs.common.http.front import public as public
from libs.common.http.problems import problem
from libs.common.security.tokens import Authenticator, Principal

log = structlog.get_logger()
STATUS: dict[Kind, int] = {
    "invalid": 422, "refused": 409, "conflict": 409, "missing": 404,
    "forbidden": 403, "unauthenticated": 401, "busy": 429, "unavailable": 503,
}  # fmt: skip
RETRY_AFTER = "2"  # seconds
HTTP = {
    400: ("请求无法读取。", "The request cannot be read."),
    404: ("没有这个地址。", "There is nothing at this address."),
    405: ("此地址不接受该方法。", "This address does not take that method."),
}
MAX_HEADER = 8 * 1024  # bytes of one header; the server takes 64 KiB of all of them
NO_TEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError, UnencodableError)
Health = Callable[[], Awaitable[dict[str, Any]]]
IdempotencyKey = Annotated[
    str | None, Header(description="重试时给出同一应答 same key, same answer", pattern=r"^[ -~]{1,255}$")
]
IfMatch = Annotated[str | None, Header(description='读到的版本 the version read, such as "3"', max_length=40)]
Cursor = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{32}$", description="上一页的 next `next` of the page before")]
Limit = Annotated[AskedWhole, Query(ge=1, le=500, description="每页条数 items per page")]


def create_app(
    service: str, *, title: str, description: str, authenticator: Authenticator,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None, examples: Path | None = None,
) -> FastAPI:  # fmt: skip
    """An application whose API lives under `/<service>/v1`; the caller includes its routers and calls `seal`.

    `examples` is the file of what the document shows of each operation, see `libs.common.http.problems`.
    """
    prefix = f"/{service}/v1"
    telemetry: Any = {
        # FastAPI's own spans take up the caller's traceparent; polling of health and quiet is not worth one.
        "exclude": lambda scope: not scope["path"].startswith(prefix),
        "operation_spans": False, "metrics": False, "logs": False,
    }  # fmt: skip
    app = FastAPI(
        title=title, description=description, version="1.0.0", openapi_url=f"{prefix}/openapi.json",
        docs_url=None, redoc_url=None, lifespan=lifespan, telemetry=telemetry,
    )  # fmt: skip
    app.state.authenticator = authenticator
    app.state.doors, app.state.answers, app.state.shapes = [], set(), {}
    app.state.examples = examples_of(service, examples)
    app.include_router(manual.router(prefix, title))
    app.add_middleware(Front, refused=_domain_error, too_large=_too_large)
    app.add_middleware(_Headers)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ValidationError, _invalid_inside)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    for unfit in NO_TEXT:
        app.add_exception_handler(unfit, _no_text)
    for transient in UNAVAILABLE:
        app.add_exception_handler(transient, _unavailable)
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
        zh, en = "请求头过大,上限为 8 KiB。", "A header is too large: 8 KiB are taken."
        await problem(Request(scope), 431, "http_431", zh, en, faults)(scope, receive, send)


def require(*roles: str) -> Any:
    """A dependency that yields the Principal when it has one of the roles."""

    def check(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
        principal: Principal = request.app.state.authenticator.principal(authorization)
        principal.require(*roles)
        return principal

    check.guards = roles  # type: ignore[attr-defined]
    return Depends(check)


def reads(content: dict[str, Any], *models: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a route that reads its body itself: the document tells of this content, and of the models in it."""

    def mark(route: Callable[..., Any]) -> Callable[..., Any]:
        route.reads = (content, models)  # type: ignore[attr-defined]
        return route

    return mark


def seal(app: FastAPI) -> None:
    """Refuse to serve while any route neither asks for a role nor says that it is public; tell the front of all.

    Notes the models that the routes answer with, to tell later whose fault a ValidationError is.
    """
    doors = []
    # The routes as FastAPI serves them: `app.routes` shows an included router as one opaque entry.
    for route in iter_route_contexts(app.routes):
        opened = route.endpoint or getattr(route.route, "app", None)
        asked = route.dependant.dependencies if isinstance(route.original_route, APIRoute) else ()
        guards = [dependency.call.guards for dependency in asked if hasattr(dependency.call, "guards")]
        doors.append(door(route, guards))
        shape = Shape(tuple(guards), *getattr(opened, "reads", ()))
        app.state.shapes |= {(route.path, method.lower()): shape for method in route.methods or ()}
        if not guards and route.path != app.openapi_url and not getattr(opened, "public", False):
            raise RuntimeError(f"{route.path} neither requires a role nor is marked public")
    app.state.doors = doors
    app.state.answers = {model.__name__ for route in iter_route_contexts(app.routes) for model in _answers(route)}


def _answers(route: RouteContext) -> set[type[BaseModel]]:
    """The models a route answers with, those in their fields included."""
    found: set[type[BaseModel]] = set()
    ahead = [getattr(route, "response_model", None)]
    while ahead:
        kind = ahead.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found.add(kind)
            ahead += [field.annotation for field in kind.model_fields.values()]
        ahead += get_args(kind)
    return found


async def _nothing() -> dict[str, Any]:
    return {}


def status_router(health: Health, quiet: Health, notes: Health = _nothing) -> APIRouter:
    """/healthz, /readyz, /metrics, /quiet and /asyncapi.json. `health` maps parts to None (well) or a reason.

    `notes` is what whoever looks has to know though the service is well; each has a text in both languages.
    """
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
        try:
            told = await notes()
        except UNAVAILABLE:  # which the parts tell of
            told = {}
        said = {"ready": ready, "parts": parts} | ({"notes": told} if told else {})
        return JSONResponse(said, 200 if ready else 503)

    @router.get("/metrics")
    @public
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/asyncapi.json")
    @public
    async def asyncapi() -> Response:
        return Response(manual.ASYNCAPI.read_bytes(), media_type="application/json")

    @router.get("/quiet")
    @public
    async def quiet_now() -> JSONResponse:
        return JSONResponse(await quiet())

    return router


class Step(Body):
    """The instant to step the business clock to."""

    now: Instant


class Stepped(BaseModel):
    """Where the business clock stands."""

    now: datetime
    mode: str


def clock_router(service: str, database: Database, clock: Clock) -> APIRouter:
    """Read the business clock, and step it where it is a stepped one."""
    router = APIRouter(prefix=f"/{service}/v1/clock", tags=["clock 时钟"])

    @router.get("", summary="Read the business clock 读取业务时钟")
    async def read(_: Annotated[Principal, require("clock", "viewer", "operator")]) -> Stepped:
        """Business time: by it things fall due. `mode` says whether it is the system's or is stepped."""
        return Stepped(now=clock.now(), mode=clock.mode)

    @router.post("", summary="Step the business clock forward 步进业务时钟")
    async def step(body: Step, _: Annotated[Principal, require("clock")]) -> Stepped:
        """Only where the service runs with a stepped clock, for rehearsals; it never goes back."""
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


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class only
    errors = [{"field": error.field, "accepted": error.accepted}] if error.field else []
    answer = problem(request, STATUS[error.kind], error.code, error.text("zh"), error.text("en"), errors)
    if error.kind in ("busy", "unavailable"):
        answer.headers["Retry-After"] = RETRY_AFTER
    return answer


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [{**fault, "loc": fault["loc"][1:] or fault["loc"]} for fault in error.errors()]
    return _invalid(request, found, getattr(error, "read_as", None) or _read_as(request))


async def _invalid_inside(request: Request, error: Exception) -> JSONResponse:
    """What a use case could not make of a caller's words is his; an answer that we could not make is ours."""
    assert isinstance(error, ValidationError)  # noqa: S101
    if error.title in request.app.state.answers:
        return await _unexpected(request, error)
    return _invalid(request, error.errors(include_url=False, include_input=False), _read_as(request))


def _invalid(request: Request, found: Sequence[Any], read_as: Any) -> JSONResponse:
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    told = bodies.faults(found, read_as)
    faults = [{"field": fault.field, "accepted": fault.zh if chinese else fault.en} for fault in told]
    named = ", ".join(fault.field for fault in told)
    zh, en = f"输入无效:{named}", f"The input is invalid: {named}"
    if (total := len(found)) > TOLD:
        zh, en = f"{zh} 等,共 {total} 处", f"{en}, and more: {total} faults in all"
    return problem(request, 422, "invalid", zh, en, faults)


async def refusal(request: Request, error: DomainError | RequestValidationError) -> tuple[int, dict[str, Any]]:
    """Status and problem that a request would be answered with, for one part of a request that has several."""
    answer = await (_domain_error if isinstance(error, DomainError) else _validation_error)(request, error)
    return answer.status_code, json.loads(bytes(answer.body))


def _read_as(request: Request) -> Any:
    """The model that a request's body was read as, None where there is none."""
    field = getattr(request.scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


async def _too_large(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooLarge)  # noqa: S101
    zh, en = f"请求体过大,上限为 {error.named}。", f"The body is too large: {error.named} are taken."
    return problem(request, 413, "http_413", zh, en, [{"field": "body", "accepted": f"at most {error.named}"}])


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    zh, en = HTTP.get(error.status_code, (str(error.detail), str(error.detail)))
    answer = problem(request, error.status_code, f"http_{error.status_code}", zh, en)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer


def _methods(request: Request) -> set[str]:
    """All that the path takes: the router names the methods of the first route of that path, and of no other."""
    path = request.scope["path"]
    return {method for door in request.app.state.doors if door.path.match(path) for method in door.methods or ()}


async def _no_text(request: Request, error: Exception) -> JSONResponse:
    faults = [{"field": "text", "accepted": "text without U+0000 and halves of characters, numbers within 64 bits"}]
    zh, en = "输入无效:含有无法保存的内容。", "The input is invalid: it holds what cannot be stored."
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
