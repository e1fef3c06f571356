"""What callers rely on only grows (architecture 9.11): the documents that the running services serve."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services import SERVICES
from tests.contract import published
from tests.contract.additive import api_breaks

HELD = published.snapshots(published.APIS)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_api_only_grows(service: str, fresh_database: Any, tmp_path: Path) -> None:
    """Callers of yesterday are served today, and the document says all there is."""
    now = published.openapi(service, (await fresh_database(service)).service, tmp_path)
    assert api_breaks(HELD[service], now) == []
    assert now == HELD[service], "run python -m tests.contract.update openapi"
    rooms = [name for name in now["components"]["schemas"] if "__" in name]
    assert rooms == [], "two models of one name: the document would tell where their modules stand"


DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 500}},
                    {"name": "authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"201": {"content": {}}, "409": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "state"],
                "properties": {
                    "id": {"type": "string"},
                    "state": {"enum": ["open", "shut"], "type": "string"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                },
            },
            "New": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "kind": {"enum": ["a", "b"], "type": "string"}},
            },
        }
    },
}


def changed(path: str, change: Callable[[Any], None]) -> dict[str, Any]:
    """A copy of the document with one part of it changed; `path` is separated by blanks."""
    document = copy.deepcopy(DOCUMENT)
    part: Any = document
    for key in path.split():
        part = part[int(key)] if isinstance(part, list) else part[key]
    change(part)
    return document


GET, POST = "paths /things/{id} get", "paths /things/{id} post"
THING, NEW = "components schemas Thing", "components schemas New"
HEADER = {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("paths", lambda p: p.clear(), "GET /things/{id}: removed"),
        ("paths /things/{id}", lambda p: p.pop("post"), "POST /things/{id}: removed"),
        (f"{GET} parameters", lambda p: p.pop(1), "GET /things/{id} limit: removed"),
        (f"{GET} parameters", lambda p: p.append(HEADER), "GET /things/{id} if-match: is now required"),
        (f"{GET} parameters 1", lambda p: p.update(required=True), "GET /things/{id} limit: is now required"),
        (f"{GET} parameters 1 schema", lambda p: p.update(maximum=100), "GET /things/{id} limit: maximum was 500"),
        (f"{GET} parameters 0 schema", lambda p: p.update(type="integer"), "GET /things/{id} id: was string"),
        (f"{POST} responses", lambda p: p.pop("201"), "POST /things/{id} 201: removed"),
        (f"{POST} requestBody", lambda p: p.update(required=True), "POST /things/{id} body: is now required"),
        (f"{POST} requestBody", lambda p: p.update(content={}), "POST /things/{id} body: no longer application/json"),
        (f"{THING} properties", lambda p: p.pop("state"), "GET /things/{id} 200.state: removed"),
        (f"{THING} properties state enum", lambda p: p.append("lost"), "GET /things/{id} 200.state: a reader may"),
        (f"{THING} required", lambda p: p.remove("state"), "GET /things/{id} 200.state: is no longer always"),
        (f"{THING} properties id", lambda p: p.update(type="integer"), "GET /things/{id} 200.id: was string"),
        (f"{NEW} properties", lambda p: p.pop("kind"), "POST /things/{id} body.kind: removed"),
        (f"{NEW} properties kind enum", lambda p: p.pop(), "POST /things/{id} body.kind: no longer takes ['b']"),
        (f"{NEW} required", lambda p: p.append("kind"), "POST /things/{id} body.kind: is now required"),
    ],
)
def test_a_planted_break_is_caught(path: str, change: Callable[[Any], None], said: str) -> None:
    """Each way of breaking a caller is seen and named."""
    found = api_breaks(DOCUMENT, changed(path, change))
    assert any(each.startswith(said) for each in found), found


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("paths", lambda p: p.update({"/more": {"get": {"responses": {}}}})),
        (f"{GET} parameters", lambda p: p.append(HEADER | {"required": False})),
        (f"{GET} parameters 1 schema", lambda p: p.update(maximum=1000)),
        (f"{GET} responses", lambda p: p.update({"404": {}})),
        (f"{GET} parameters", lambda p: p.pop(2)),
        (f"{THING} properties", lambda p: p.update(added={"type": "string"})),
        (f"{THING} required", lambda p: p.append("parts")),
        (f"{NEW} properties", lambda p: p.update(added={"type": "string"})),
        (f"{NEW} properties kind enum", lambda p: p.append("c")),
        (f"{NEW} required", lambda p: p.clear()),
        (f"{GET}", lambda p: p.update(summary="in other words", tags=["x"])),
    ],
)
def test_an_addition_passes(path: str, change: Callable[[Any], None]) -> None:
    """What no caller notices."""
    grown = changed(path, change)
    assert grown != DOCUMENT
    assert api_breaks(DOCUMENT, grown) == []
