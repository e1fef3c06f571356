"""What a refusal over HTTP looks like (RFC 9457), and the document that tells of every one that can come back."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

PROBLEM = "application/problem+json"
SAID = {
    400: "请求无法读取 The request cannot be read",
    401: "没有有效令牌 No valid token",
    403: "没有权限 Not allowed",
    404: "未找到 Not found",
    409: "与现状冲突 In conflict with what is recorded",
    413: "请求体过大 The body is too large",
    422: "输入无效 The input is invalid",
    429: "请求过多,请稍后重试 Too many at once; retry later",
    431: "请求头过大 A header is too large",
    503: "依赖的服务暂时不可用 Something this service needs is away; retry shortly",
}
WRITES = {"post", "put", "patch", "delete"}


class Fault(BaseModel):
    """One input at fault: its `field`, and what would be accepted."""

    field: str
    accepted: str | None


class Problem(BaseModel):
    """What went wrong, as application/problem+json: `code` is stable, both texts are always there."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:jianfu:problem:version_conflict",
                "status": 409,
                "code": "version_conflict",
                "title": "The record has changed: its version is 7. Read it again and retry.",
                "texts": {
                    "zh": "记录已被修改:当前版本为 7。请重新读取后再试。",
                    "en": "The record has changed: its version is 7. Read it again and retry.",
                },
                "errors": [{"field": "If-Match", "accepted": None}],
            }
        }
    )

    type: str
    title: str
    status: int
    code: str
    texts: dict[str, str]
    errors: list[Fault]


class Shown(JSONResponse):
    """JSON of what a stranger sent back to him: half a character, which is no UTF-8, becomes a question mark."""

    media_type = PROBLEM

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace")


def content(
    status: int, code: str, zh: str, en: str, *, language: str = "", errors: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """What a problem's body says; `language` is what the caller asks for, by which the title is chosen."""
    return {
        "type": f"urn:jianfu:problem:{code}",
        "title": zh if language.lower().startswith("zh") else en,
        "status": status,
        "code": code,
        "texts": {"zh": zh, "en": en},
        "errors": errors or [],
    }


def problem(
    request: Request, status: int, code: str, zh: str, en: str, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """An RFC 9457 problem; its title is in the caller's language, both texts are in `texts`."""
    body = content(status, code, zh, en, language=request.headers.get("accept-language", ""), errors=errors)
    return Shown(body, status, headers={"WWW-Authenticate": "Bearer"} if status == 401 else None)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals of a route beside those that `document` tells by its shape, such as 429, for its `responses`."""
    return {status: _refusal(status) for status in statuses}


def document(app: FastAPI) -> None:
    """Have the application's OpenAPI document tell of every refusal that a route's shape leads to."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = generate()
            for path, operations in described["paths"].items():
                for method, operation in operations.items():
                    if (read := app.state.reads.get((path, method))) is not None:
                        operation["requestBody"] = read[0]
                    for status in _by_shape(path, method, operation):
                        operation["responses"][str(status)] = _refusal(status)
                    operation["responses"] = dict(sorted(operation["responses"].items()))
            schemas = described.setdefault("components", {}).setdefault("schemas", {})
            for theirs in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which never come back
                schemas.pop(theirs, None)
            for model in (Problem, *(model for _, models in app.state.reads.values() for model in models)):
                schemas |= _schemas(model)
        return app.openapi_schema or described

    app.openapi = openapi  # type: ignore[method-assign]


def _by_shape(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    """What a route can answer that asks for a token, is sent a body, is told which one, or writes; and any route."""
    asked, sent = operation.get("parameters", []), "requestBody" in operation
    if any(parameter["name"] == "authorization" for parameter in asked):
        yield from (401, 403)
    if sent:
        yield from (400, 413)
    if sent or "{" in path:
        yield 404
    if method in WRITES:
        yield 409
    if sent or asked:
        yield 422
    yield from (431, 503)


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": SAID[status], "content": {PROBLEM: {"schema": schema}}}


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
