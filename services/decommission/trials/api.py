"""HTTP: tests of addresses."""

from typing import Annotated

from fastapi import APIRouter, Query

from libs.common.exact import AskedWhole
from libs.common.http.guards import require
from libs.common.http.paging import Limit
from libs.common.security.tokens import Principal
from services.decommission.deps import Deps
from services.decommission.trials import usecases
from services.decommission.trials.schemas import Tests, Tried


def router(deps: Deps) -> APIRouter:
    """The tests of all addresses."""
    routes = APIRouter(prefix="/decommission/v1", tags=["setup 配置"])

    @routes.get("/setup-tests", summary="Who tried which address, and what was heard 试呼记录")
    async def tests(
        _: Annotated[Principal, require("operator", "auditor")],
        cursor: Annotated[AskedWhole | None, Query(ge=1)] = None,
        limit: Limit = 100,
    ) -> Tests:
        """The newest first, of endpoints and connectors; they prove nothing about any case."""
        items = [Tried.of(heard) for heard in await usecases.listed(deps, before=cursor, most=limit)]
        return Tests.of(items, limit, lambda last: last.test_id)

    return routes
