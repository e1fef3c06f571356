"""HTTP: usage delivered by agents."""

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.common.db.pool import Database
from libs.common.errors import Invalid
from libs.common.http.bodies import Body
from libs.common.http.front import MIB
from libs.common.http.guards import bounded, require
from libs.common.http.idempotency import IdempotencyKey
from libs.common.refusals import store as refusal_store
from libs.common.refusals.noting import intake, noting
from libs.common.refusals.store import Record, Refusal
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.monitor.admissions.usecases import Gate
from services.monitor.signals.catalogue import GAUGES
from services.monitor.usage import fold, usecases

MAX_ROWS = 10_000
NOTED = 100  # refused records of one request that are kept for the sender to read; its answer names all
MAX_COMMAS = 20 * MAX_ROWS  # a record has nine fields at most; counted first, or two bytes would make an object
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # errors that untrusted bytes may raise


class UsageRecord(Body):
    """A count (`ts`, `count`, `user`), a gauge (`ts`, `value`), or a folded day (`day`, `count`, `sketch`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_id": "7b0e4b1c-0f3e-5a55-9d6b-1f2f8c1f7a10",
                    "measure": "posts",
                    "ts": 1790000000000,
                    "count": 1,
                },
                {
                    "asset_id": "7b0e4b1c-0f3e-5a55-9d6b-1f2f8c1f7a10",
                    "measure": "followers",
                    "ts": 1790000000000,
                    "value": 812,
                },
            ]
        }
    )

    asset_id: UUID
    measure: str = Field(description=f"posts, views, … or a gauge: {', '.join(GAUGES)}")
    ts: int | None = Field(None, description="milliseconds since 1970")
    count: int = 1
    user: str | None = Field(None, description="opaque; goes into a sketch of distinct users and is not kept")
    value: int | None = Field(None, description="the reading of a gauge")
    day: date | None = Field(None, description="for a record folded at the source")
    sketch: str | None = Field(None, description="base64 of an Apache DataSketches HLL sketch")
    records: int = Field(1, description="how many records a folded one stands for")


class Usage(Body):
    """Usage of one source, up to 10,000 records."""

    source: str
    records: list[UsageRecord]


class RowVerdict(BaseModel):
    row: int
    verdict: str = Field(description="accepted or refused")
    detail: str | None = None


class Delivered(BaseModel):
    accepted: int
    refused: int
    unknown_assets: int = Field(
        description="assets of accepted records that are not in the register, or not yet: 登记中(尚)没有的对象数"
    )
    unknown_asset_ids: list[UUID] = Field(description="the first ten of those")
    rows: list[RowVerdict] = Field(description="one verdict per record, in the order sent")


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    records: list[msgspec.Raw]


def router(database: Database, calendar: fold.Calendar, gate: Gate) -> APIRouter:
    """Usage over HTTP."""
    routes = APIRouter(prefix="/monitor/v1", tags=["intake 接入"], route_class=noting(database))

    @routes.post(
        "/usage",
        status_code=202,
        summary="Deliver usage 报送使用量",
        response_model=Delivered,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _schema()}}}},
    )
    @intake("source")
    @bounded(8 * MIB)
    async def deliver(
        request: Request,
        principal: Annotated[Principal, require("agent")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Up to 10,000 records of one source in 8 MiB; each is counted or refused for itself, with a reason.

        Send an `Idempotency-Key`: the same delivery again under it counts once and gets the same answer. Users are
        counted in sketches; what names one is not kept.
        """
        body = await request.body()
        if body.count(b",") > MAX_COMMAS:
            raise _too_many()
        try:
            sent = msgspec.json.decode(body, type=_Body)
        except UNREADABLE as error:
            why = Text("须为含 source 和 records 的 JSON 对象,不得有其他字段", _plain(error))
            raise Invalid(field="body", accepted='{"source": …, "records": […]}', why=why) from None
        if len(sent.records) > MAX_ROWS:
            raise _too_many()
        voice = (await gate.roll()).require(principal.identity, principal.sources, sent.source)
        folded = fold.Fold(calendar)
        of_source = (_with_source(raw, sent.source) for raw in sent.records)
        reasons = dict(folded.add_all(of_source, voice))
        rows = [
            RowVerdict(row=row, verdict="refused" if row in reasons else "accepted", detail=reasons.get(row))
            for row in range(len(sent.records))
        ]
        result = folded.result()
        unknown = await usecases.unknown_assets(database, result)
        delivered = Delivered(
            accepted=folded.records,
            refused=len(reasons),
            unknown_assets=len(unknown),
            unknown_asset_ids=unknown[:10],
            rows=rows,
        )
        answer = delivered.model_dump_json().encode()
        path, sender = f"POST {request.url.path}", refusal_store.sender(principal)
        named = idempotency_key or sent.source
        noted = [
            (Record(path, f"{named}/records.{row}"), Refusal.by_field("malformed", reason))
            for row, reason in list(reasons.items())[:NOTED]
        ]
        answer = await usecases.deliver_usage(
            database, principal.subject, idempotency_key, body, result, answer, sender=sender, refused=noted
        )
        return Response(answer, 202, media_type="application/json")

    return routes


def _plain(error: Exception) -> str:
    """Why a body cannot be read, in words that never quote it."""
    if isinstance(error, msgspec.ValidationError):
        return re.sub(r"`\$\.?", "`", str(error))
    return f"not JSON: {error}" if isinstance(error, msgspec.DecodeError) else "not JSON in UTF-8"


def _too_many() -> Invalid:
    return Invalid(field="records", accepted=f"at most {MAX_ROWS}", why=Text("记录过多", "too many records"))


def _schema() -> dict[str, Any]:
    """The body as the API documents it; it is read row by row, so that one bad record refuses itself alone."""
    schema = Usage.model_json_schema()
    schema["properties"]["records"]["items"] = schema.pop("$defs")["UsageRecord"]
    return schema


def _with_source(raw: msgspec.Raw, source: str) -> bytes | None:
    """A record as it would stand on the usage topic, so that both ways in fold alike."""
    try:
        record: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    except UNREADABLE:
        return None
    return msgspec.json.encode(
        {name: value for name, value in record.items() if value is not None} | {"source": source}
    )
