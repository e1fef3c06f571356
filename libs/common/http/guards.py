"""Who may call a route: a role is required, or the route says that it is public; `seal` refuses anything else."""

from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import Depends, FastAPI, Header, Request
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel

from libs.common.http.document import Shape
from libs.common.http.front import door
from libs.common.security.tokens import Principal


def require(*roles: str) -> Any:
    """A dependency that yields the Principal when it has one of the roles."""

    def check(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
        principal: Principal = request.app.state.authenticator.principal(authorization)
        principal.require(*roles)
        return principal

    check.guards = roles  # type: ignore[attr-defined]
    return Depends(check)


def bounded(limit: int, media: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a route whose body may be larger than `UNLESS_STATED`: `@bounded(20 * MIB)`, in bytes.

    With `media` that holds for bodies of one content type, and all others keep their bound.
    """

    def mark(route: Callable[..., Any]) -> Callable[..., Any]:
        if media is None:
            route.bound = limit  # type: ignore[attr-defined]
        else:
            route.bounds = getattr(route, "bounds", {}) | {media: limit}  # type: ignore[attr-defined]
        return route

    return mark


def public(route: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a route, or an application that is mounted, as open to anyone, on purpose."""
    route.public = True  # type: ignore[attr-defined]
    return route


def reads(content: dict[str, Any], *models: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a route that reads its body itself: the document tells of this content, and of the models in it."""

    def mark(route: Callable[..., Any]) -> Callable[..., Any]:
        route.reads = (content, models)  # type: ignore[attr-defined]
        return route

    return mark


def seal(app: FastAPI) -> None:
    """Refuse to serve while any route neither asks for a role nor says that it is public; tell the front door.

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
