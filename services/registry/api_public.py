"""HTTP for everybody, without a token: tombstones of closed assets, and whether an address is official."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from libs.common.db import Database
from libs.common.errors import Missing
from libs.common.text import Text
from libs.common.web import public
from services.registry import asked, pages, schemas, store
from services.registry.store import QUERIES

HTML = {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "墓碑页 The tombstone"}


def router(database: Database) -> APIRouter:
    """Tombstones and the question whether an address is official."""
    routes = APIRouter(prefix="/registry/v1", tags=["public 公开"])

    @routes.get(
        "/tombstones/{asset_id}",
        summary="When and why an asset was closed 关停公告",
        response_model=schemas.Tombstone,
        responses={200: HTML},
    )
    @public
    async def tombstone(asset_id: UUID, request: Request) -> Response:
        """JSON, or a page in Chinese and English for a browser."""
        async with database.reading() as conn:
            row = await QUERIES.tombstone_get(conn, asset_id=asset_id)
        if row is None:
            raise Missing(what=(f"对象 {asset_id} 的关停公示", f"tombstone {asset_id}"))
        headers = {"Vary": "Accept"}
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(pages.tombstone(dict(row)), headers=headers)
        body = schemas.Tombstone(**dict(row)).model_dump_json()
        return Response(body, media_type="application/json", headers=headers)

    @routes.get("/verify", summary="Is this address official? 是否官方账号")
    @public
    async def verify(
        address: Annotated[str, Text(2000), Query(examples=["https://weibo.com/chengdufabu"])],
        platform: Annotated[
            str, Text(60, least=0), Query(description="地址不含平台时填写 where the address does not tell")
        ] = "",
    ) -> schemas.Verified:
        """An account by its address or, with `platform`, its name; an app by its page or package."""
        readings, refused = asked.readings(platform, address)
        found = None
        async with database.reading() as conn:
            for kind, what in readings:
                on, apart = asked.where(what, platform)
                found = await store.official(conn, [kind], on, what.identity, apart=apart)
                if found is not None:
                    break
        if found is None:
            if refused is not None:
                raise refused
            what = readings[0][1]
            return schemas.Verified(status="unknown", platform=what.platform, identity=what.identity)
        closed, gone = found.record == "closed", found.running == "gone"
        return schemas.Verified(
            status="closed" if closed else "gone" if gone else "official",
            platform=found.platform, identity=found.identity, asset_id=found.asset_id, name=found.name,
            tombstone=f"/registry/v1/tombstones/{found.asset_id}" if closed else None,
        )  # fmt: skip

    return routes
