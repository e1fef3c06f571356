"""HTTP: the checkpoints, which everybody may read and keep."""

import json
from datetime import date
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.errors import Missing
from libs.common.exact import FIRST_DAY, Day
from libs.common.http.guards import public
from libs.common.http.paging import Limit, Page
from libs.common.text import Text
from services.decommission.checkpoints import store
from services.decommission.deps import Deps
from services.decommission.heads import store as head_store


class Checkpoint(BaseModel):
    """How the logs stood that had changed by the end of a day: `sha256` is the hash of its text, `signature` a JWS."""

    day: date
    sha256: str
    signature: str
    cases: int


class Checkpoints(Page[Checkpoint]):
    """A page of checkpoints; ask again with `cursor=next`."""


class CheckpointText(BaseModel):
    """A checkpoint with its text; the hash of `text` in UTF-8 is `sha256`, which is what the signature names."""

    day: date
    sha256: str
    signature: str
    content: dict[str, Any]
    text: str


def router(deps: Deps) -> APIRouter:
    """Checkpoints."""
    routes = APIRouter(prefix="/decommission/v1/checkpoints", tags=["public 公开"])

    @routes.get("", summary="Checkpoints of all logs 日志检查点")
    @public
    async def checkpoints(cursor: Day = FIRST_DAY, limit: Limit = 100) -> Checkpoints:
        """One per business day on which a log changed, oldest first. Whoever keeps them can find a rewritten log
        later.
        """
        async with deps.database.reading() as conn:
            rows = [dict(row) async for row in store.QUERIES.checkpoint_list(conn, after=cursor, max_rows=limit)]
        items = [Checkpoint(**row) for row in rows]
        return Checkpoints.of(items, limit, lambda last: last.day.isoformat())

    @routes.get("/{day}", summary="One checkpoint with its text 检查点详情")
    @public
    async def checkpoint(day: Day) -> CheckpointText:
        """The heads of the logs as they stood. The hash of `text` in UTF-8 is `sha256`, which the signature names."""
        async with deps.database.reading() as conn:
            row = await head_store.QUERIES.checkpoint_get(conn, day=day)
        if row is None:
            raise Missing(what=Text(f"{day} 的检查点", f"checkpoint of {day}"))
        return CheckpointText(
            day=day,
            sha256=row["sha256"],
            signature=row["signature"],
            text=row["content"],
            content=json.loads(row["content"]),
        )

    return routes
