"""The front door: who asks, and how large the request may be, is judged before a byte of its body is read.

FastAPI reads and parses a body before it calls the dependencies that ask for a role; here the same roles, and the
bound of the same route, are looked up by path and method beforehand.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request, Response
from fastapi.routing import RouteContext
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.db import pool
from libs.common.errors import DomainError

KIB, MIB = 1024, 1024 * 1024
UNLESS_STATED = 64 * KIB
Answer = Callable[[Request, Exception], Awaitable[Response]]


class TooLarge(HTTPException):
    """The body is larger than its route takes; `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit

    @property
    def named(self) -> str:
        """The bound as people read it."""
        return f"{self.limit // MIB} MiB" if self.limit % MIB == 0 else f"{self.limit // KIB} KiB"


@dataclass(frozen=True, slots=True)
class Door:
    """One route as it is judged: of each of `guards` the caller needs one role, and its body has `bound` bytes.

    Of a content type in `bounds` it has those.
    """

    path: re.Pattern[str]
    methods: frozenset[str] | None
    guards: tuple[tuple[str, ...], ...]
    bound: int
    bounds: Mapping[str, int] = field(default_factory=dict)

    def limit(self, content_type: str) -> int:
        """Bytes that a body of this content type may have."""
        return self.bounds.get(content_type.partition(";")[0].strip().lower(), self.bound)

    def leads(self, path: str, method: str) -> bool:
        return (self.methods is None or method in self.methods) and self.path.match(path) is not None


def door(route: RouteContext, guards: Sequence[tuple[str, ...]]) -> Door:
    """The door of a route as FastAPI serves it; below a mounted application every path is its own to bound."""
    opened = route.endpoint or getattr(route.route, "app", None)
    mounted = route.endpoint is None
    path = f"{(route.path or '').rstrip('/')}/{{path:path}}" if mounted else route.path or "/"
    methods = None if route.methods is None else frozenset(route.methods)
    return Door(
        compile_path(path)[0],
        methods,
        tuple(guards),
        getattr(opened, "bound", UNLESS_STATED),
        getattr(opened, "bounds", {}),
    )


class Front:
    """The middleware; the doors stand in `app.state.doors`, where `guards.seal` puts them."""

    def __init__(self, app: ASGIApp, *, refused: Answer, too_large: Answer) -> None:
        self.app = app
        self._refused, self._too_large = refused, too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        state, path, method = request.app.state, scope["path"], scope["method"]
        found = next((each for each in state.doors if each.leads(path, method)), None)
        limit = found.limit(request.headers.get("content-type", "")) if found else UNLESS_STATED
        try:
            if found and found.guards:
                who = state.authenticator.principal(request.headers.get("authorization"))
                for roles in found.guards:
                    who.require(*roles)
            stated = request.headers.get("content-length", "0")
            if not stated.isdecimal() or int(stated[:20]) > limit:
                raise TooLarge(limit)
        except DomainError as error:
            await (await self._refused(request, error))(scope, receive, send)
            return
        except TooLarge as error:
            await (await self._too_large(request, error))(scope, receive, send)
            return
        with pool.impatient():
            await self.app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    """A body's length may be unknown beforehand, so it is counted while it is read. Raises TooLarge."""
    left = limit

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge(limit)
        return message

    return counted
