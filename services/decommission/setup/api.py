"""HTTP: who changed what of the set-up."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.common.exact import AskedWhole
from libs.common.http.guards import require
from libs.common.http.paging import Limit
from libs.common.security.tokens import Principal
from services.decommission.calls import addresses
from services.decommission.deps import Deps
from services.decommission.setup.store import QUERIES


def _shown(written: str | None) -> Any:
    """A piece of the set-up as it was recorded, its addresses without a secret."""
    recorded = json.loads(written or "null")
    for name in recorded or ():
        if name.endswith("url") and isinstance(recorded[name], str):
            recorded[name] = addresses.shown(recorded[name])
    return recorded


def router(deps: Deps) -> APIRouter:
    """Changes of the set-up."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.get("/setup-changes", tags=["setup 配置"], summary="Who changed what of the set-up 配置变更")
    async def changes(
        _: Annotated[Principal, require("operator", "auditor")],
        cursor: Annotated[AskedWhole, Query(ge=0)] = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Addresses, connectors and the kill switch: what was before, what is now, by whom and when."""
        async with deps.database.reading() as conn:
            rows = [dict(row) async for row in QUERIES.setup_changes_list(conn, after=cursor, max_rows=limit)]
        items = [row | {name: _shown(row[name]) for name in ("before", "after")} for row in rows]
        return {"items": items, "next": str(rows[-1]["change_id"]) if len(rows) == limit else None}

    return routes
