"""What a stranger may send has one type each: text is `Text`, a pattern or a choice; days and counts are exact.

Read from what the three applications serve and from the events of the intake, so that no new field is forgotten.
"""

import inspect
from collections.abc import Iterator
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel, BeforeValidator, Strict
from pydantic.fields import FieldInfo

from libs.common import exact
from libs.common.events import intake
from libs.common.events.envelope import Event
from libs.common.strings import Plain

EXACT = (int, float, bool, date, datetime)
# What is looked at otherwise.
EXCEPTIONS = {
    "authorization": "bounded by the size of a header, read as a token and stored nowhere",
    "if-match": "bounded, and read as a number",
    "CloudEvent.data": "read as the event that its type names, which is looked at here by itself",
    "Endpoint.public_key": "read as a key, of which the known parts alone are kept, each a bounded text",
}


def check(app: FastAPI) -> list[str]:
    """Every parameter and every field of a body that takes more than it should, as `route: place`."""
    found = []
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute) or not route.include_in_schema:
            continue
        for field in _fields(route.dependant):
            info = field.field_info
            found += [f"{route.path}: {place}" for place in loose(info.annotation, info.metadata, str(field.alias))]
        for model in _read(route):
            found += [f"{route.path}: {place}" for place in loose(model, (), model.__name__)]
    return found


def deaf(app: FastAPI) -> list[str]:
    """Every model of a body, however deep, that ignores a field which it does not know, as `route: model`."""
    found = []
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            for field in route.dependant.body_params:
                found += [f"{route.path}: {each}" for each in ignoring(field.field_info.annotation)]
            found += [f"{route.path}: {each}" for model in _read(route) for each in ignoring(model)]
    return found


def ignoring(kind: Any) -> Iterator[str]:
    """The models in an annotation that ignore what they do not know."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind.model_config.get("extra") != "forbid":
            yield kind.__name__
        for field in kind.model_fields.values():
            yield from ignoring(field.annotation)
    for part in get_args(kind):
        yield from ignoring(part)


def _read(route: RouteContext) -> tuple[type[BaseModel], ...]:
    """The models that a route reads its body as by itself."""
    models: tuple[type[BaseModel], ...] = getattr(route.endpoint, "reads", ({}, ()))[1]
    return models


def unread(app: FastAPI) -> set[str]:
    """The routes that take a body and read it themselves: what they do with unknown fields, their own tests show."""
    routes = [route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute)]
    return {route.path for route in routes if "requestBody" in (route.original_route.openapi_extra or {})}


def _fields(asked: Dependant) -> Iterator[Any]:
    """All that a route reads of a request, and what it depends on."""
    yield from (*asked.path_params, *asked.query_params, *asked.header_params, *asked.body_params)
    for dependency in asked.dependencies:
        yield from _fields(dependency)


def intake_events() -> list[type[Event]]:
    """The events that strangers send."""
    return [cls for _, cls in inspect.getmembers(intake, inspect.isclass) if "TYPE" in cls.__dict__]


def loose(kind: Any, metadata: Any, place: str) -> Iterator[str]:
    """The places below this one where anything goes."""
    if place in EXCEPTIONS:
        return
    origin = get_origin(kind)
    if origin is Annotated:
        kind, *more = get_args(kind)
        more = [part for each in more for part in (each.metadata if isinstance(each, FieldInfo) else [each])]
        yield from loose(kind, [*metadata, *more], place)
    elif origin in (Union, UnionType, list, tuple):
        for part in get_args(kind):
            if part is not ...:
                yield from loose(part, metadata if origin in (Union, UnionType) else [], place)
    elif kind is str:
        if not any(isinstance(each, Plain) or getattr(each, "pattern", None) for each in metadata):
            yield f"{place} is any text"
    elif kind in EXACT:
        if not any(_exact(each) for each in metadata):
            yield f"{place} is a {kind.__name__} that is guessed"
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from loose(field.annotation, field.metadata, f"{kind.__name__}.{name}")
    elif origin is not Literal and kind not in (UUID, NoneType):
        yield f"{place} is {kind}"


def _exact(each: Any) -> bool:
    ours = isinstance(each, BeforeValidator) and getattr(each.func, "__module__", "") == exact.__name__
    return ours or (isinstance(each, Strict) and each.strict)
