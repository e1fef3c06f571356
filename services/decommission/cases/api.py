"""HTTP: cases, what is said and done about them, and their files."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.errors import Invalid, Missing
from libs.common.exact import Day
from libs.common.http import idempotency, paging
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.http.idempotency import IdempotencyKey
from libs.common.http.paging import Cursor, Limit, Page
from libs.common.refusals.noting import noting
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.cases import chain, store, usecases
from services.decommission.deps import Deps
from services.decommission.units import store as unit_store

Work = Callable[[Connection], Awaitable[store.Case]]
Act = Callable[[Request, Principal, str | None, Work], Awaitable[Response]]
# What an operator does by a word alone: path, entry of the log, summary, description.
NOTES = (
    ("release", "released", "End a hold 解除暂停", "All holds of the case end, and its clock goes on."),
    ("cancel", "cancelled", "Cancel and undo 撤销", "The case ends; what was already stopped is brought back whole."),
    (
        "restore",
        "restore_asked",
        "Bring a stopped asset back 恢复",
        "Possible until it is disposed of. The order goes out within seconds, before all other work.",
    ),
    (
        "resume",
        "resumed",
        "Let the machine go on after a person looked 人工处理后继续",
        "For a case that waits for a person: what stood in its way was looked at, and it is tried again.",
    ),
)


class Case(BaseModel):
    """Where a case stands; `due_at` is when it moves by itself."""

    case_id: UUID
    asset_id: UUID
    ordinal: int
    finding_id: UUID
    rule: str
    state: str
    version: int
    due_at: datetime | None
    opened_at: datetime


class Named(BaseModel):
    """How an asset and its unit are called now; null for what the registry has not told of."""

    name: str | None
    platform: str | None
    address: str | None
    unit_id: UUID | None
    unit_name: str | None


class CaseListed(Case, Named):
    """A case with what it is about."""


class Cases(Page[CaseListed]):
    """A page of cases, the newest first; ask again with `cursor=next`."""


class Entry(BaseModel):
    """One entry of a case's log."""

    seq: int
    at: datetime
    actor: str
    kind: str
    data: dict[str, Any]
    sha256: str


class CaseWithLog(CaseListed):
    """A case with all that happened to it; `fault` is what is wrong with its log, on which then nothing rests."""

    held: bool
    fault: str | None = None
    windows: dict[str, int]
    log: list[Entry]


class Reason(Body):
    """Why."""

    reason: Annotated[str, Plain(1000, lines=True)]


class Hold(Reason):
    """Why, and the last day on which the clock stands still; without a day until further notice.

    Of several holds of a case the longest counts. One release, which is a person's decision, ends them all.
    """

    until: Day | None = None


def shown(case: store.Case) -> Case:
    """A case as it is shown."""
    return Case(**{name: getattr(case.row, name) for name in Case.model_fields})


def _entry(entry: chain.Entry) -> Entry:
    """An entry as it stands; where somebody has put something else in the place of its data, that is shown too."""
    data = entry.data if isinstance(entry.data, dict) else {"data": entry.data}
    return Entry(**entry.content() | {"sha256": entry.sha256, "data": data})


def acting(deps: Deps, wake: Callable[[], None]) -> Act:
    """How a person's act on a case is carried out; `wake` tells the executor that something may be due."""

    async def act(request: Request, who: Principal, key: str | None, work: Work) -> Response:
        """One transaction: the answer given before under this key, or the work and its answer."""
        asked = request.url.path.encode() + b"\n" + await request.body()
        async with deps.database.transaction("act_on_case") as conn:
            given = await idempotency.recall(conn, who.identity, key, asked)
            if given is not None:
                return Response(given[1], given[0], media_type="application/json")
            answer = shown(await work(conn)).model_dump_json().encode()
            await idempotency.keep(conn, who.identity, key, asked, status=200, answer=answer)
        wake()
        return Response(answer, 200, media_type="application/json")

    return act


def router(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """Cases."""
    act = acting(deps, wake)
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"], route_class=noting(deps.database))

    @routes.get("", summary="List cases 个案列表")
    async def cases(
        who: Annotated[Principal, require(*READERS, "unit")],
        state: Annotated[str, Plain(40)] | None = None,
        asset_id: UUID | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Cases:
        """All cases, or those in one state or of one asset, the newest first; `due_at` is when a case moves by itself.

        A unit's token reads the cases of assets for which its unit, or one below it, answers now.
        """
        begin = paging.place(cursor)
        async with deps.database.reading() as conn:
            below = await unit_store.reach(conn, who, READERS)
            await PLUMBING.plan_for_values(conn)
            rows = store.QUERIES.case_list(
                conn,
                state=state,
                asset_id=asset_id,
                below=below,
                at=begin.at,
                which=begin.which,
                max_rows=limit + 1,
            )
            items = [CaseListed(**dict(row)) async for row in rows]
        page, after = paging.cut(items, limit, lambda case: (case.opened_at, case.case_id))
        return Cases(items=page, next=after)

    @routes.get("/{case_id}", summary="One case with its log 个案详情")
    async def case(case_id: UUID, who: Annotated[Principal, require(*READERS, "unit")]) -> CaseWithLog:
        """Where it stands, the windows that are pinned to it, and every entry of its log with its hash.

        `fault` tells of a log that was altered: nothing is done on the strength of it. To a unit's token another
        unit's case is as one that does not exist.
        """
        async with deps.database.reading() as conn:
            below = await unit_store.reach(conn, who, READERS)
            if below is not None and not await store.QUERIES.case_seen(conn, case_id=case_id, below=below):
                raise Missing(what=Text(f"个案 {case_id}", f"case {case_id}"))
            found, problem = await store.look(conn, case_id, deps.zone, deps.notary)
            named = await store.QUERIES.case_named(conn, asset_id=found.row.asset_id)
        log = [_entry(entry) for entry in found.log]
        windows = asdict(found.row.windows)
        return CaseWithLog(
            **shown(found).model_dump(),
            log=log,
            windows=windows,
            held=found.progress.hold is not None,
            fault=problem,
            **(dict.fromkeys(Named.model_fields) if named is None else dict(named)),
        )

    for path, kind, summary, description in NOTES:
        _add_note(routes, deps, act, path, kind, summary, description)

    @routes.post("/{case_id}/hold", response_model=Case, summary="Stop a case's clock 暂停")
    async def hold(
        case_id: UUID,
        body: Hold,
        request: Request,
        who: Annotated[Principal, require("operator")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Until the day that is named, or until further notice. Of several holds the longest counts; one release ends
        all.
        """
        if body.until is not None and body.until < deps.today():
            why = Text("暂停的截止日已过", "the hold has ended already")
            raise Invalid(field="until", accepted=f"{deps.today()} or later, or none", why=why)

        async def work(conn: Connection) -> store.Case:
            return await usecases.note(deps, conn, case_id, "held", who=who, **body.model_dump())

        return await act(request, who, idempotency_key, work)

    return routes


def _add_note(routes: APIRouter, deps: Deps, act: Act, path: str, kind: str, summary: str, description: str) -> None:
    @routes.post(f"/{{case_id}}/{path}", response_model=Case, summary=summary, description=description, name=path)
    async def note(
        case_id: UUID,
        body: Reason,
        request: Request,
        who: Annotated[Principal, require("operator")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        async def work(conn: Connection) -> store.Case:
            return await usecases.note(deps, conn, case_id, kind, who=who, reason=body.reason)

        return await act(request, who, idempotency_key, work)
