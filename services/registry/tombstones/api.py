"""HTTP for everybody, without a token: tombstones of closed assets."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.http import pages as common
from libs.common.http.guards import public
from libs.common.text import Text
from services.registry.tombstones import pages, schemas, wording
from services.registry.tombstones.store import QUERIES


def router(database: Database, reopen_days: int) -> APIRouter:
    """Tombstones. `reopen_days`: for how long a closed asset is not recorded again."""
    routes = APIRouter(prefix="/registry/v1", tags=["public 公开"])

    @routes.get(
        "/tombstones/{asset_id}",
        summary="When and why an asset was closed 关停公示",
        response_model=schemas.Tombstone,
        responses=common.PAGE,
    )
    @public
    async def tombstone(asset_id: UUID, request: Request) -> Response:
        """JSON, or a page in Chinese and English for a browser."""
        async with database.reading() as conn:
            row = await QUERIES.tombstone_get(conn, asset_id=asset_id)
        if row is None:
            raise Missing(what=Text(f"对象 {asset_id} 的关停公示", f"tombstone {asset_id}"))
        language = request.headers.get("accept-language", "")
        answer = wording.tombstone(row, language, reopen_days=reopen_days)
        if common.wanted(request):
            return pages.tombstone(answer)
        headers = {"Vary": common.HEADERS["Vary"]}
        return Response(answer.model_dump_json(), media_type="application/json", headers=headers)

    return routes
