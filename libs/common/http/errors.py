"""What an error becomes as an answer: problem+json in two languages, by the error's kind."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from libs.common.db.errors import UNAVAILABLE, UnencodableError
from libs.common.errors import DomainError, Kind
from libs.common.http import bodies
from libs.common.http.bodies import TOLD
from libs.common.http.front import TooLarge
from libs.common.http.problems import problem
from libs.common.text import Text

log = structlog.get_logger()
STATUS: dict[Kind, int] = {
    "invalid": 422,
    "refused": 409,
    "conflict": 409,
    "missing": 404,
    "forbidden": 403,
    "unauthenticated": 401,
    "busy": 429,
    "unavailable": 503,
}


RETRY_AFTER = "2"  # seconds


HTTP = {
    400: Text("请求无法读取。", "The request cannot be read."),
    404: Text("没有这个地址。", "There is nothing at this address."),
    405: Text("此地址不接受该方法。", "This address does not take that method."),
}


NO_TEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError, UnencodableError)


def answer_errors(app: FastAPI) -> None:
    """Have the application answer every error with a problem."""
    app.add_exception_handler(TooLarge, too_large)
    app.add_exception_handler(DomainError, domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ValidationError, _invalid_inside)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    for unfit in NO_TEXT:
        app.add_exception_handler(unfit, _no_text)
    for transient in UNAVAILABLE:
        app.add_exception_handler(transient, _unavailable)


async def domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class only
    errors = [{"field": error.field, "accepted": error.accepted}] if error.field else []
    answer = problem(request, STATUS[error.kind], error.text, errors)
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
    language = request.headers.get("accept-language", "")
    told = bodies.faults(found, read_as)
    faults = [{"field": fault.field, "accepted": fault.text.in_(language)} for fault in told]
    named = ", ".join(fault.field for fault in told)
    text = Text(f"输入无效:{named}", f"The input is invalid: {named}", "invalid")
    if (total := len(found)) > TOLD:
        text = Text(f"{text.zh} 等,共 {total} 处", f"{text.en}, and more: {total} faults in all", "invalid")
    return problem(request, 422, text, faults)


async def refusal(request: Request, error: DomainError | RequestValidationError) -> tuple[int, dict[str, Any]]:
    """Status and problem that a request would be answered with, for one part of a request that has several."""
    answer = await (domain_error if isinstance(error, DomainError) else _validation_error)(request, error)
    return answer.status_code, json.loads(bytes(answer.body))


def _read_as(request: Request) -> Any:
    """The model that a request's body was read as, None where there is none."""
    field = getattr(request.scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


async def too_large(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooLarge)  # noqa: S101
    text = Text(f"请求体过大,上限为 {error.named}。", f"The body is too large: {error.named} are taken.")
    return problem(request, 413, text, [{"field": "body", "accepted": f"at most {error.named}"}])


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    text = HTTP.get(error.status_code, Text(str(error.detail), str(error.detail)))
    answer = problem(request, error.status_code, text)
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
    text = Text("输入无效:含有无法保存的内容。", "The input is invalid: it holds what cannot be stored.", "invalid")
    return problem(request, 422, text, faults)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("dependency-unavailable", path=request.url.path, error=f"{type(error).__name__}: {error}")
    text = Text(
        "依赖的服务暂时不可用,请稍后重试。", "Something this service needs is away; retry shortly.", "unavailable"
    )
    answer = problem(request, 503, text)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request-failed", path=request.url.path, error=repr(error), exc_info=error)
    answer = problem(
        request, 500, Text("服务内部错误,已记录。", "An internal error; it has been logged.", "unexpected")
    )
    answer.headers["Connection"] = "close"  # the server closes it next: who does not know would send more on it
    return answer
