"""HTTP for everybody, without a token: closures that were announced."""

from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, JsonValue

from libs.common import pages as common
from libs.common.web import Limit, public
from services.decommission import announcements, pages
from services.decommission.context import Context

NIL = UUID(int=0)
EXAMPLE: dict[str, JsonValue] = {
    "case_id": "5d3f6c9e-9f0e-5a3e-8a55-0b8f5f8f9c11",
    "asset_id": "8e8ba1b0-65d3-5b1c-a1f5-5cf1b7b1a2c4",
    "name": "示例发布",
    "platform": "weibo",
    "address": "https://weibo.com/example",
    "unit_id": "2f0a9f4e-8f0e-5c36-9d57-6d0f4e0f7a11",
    "unit_code": "cn-uscc:11350700004000000H",
    "unit_name": "示例县人民政府",
    "rule": "C15",
    "why": {
        "title": "僵尸账号(超过90天未更新) / Zombie account (no update for more than 90 days)",
        "basis": "国办发〔2018〕123号:确属无力维护的坚决关停 / 2018 No. 123 - close what cannot be kept up",
        "label": "FOUND",
        "pack": "cn-accounts",
        "pack_version": "1.0.1",
        "when": "days_since_post > 90 or days_observed_silent > 90",
    },
    "data": {"announced_on": "2025-09-01", "stop_not_before": "2025-10-01"},
    "state": "announced",
    "next": {"zh": "2025-10-01 之前不会停用。", "en": "Nothing is stopped before 2025-10-01."},
    "tombstone": None,
}


class Rule(BaseModel):
    """The rule in words, its basis and label, as the version of the pack that judged by it has them."""

    title: str | None
    basis: str
    label: str
    pack: str
    pack_version: str
    when: str


class Next(BaseModel):
    """What comes next, in both languages."""

    zh: str
    en: str


class Announcement(BaseModel):
    """One closure that was announced; `why` and `data` are null while the record of its case is in doubt."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    case_id: UUID
    asset_id: UUID
    name: str
    platform: str
    address: str
    unit_id: UUID
    unit_code: str | None
    unit_name: str | None
    rule: str
    why: Rule | None
    data: dict[str, Any] | None
    state: Literal["announced", "withdrawn", "closed", "restored", "in_doubt"]
    next: Next
    tombstone: str | None


class Announcements(BaseModel):
    """A page of announcements; ask again with `cursor=next`."""

    items: list[Announcement]
    next: UUID | None


def router(ctx: Context) -> APIRouter:
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
        async with ctx.database.reading() as conn:
            items, after = await announcements.page(ctx, conn, after=cursor, most=limit)
        if common.wanted(request):
            return pages.announcements(items, after=after)
        return _json({"items": [asdict(item) for item in items], "next": after})

    @routes.get(
        "/announcements/{case_id}",
        summary="One closure that was announced 单项关停公告",
        response_model=Announcement,
        responses=common.PAGE,
    )
    @public
    async def single(case_id: UUID, request: Request) -> Response:
        """Why it is closed, whose it is, not before which day, and what comes next, as the list tells it."""
        async with ctx.database.reading() as conn:
            item = await announcements.one(ctx, conn, case_id)
        return pages.announcements([item], single=True) if common.wanted(request) else _json(asdict(item))

    return routes


def _json(body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(jsonable_encoder(body), headers={"Vary": "Accept"})
