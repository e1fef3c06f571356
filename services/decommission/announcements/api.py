"""HTTP for everybody, without a token: closures that were announced."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from libs.common.http import pages as common
from libs.common.http.guards import public
from libs.common.http.paging import Limit
from services.decommission.announcements import pages, usecases
from services.decommission.deps import Deps

NIL = UUID(int=0)


class Announcements(BaseModel):
    """A page of announcements; ask again with `cursor=next`."""

    items: list[usecases.Announcement]
    next: UUID | None


def router(deps: Deps) -> APIRouter:
    """Announcements: JSON for machines, a page for people."""
    routes = APIRouter(prefix="/decommission/v1", tags=["public 公开"])

    @routes.get(
        "/announcements",
        summary="Closures announced to the public 关停公告",
        response_model=Announcements,
        responses=common.PAGE,
    )
    @public
    async def listed(request: Request, cursor: UUID = NIL, limit: Limit = 100) -> Response:
        """Each says the rule in words, its basis, the unit and what comes next; at most 50 at once."""
        async with deps.database.reading() as conn:
            items, after = await usecases.page(deps, conn, after=cursor, most=limit)
        if common.wanted(request):
            return pages.announcements(items, after=after)
        return _json({"items": [asdict(item) for item in items], "next": after})

    @routes.get(
        "/announcements/{case_id}",
        summary="One closure that was announced 单项关停公告",
        response_model=usecases.Announcement,
        responses=common.PAGE,
    )
    @public
    async def single(case_id: UUID, request: Request) -> Response:
        """Why it is closed, whose it is, not before which day, and what comes next, as the list tells it."""
        async with deps.database.reading() as conn:
            item = await usecases.one(deps, conn, case_id)
        return pages.announcements([item], single=True) if common.wanted(request) else _json(asdict(item))

    return routes


def _json(body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(jsonable_encoder(body), headers={"Vary": "Accept"})
