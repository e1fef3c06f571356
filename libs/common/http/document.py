"""The OpenAPI document, completed: every refusal that a route's shape leads to, who may call it, and examples.

Examples stand in a service's `examples.yaml`: `parameters` by name, and by `METHOD /path` what is `sent` and what is
`got`, each by content type; what is got by its status first.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from fastapi import FastAPI
from pydantic import BaseModel

from libs.common.http.problems import WRITES, Problem, refusal, shown

SHARED = Path(__file__).with_name("examples.yaml")
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of an issuer that is trusted here, with its roles in a claim 受信任签发方的令牌,含角色声明",
}


class Shape(NamedTuple):
    """A route as the document needs it: of each of `guards` one role is needed; what it reads by itself, if it does."""

    guards: tuple[tuple[str, ...], ...] = ()
    body: dict[str, Any] | None = None
    models: tuple[type[BaseModel], ...] = ()


def examples_of(service: str, file: Path | None) -> dict[str, Any]:
    """A service's examples, beside those of the operations that every service has."""
    shared = yaml.safe_load(SHARED.read_text("utf-8"))
    own = {} if file is None else yaml.safe_load(file.read_text("utf-8"))
    operations = {name.replace("{service}", service): shown for name, shown in shared["operations"].items()}
    return {
        "parameters": shared["parameters"] | own.get("parameters", {}),
        "operations": operations | own.get("operations", {}),
    }


def document(app: FastAPI) -> None:
    """Have the application's document tell all that its `state.shapes` and `state.examples` say."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = generate()
            examples = app.state.examples
            for path, operations in described["paths"].items():
                for method, operation in operations.items():
                    shape = app.state.shapes.get((path, method), Shape())
                    shown_here = examples["operations"].get(f"{method.upper()} {path}", {})
                    _complete(operation, path, method, shape)
                    _exemplify(operation, examples["parameters"], shown_here)
            components = described.setdefault("components", {})
            components["securitySchemes"] = {"bearer": BEARER}
            components["examples"] = shown()
            schemas = components.setdefault("schemas", {})
            for theirs in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which never come back
                schemas.pop(theirs, None)
            for model in (Problem, *(model for shape in app.state.shapes.values() for model in shape.models)):
                schemas |= _schemas(model)
        return app.openapi_schema or described

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], path: str, method: str, shape: Shape) -> None:
    if shape.body is not None:
        operation["requestBody"] = shape.body
    for status in _by_shape(path, method, operation):
        operation["responses"][str(status)] = refusal(status)
    operation["responses"] = dict(sorted(operation["responses"].items()))
    # OpenAPI 3.1 §4.8.12 ignores a parameter of this name: who asks for a token says so by its scheme.
    asked = [one for one in operation.pop("parameters", []) if one["name"] != "authorization"]
    operation |= {"parameters": asked} if asked else {}
    operation["security"] = [{"bearer": []}] if shape.guards else []
    roles = "; ".join(", ".join(roles) for roles in shape.guards)
    told = f"**Roles 角色:** {roles}" if roles else "**Public 公开**"
    operation["description"] = "\n\n".join(part for part in (operation.get("description"), told) if part)


def _exemplify(operation: dict[str, Any], parameters: Mapping[str, Any], shown_here: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in parameters:
            parameter["example"] = parameters[parameter["name"]]
    for media, example in shown_here.get("sent", {}).items():
        operation["requestBody"]["content"][media]["example"] = example
    for status, contents in shown_here.get("got", {}).items():
        for media, example in contents.items():
            operation["responses"][str(status)]["content"][media]["example"] = example


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


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
