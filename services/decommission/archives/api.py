"""HTTP: archive packages, as they were kept."""

from collections.abc import Iterator
from typing import IO, Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from libs.common.db.pool import Database
from libs.common.errors import Missing
from libs.common.http.guards import require
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.archives import store
from services.decommission.archives.domain import PackageDamaged
from services.decommission.archives.store import Archive, ArchiveFailed

CHUNK = 64 * 1024
ZIP = "application/zip"


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def router(database: Database, archive: Archive) -> APIRouter:
    """Archive packages."""
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"])

    @routes.get(
        "/{case_id}/package",
        summary="The archive package: a BagIt bag as a zip, the same bytes each time 归档包",
        response_class=StreamingResponse,
        responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def package(case_id: UUID, _: Annotated[Principal, require("auditor")]) -> StreamingResponse:
        """What was kept of the asset before it stopped, with a manifest of hashes. A damaged package is refused
        (409).
        """
        async with database.reading() as conn:
            if await store.QUERIES.archive_get(conn, case_id=case_id) is None:
                raise Missing(what=Text(f"个案 {case_id} 的归档包", f"package of case {case_id}"))
        try:
            stream = await archive.packed(case_id)
        except ArchiveFailed as error:
            raise PackageDamaged(why=str(error)) from None
        name = f'attachment; filename="{case_id}.zip"'
        return StreamingResponse(_chunks(stream), media_type=ZIP, headers={"Content-Disposition": name})

    return routes
