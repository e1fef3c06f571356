"""HTTP: what is refused on its way in is noted, and every sender reads what was refused of its own."""

import json
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, ValidationError

from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.errors import DomainError
from libs.common.exact import AskedWhole
from libs.common.http.bodies import faults, listed
from libs.common.http.guards import require
from libs.common.http.paging import Limit, Page
from libs.common.refusals import store as refusal_store
from libs.common.refusals.store import Record, Refusal
from libs.common.security.roles import OVERSEERS, SENDERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain

log = structlog.get_logger()
PASSING = frozenset({"busy", "unavailable"})  # kinds of errors that say nothing of what was sent


def intake(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a route whose refusals its callers may read. A record without an id of its own goes by these fields."""

    def mark(route: Callable[..., Any]) -> Callable[..., Any]:
        route.intake = names  # type: ignore[attr-defined]
        return route

    return mark


def noting(database: Database) -> type[APIRoute]:
    """The class of routes that note what is refused, where they are marked as `intake`."""

    class Noting(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            names = getattr(self.endpoint, "intake", None)
            if names is None:
                return handle

            async def noted(request: Request) -> Response:
                try:
                    return await handle(request)
                except (DomainError, RequestValidationError, ValidationError) as error:
                    if (refusal := _refusal(request, error)) is not None:
                        await _note(database, request, names, refusal)
                    raise

            return noted

    return Noting


def _refusal(request: Request, error: Exception) -> Refusal | None:
    """Why the caller was refused; None where the fault is not his, or passes by itself."""
    if isinstance(error, RequestValidationError):
        found = [{**fault, "loc": fault["loc"][1:] or fault["loc"]} for fault in error.errors()]
        field = getattr(request.scope.get("route"), "body_field", None)
        told = faults(found, None if field is None else field.field_info.annotation)
        return Refusal("invalid", listed(told), tuple(told))
    if isinstance(error, ValidationError) and error.title in request.app.state.answers:
        return None
    if isinstance(error, DomainError) and error.kind in PASSING:
        return None
    return Refusal.of(error)


async def note_part(database: Database, request: Request, part: Any, error: Exception) -> None:
    """Note why one of several records that came in one request was refused; `part` is the record as it was sent."""
    if (refusal := _refusal(request, error)) is not None:
        body = part if isinstance(part, dict) else {}
        record = Record(
            f"{request.method} {request.url.path}", refusal_store.told(body, "id"), refusal_store.told(body, "type")
        )
        await _keep(database, request, record, refusal)


async def _note(database: Database, request: Request, names: tuple[str, ...], refusal: Refusal) -> None:
    await _keep(database, request, named(request, await request.body(), names), refusal)


async def _keep(database: Database, request: Request, record: Record, refusal: Refusal) -> None:
    who = request.app.state.authenticator.principal(request.headers.get("authorization"))
    try:
        async with database.transaction("note_refusal") as conn:
            await refusal_store.add(conn, refusal_store.sender(who), record, refusal)
    except UNAVAILABLE as error:  # the answer says why it was refused all the same
        log.warning("refusal-not-noted", error=f"{type(error).__name__}: {error}")


def named(request: Request, raw: bytes, names: tuple[str, ...]) -> Record:
    """What was sent, by the id that its sender gave it."""
    headers, body = request.headers, refusal_store.body_of(raw)
    own = headers.get("ce-id") or (refusal_store.told(body, "id") if "specversion" in body else None)
    found = [refusal_store.told(body, name) or request.path_params.get(name) for name in names]
    given = "/".join(str(part) for part in found) if found and all(found) else None
    kind = headers.get("ce-type") or (refusal_store.told(body, "type") if "specversion" in body else None)
    return Record(f"{request.method} {request.url.path}", own or headers.get("idempotency-key") or given, kind)


class Accepted(BaseModel):
    """A field at fault, and what would be accepted there in both languages."""

    field: str
    accepted: dict[str, str]


class Refused(BaseModel):
    """A record that was refused, and why. Mended it may be sent again under the same id."""

    refusal_id: int
    at: datetime
    sender: str
    way: Literal["kafka", "http"]
    place: str = Field(description="topic/partition/offset, or method and path 主题/分区/偏移,或方法与路径")
    record_id: str | None = Field(description="the id that its sender gave it 发送方给出的编号")
    record_type: str | None
    code: str
    texts: dict[str, str]
    errors: list[Accepted]
    state: Literal["dead", "replayed", "discarded", "parked"] | None = Field(
        description="what became of its dead letter; null over HTTP 死信的处理情况"
    )


class SetAside(BaseModel):
    """A topic on which the sender is set aside: what it sends waits, unjudged, until an operator releases it."""

    topic: str
    since: datetime
    code: str
    reason: str


class RefusedPage(Page[Refused]):
    """What was refused, the newest first; ask again with `cursor=next`."""

    set_aside: list[SetAside] = Field(description="where the caller itself is set aside 调用者被搁置的主题")


def router(service: str, database: Database) -> APIRouter:
    """Refusals of one service."""
    routes = APIRouter(prefix=f"/{service}/v1", tags=["intake 接入"])

    @routes.get("/refusals", summary="What was refused of your own, the newest first 本方被拒收的记录")
    async def refused(
        who: Annotated[Principal, require(*SENDERS, *OVERSEERS)],
        sender: Annotated[
            Annotated[str, Plain(600)] | None,
            Query(description="issuer|subject,供运行与审计 for operators and auditors"),
        ] = None,
        cursor: Annotated[AskedWhole | None, Query(ge=1)] = None,
        limit: Limit = 100,
    ) -> RefusedPage:
        """By Kafka and by HTTP, the last thousand of a sender within 90 days: of the `iss` and `sub` of its token.

        Who speaks for somebody also reads what was refused of others that spoke for the very same, and no more.
        """
        own = refusal_store.sender(who)
        everything = bool(who.roles & set(OVERSEERS))
        async with database.reading() as conn:
            rows = PLUMBING.refusals_of(
                conn,
                everything=everything,
                sender=sender if everything else own.name,
                scope=None if everything else own.scope,
                before=cursor,
                max_rows=limit,
            )
            items = [_shown(row) async for row in rows]
            aside = [SetAside(**row) async for row in PLUMBING.aside_own(conn, sender=own.name)]
        after = str(items[-1].refusal_id) if len(items) == limit else None
        return RefusedPage(items=items, next=after, set_aside=aside)

    return routes


def _shown(row: Any) -> Refused:
    errors = [
        Accepted(field=fault["field"], accepted={"zh": fault["zh"], "en": fault["en"]})
        for fault in json.loads(row["faults"])
    ]
    texts = {"zh": row["text_zh"], "en": row["text_en"]}
    fields = {name: row[name] for name in Refused.model_fields if name not in ("texts", "errors")}
    return Refused(**fields, texts=texts, errors=errors)
