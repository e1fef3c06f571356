"""What may change in a published schema: fields are added, never removed, retyped or made required.

Two JSON schemas are compared as a reader and a writer would meet: `way` says who uses it. "event": records of both
versions live in one log, read by both versions, so nothing but additions passes. "in": we read what others write (HTTP
requests), so we may come to accept more. "out": others read what we write (HTTP responses), so we may come to say more.

A closed set of values (`enum`, `const`) takes no addition in an event. The words of an open vocabulary may be added
to, there and only there; none of them is ever removed, since records that hold it stay.
"""

from collections.abc import Iterator
from typing import Any, Literal

from libs.common.events.vocabularies import KNOWN, NAME

Way = Literal["event", "in", "out"]
Schema = dict[str, Any]
# limit → whether a greater number is the stricter one
LIMITS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}
# Headers that OpenAPI 3.1 §4.8.12 ignores as parameters: no client was ever made to send them by these.
IGNORED = {("header", "accept"), ("header", "authorization"), ("header", "content-type")}
FIXED = ("format", "pattern", "multipleOf", "uniqueItems", "contentMediaType")


class Comparison:
    """One comparison of two documents whose `$ref`s point into themselves."""

    def __init__(self, old: Schema, new: Schema, way: Way) -> None:
        self._old, self._new, self.way = old, new, way
        self._entered: set[tuple[str, str]] = set()

    def schemas(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        """Every break between two schemas, as `where: what`."""
        refs = (old.get("$ref", ""), new.get("$ref", ""))
        if all(refs):
            if refs in self._entered:
                return
            self._entered.add(refs)
        olds, news = self._variants(old, self._old), self._variants(new, self._new)
        if len(olds) == len(news) == 1:
            yield from self._plain(olds[0], news[0], where)
            return
        for one in olds:
            if not any(self._same(one, other) for other in news) and self.way != "out":
                yield f"{where}: {_said(one)} is no longer among what it can be"
        for one in news:
            if not any(self._same(other, one) for other in olds) and self.way != "in":
                yield f"{where}: can now be {_said(one)}"

    def _variants(self, schema: Schema, root: Schema) -> list[Schema]:
        if "$ref" in schema:
            return self._variants(_resolved(schema, root), root)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return [variant for each in schema[word] for variant in self._variants(each, root)]
        if len(schema.get("allOf", ())) == 1:
            return self._variants(schema["allOf"][0], root)
        return [schema]

    def _same(self, old: Schema, new: Schema) -> bool:
        inner = Comparison(self._old, self._new, self.way)
        inner._entered = set(self._entered)
        return not list(inner._plain(old, new, ""))

    def _plain(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        if _said(old) != _said(new):
            if not (_said(new) == "anything" and self.way == "in") and not (
                _said(old) == "anything" and self.way == "out"
            ):
                yield f"{where}: was {_said(old)}, is {_said(new)}"
            return
        yield from self._values(old, new, where)
        yield from _words(old, new, where)
        for name in FIXED:
            if old.get(name) != new.get(name):
                yield f"{where}: {name} was {old.get(name)}, is {new.get(name)}"
        if self.way != "out":
            for name, greater in LIMITS.items():
                before, after = old.get(name), new.get(name)
                if after is not None and (before is None or ((after > before) == greater and after != before)):
                    yield f"{where}: {name} was {before}, is {after}"
        yield from self._fields(old, new, where)
        for name in ("items", "additionalProperties"):
            before, after = old.get(name), new.get(name)
            if isinstance(before, dict) and isinstance(after, dict):
                yield from self.schemas(before, after, f"{where}[]")
        for index, (before, after) in enumerate(
            zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False)
        ):
            yield from self.schemas(before, after, f"{where}[{index}]")

    def _values(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        before, after = _values(old), _values(new)
        if before == after:
            return
        gone = None if after is None else sorted(map(str, (before or set()) - after))
        come = None if before is None else sorted(map(str, (after or set()) - before))
        if self.way != "out" and (gone or before is None):
            yield f"{where}: no longer takes {gone or 'any value'}"
        if self.way != "in" and (come or after is None):
            yield f"{where}: a reader may now meet {come or 'any value'}"

    def _fields(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        fields, now = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in fields:
            place = f"{where}.{name}".lstrip(".")
            if name not in now:
                yield f"{place}: removed"
                continue
            yield from self.schemas(fields[name], now[name], place)
            if name in needed and name not in needs and self.way != "in":
                yield f"{place}: is no longer always there"
        if self.way != "out":
            for name in sorted(needs - needed):
                yield f"{where}.{name}: is now required".lstrip(".")


def _words(old: Schema, new: Schema, where: str) -> Iterator[str]:
    """How a documented list of words was cut: other than by an addition."""
    if NAME in old and old[NAME] != new.get(NAME):
        yield f"{where}: its vocabulary was {old[NAME]}, is {new.get(NAME)}"
    if gone := [word for word in old.get(KNOWN, ()) if word not in new.get(KNOWN, ())]:
        yield f"{where}: the vocabulary no longer lists {gone}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    found: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _values(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _said(schema: Schema) -> str:
    return str(schema.get("type") or ("a value" if _values(schema) else "anything"))


def schema_breaks(old: Schema, new: Schema, way: Way) -> list[str]:
    """Every break between two whole JSON schemas."""
    return list(Comparison(old, new, way).schemas(old, new, ""))


def event_breaks(old: Schema, new: Schema) -> list[str]:
    """Every break between two snapshots of an event: where it travels, what names it, what it holds."""
    moved = [
        f"{name}: was {old[name]}, is {new.get(name)}"
        for name in old
        if name != "schema" and old[name] != new.get(name)
    ]
    return moved + schema_breaks(old["schema"], new["schema"], "event")


def api_breaks(old: Schema, new: Schema) -> list[str]:
    """Every break between two OpenAPI documents: routes, parameters, bodies, answers."""
    found: list[str] = []
    for path, routes in old["paths"].items():
        for method, route in routes.items():
            now = new["paths"].get(path, {}).get(method)
            where = f"{method.upper()} {path}"
            found += [f"{where}: removed"] if now is None else _route_breaks(old, new, route, now, where)
    return found


def _route_breaks(old: Schema, new: Schema, route: Schema, now: Schema, where: str) -> list[str]:
    found = []
    reads, says = Comparison(old, new, "in"), Comparison(old, new, "out")
    before = {(p["in"], p["name"].lower()): p for p in route.get("parameters", ())}
    after = {(p["in"], p["name"].lower()): p for p in now.get("parameters", ())}
    for key, parameter in before.items():
        if key not in after:
            found += [] if key in IGNORED else [f"{where} {key[1]}: removed"]
        else:
            found += reads.schemas(parameter.get("schema", {}), after[key].get("schema", {}), f"{where} {key[1]}")
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            found.append(f"{where} {key[1]}: is now required")
    body, body_now = route.get("requestBody", {}), now.get("requestBody", {})
    if body_now.get("required") and not body.get("required"):
        found.append(f"{where} body: is now required")
    found += _content_breaks(reads, body, body_now, f"{where} body")
    for status, answer in route["responses"].items():
        if status not in now["responses"]:
            found.append(f"{where} {status}: removed")
        else:
            found += _content_breaks(says, answer, now["responses"][status], f"{where} {status}")
    return found


def _content_breaks(comparison: Comparison, old: Schema, new: Schema, where: str) -> list[str]:
    found: list[str] = []
    for kind, content in old.get("content", {}).items():
        if kind not in new.get("content", {}):
            found.append(f"{where}: no longer {kind}")
            continue
        comparison._entered.clear()
        found += comparison.schemas(content.get("schema", {}), new["content"][kind].get("schema", {}), where)
    return found
