"""What a unit's token reads: which routes admit it, so that a matrix of own, other and no unit leaves none out."""

from typing import Any

import httpx


def admitting_units(client: httpx.AsyncClient) -> set[str]:
    """The path patterns of all GET routes that a `unit` may enter, as the application's document names them."""
    app: Any = client._transport.app  # type: ignore[attr-defined]
    return {
        path
        for path, operations in app.openapi()["paths"].items()
        if "get" in operations and _admits(app.state.doors, path)
    }


def _admits(doors: Any, path: str) -> bool:
    """Whether the door of this path asks for one of several roles, the unit's among them."""
    filled = path.replace("{", "").replace("}", "")
    uuid = "00000000-0000-0000-0000-000000000000"
    for name in ("asset_id", "unit_id", "finding_id", "case_id"):
        filled = filled.replace(name, uuid)
    found = next(door for door in doors if door.leads(filled, "GET"))
    return any("unit" in roles for roles in found.guards)
