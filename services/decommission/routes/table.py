"""All routes that a case may have been opened with, and which one opens the next case of a kind. Pure."""

from collections.abc import Mapping
from typing import Any

from services.decommission.routes.close import CLOSE
from services.decommission.routes.route import Route

FIRST = CLOSE  # the route of every case whose log names none: it was opened before routes had names
ROUTES: tuple[Route, ...] = (CLOSE,)
_BY_PIN = {(route.name, route.version): route for route in ROUTES}


def route_for(kind: str | None) -> Route:
    """The newest route for assets of a kind: the later one in the table wins. The first where none is for the kind.

    No limit leaves a slot for a kind that is not known, so such a case is never stopped: it waits, and is heard of.
    """
    return next((route for route in reversed(ROUTES) if kind in route.kinds), FIRST)


def pinned_route(named: Mapping[str, Any] | None) -> Route:
    """The route that a log's first entry names; where it names none, the first that there was.

    Raises:
        LookupError: this service does not know the route, so it can say nothing of the case.
    """
    if named is None:
        return FIRST
    return _BY_PIN[(named["name"], named["version"])]
