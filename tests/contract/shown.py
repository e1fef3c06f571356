"""What a document has to tell of each operation: what it is for, who may call it, examples that are true, refusals."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

Document = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch"}
HAN = re.compile("[\u4e00-\u9fff]")
ROLES = re.compile(r"\n*\*\*(?:Roles 角色:\*\* (?P<roles>.+)|Public 公开\*\*)$")
BYTES = ("application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")  # not shown as text


def lacking(document: Document) -> list[str]:
    """Everything that is missing, or shown otherwise than it is, as `METHOD /path: what`."""
    found = []
    if document.get("components", {}).get("securitySchemes", {}).get("bearer", {}).get("scheme") != "bearer":
        found.append("no bearer scheme is declared")
    for path, operations in document["paths"].items():
        for method in METHODS & operations.keys():
            about = _Operation(document, operations[method])
            found += [f"{method.upper()} {path}: {what}" for what in about.lacking()]
    return sorted(found)


def closed(schema: Any) -> Any:
    """The schema, taking no field that it does not name: an example shows none that nobody gets."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(each) for name, each in schema.items()}
    named = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return ({"additionalProperties": False} if named else {}) | inner


class _Operation:
    def __init__(self, document: Document, operation: dict[str, Any]) -> None:
        self._document, self._operation = document, operation

    def lacking(self) -> Iterator[str]:
        yield from self._words()
        for parameter in self._operation.get("parameters", ()):
            if parameter.get("required"):
                yield from self._example(f"parameter {parameter['name']}", parameter)
        for media, content in self._operation.get("requestBody", {}).get("content", {}).items():
            yield from self._content("sent", media, content)
        answers = self._operation["responses"]
        if not any(status.startswith("2") for status in answers):
            yield "no answer that is none of a refusal"
        for status, answer in answers.items():
            for media, content in answer.get("content", {}).items():
                yield from self._content(status, media, content)
            if status >= "4":
                yield from self._refusal(status, answer)

    def _words(self) -> Iterator[str]:
        summary, description = self._operation.get("summary", ""), self._operation.get("description", "")
        if not HAN.search(summary) or not re.search("[A-Za-z]{3}", summary):
            yield "its summary is not in both languages"
        if len(ROLES.sub("", description)) < 40:
            yield "no description"
        named, secured = ROLES.search(description), bool(self._operation.get("security"))
        if named is None or bool(named["roles"]) != secured:
            yield "it does not say who may call it"
        if secured != ({"401", "403"} <= self._operation["responses"].keys()):
            yield "401 and 403 are where a token is asked for, and nowhere else"

    def _refusal(self, status: str, answer: dict[str, Any]) -> Iterator[str]:
        shown = answer.get("content", {}).get("application/problem+json", {})
        for value in self._values(shown):
            if value.get("status") != int(status):
                yield f"{status} is shown by a refusal of {value.get('status')}"

    def _content(self, where: str, media: str, content: dict[str, Any]) -> Iterator[str]:
        if media not in BYTES:
            yield from self._example(f"{where} {media}", content)

    def _example(self, where: str, shown: dict[str, Any]) -> Iterator[str]:
        values = self._values(shown)
        if not values:
            yield f"{where}: no example"
        schema = closed({**shown.get("schema", {}), "components": self._document["components"]})
        judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for value in values:
            for fault in judge.iter_errors(value):
                yield f"{where}: its example is none, at {'/'.join(map(str, fault.instance_path))}: {fault.message}"

    def _values(self, shown: dict[str, Any]) -> list[Any]:
        many = [self._resolved(each)["value"] for each in shown.get("examples", {}).values()]
        return many + ([shown["example"]] if "example" in shown else [])

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = self._document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)
