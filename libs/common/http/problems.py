"""What a refusal over HTTP looks like (RFC 9457)."""

import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from libs.common.text import Text

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
EXAMPLES: dict[int, tuple[Any, ...]] = {
    400: (Text("请求无法读取。", "The request cannot be read."),),
    401: (Text("需要有效的令牌:没有令牌", "A valid bearer token is needed: there is none", "unauthenticated"),),
    403: (Text("没有权限:需要角色之一:operator", "Not allowed: one of these roles is needed: operator", "forbidden"),),
    404: (
        Text(
            "未找到:8e8ba1b0-65d3-5b1c-a1f5-5cf1b7b1a2c4", "Not found: 8e8ba1b0-65d3-5b1c-a1f5-5cf1b7b1a2c4", "missing"
        ),
    ),
    409: (
        Text(
            "记录已被修改:当前版本为 7。请重新读取后再试。",
            "The record has changed: its version is 7. Read it again and retry.",
            "version_conflict",
        ),
        {"field": "If-Match", "accepted": None},
    ),
    413: (
        Text("请求体过大,上限为 64 KiB。", "The body is too large: 64 KiB are taken."),
        {"field": "body", "accepted": "at most 64 KiB"},
    ),
    422: (
        Text("输入无效:on", "The input is invalid: on", "invalid"),
        {"field": "on", "accepted": "expected a day as text, such as 2026-01-31"},
    ),
    429: (Text("正在执行的导入已达 2 个,请稍后重试。", "2 imports are under way; retry shortly.", "imports_busy"),),
    431: (
        Text("请求头过大,上限为 8 KiB。", "A header is too large: 8 KiB are taken."),
        {"field": "x-long", "accepted": "at most 8192 bytes"},
    ),
    503: (
        Text(
            "依赖的服务暂时不可用,请稍后重试。", "Something this service needs is away; retry shortly.", "unavailable"
        ),
    ),
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
    status: int, text: Text, *, language: str = "", errors: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """What a problem's body says. Its code is the text's; its title is in `language`, which the caller asks for."""
    code = text.code or f"http_{status}"
    return {
        "type": f"urn:jianfu:problem:{code}",
        "title": text.in_(language),
        "status": status,
        "code": code,
        "texts": {"zh": text.zh, "en": text.en},
        "errors": errors or [],
    }


def problem(request: Request, status: int, text: Text, errors: list[dict[str, Any]] | None = None) -> JSONResponse:
    """An RFC 9457 problem; its title is in the caller's language, both texts are in `texts`."""
    body = content(status, text, language=request.headers.get("accept-language", ""), errors=errors)
    return Shown(body, status, headers={"WWW-Authenticate": "Bearer"} if status == 401 else None)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals of a route beside those that the document tells by its shape, such as 429, for its `responses`."""
    return {status: refusal(status) for status in statuses}


def refusal(status: int) -> dict[str, Any]:
    """One refusal, as the document tells of it."""
    body = {"schema": {"$ref": "#/components/schemas/Problem"}}
    example = {"$ref": f"#/components/examples/problem_{status}"}
    return {"description": SAID[status], "content": {PROBLEM: body | {"examples": {f"problem_{status}": example}}}}


def shown() -> dict[str, Any]:
    """One refusal of each status, as an example."""
    return {
        f"problem_{status}": {"summary": SAID[status], "value": content(status, text, errors=list(faults))}
        for status, (text, *faults) in EXAMPLES.items()
    }
