"""HTTP: cases, what is said and done about them, and their files."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from libs.common.db.pool import PLUMBING, Connection
from libs.common.errors import Invalid, Missing
from libs.common.exact import Day
from libs.common.http import idempotency, paging
from libs.common.http.app import Cursor, IdempotencyKey, Limit, require
from libs.common.http.bodies import Body
from libs.common.refusals.noting import intake, noting
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.casefiles import build as casefile
from services.decommission.cases import chain, domain, store, usecases
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.executor import Executor
from services.decommission.refusals import OtherUnit
from services.decommission.units import store as units

Work = Callable[[Connection], Awaitable[Held]]
Act = Callable[[Request, Principal, str | None, Work], Awaitable[Response]]
READ_ALL = ("viewer", "operator", "approver", "auditor")
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


class Cases(BaseModel):
    """A page of cases, the newest first; ask again with `cursor=next`."""

    items: list[CaseListed]
    next: str | None


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


class AnswerIn(Body):
    """A unit's answer; a fix names the day by which it is done."""

    answer: Literal["keep", "fix", "close"]
    reason: Annotated[str, Text(1000, least=0, lines=True)] = ""
    until: Day | None = None


class Reason(Body):
    """Why."""

    reason: Annotated[str, Text(1000, lines=True)]


class Hold(Reason):
    """Why, and the last day on which the clock stands still; without a day until further notice.

    Of several holds of a case the longest counts. One release, which is a person's decision, ends them all.
    """

    until: Day | None = None


def _case(held: Held) -> Case:
    case = held.case
    return Case(**{name: getattr(case, name) for name in Case.model_fields})


def _entry(entry: chain.Entry) -> Entry:
    """An entry as it stands; where somebody has put something else in the place of its data, that is shown too."""
    data = entry.data if isinstance(entry.data, dict) else {"data": entry.data}
    return Entry(**entry.content() | {"sha256": entry.sha256, "data": data})


def router(ctx: Context, executor: Executor) -> APIRouter:
    """Cases."""
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"], route_class=noting(ctx.database))

    @routes.get("", summary="List cases 个案列表")
    async def cases(
        who: Annotated[Principal, require(*READ_ALL, "unit")],
        state: Annotated[str, Text(40)] | None = None,
        asset_id: UUID | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Cases:
        """All cases, or those in one state or of one asset, the newest first; `due_at` is when a case moves by itself.

        A unit's token reads the cases of assets for which its unit, or one below it, answers now.
        """
        begin = paging.place(cursor)
        async with ctx.database.reading() as conn:
            below = await units.reach(conn, who, READ_ALL)
            await PLUMBING.plan_for_values(conn)
            rows = QUERIES.case_list(
                conn,
                state=state,
                asset_id=asset_id,
                below=below,
                at=begin.at,
                which=begin.which,
                max_rows=limit + 1,
            )
            items = [CaseListed(**dict(row)) async for row in rows]
        shown, after = paging.cut(items, limit, lambda case: (case.opened_at, case.case_id))
        return Cases(items=shown, next=after)

    @routes.get("/{case_id}", summary="One case with its log 个案详情")
    async def case(case_id: UUID, who: Annotated[Principal, require(*READ_ALL, "unit")]) -> CaseWithLog:
        """Where it stands, the windows that are pinned to it, and every entry of its log with its hash.

        `fault` tells of a log that was altered: nothing is done on the strength of it. To a unit's token another
        unit's case is as one that does not exist.
        """
        async with ctx.database.reading() as conn:
            below = await units.reach(conn, who, READ_ALL)
            if below is not None and not await QUERIES.case_seen(conn, case_id=case_id, below=below):
                raise Missing(what=(f"个案 {case_id}", f"case {case_id}"))
            held, fault = await store.look(conn, case_id, ctx.zone, ctx.notary)
            named = await QUERIES.case_named(conn, asset_id=held.case.asset_id)
        log = [_entry(entry) for entry in held.log]
        windows = {name: getattr(held.case.windows, name) for name in held.case.windows.__dataclass_fields__}
        return CaseWithLog(
            **_case(held).model_dump(), log=log, windows=windows, held=held.progress.hold is not None,
            fault=fault, **(dict.fromkeys(Named.model_fields) if named is None else dict(named)),
        )  # fmt: skip

    async def act(request: Request, who: Principal, key: str | None, work: Work) -> Response:
        """One transaction: the answer given before under this key, or the work and its answer."""
        asked = request.url.path.encode() + b"\n" + await request.body()
        async with ctx.database.transaction("act_on_case") as conn:
            given = await idempotency.recall(conn, who.identity, key, asked)
            if given is not None:
                return Response(given[1], given[0], media_type="application/json")
            answer = _case(await work(conn)).model_dump_json().encode()
            await idempotency.keep(conn, who.identity, key, asked, status=200, answer=answer)
        executor.wake()
        return Response(answer, 200, media_type="application/json")

    @routes.post(
        "/{case_id}/answers",
        response_model=Case,
        summary="A unit's answer, or an operator's on its behalf 单位答复,或代为答复",
    )
    @intake("case_id")
    async def answer(
        case_id: UUID,
        body: AnswerIn,
        request: Request,
        who: Annotated[Principal, require("unit", "operator")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """`keep` ends the case, `fix` waits until the day that is named, `close` agrees. The first answer counts.

        A unit answers for itself and the units below it. What an operator answers on its behalf is marked so and
        leaves the unit its window.
        """
        given = domain.read_answer(body.model_dump(mode="json"), today=ctx.today())

        async def work(conn: Connection) -> Held:
            held = await ctx.hold(conn, case_id)
            own = False
            if "unit" in who.roles:
                subject = await ctx.subject(conn, held)
                own = await usecases.unit_may_speak(conn, who.scope, subject.sponsor_id)
            if not own and "operator" not in who.roles:
                raise OtherUnit
            if given.answer != "keep":
                await usecases.require_apart(conn, held, who)
            return await usecases.answered(ctx, conn, held, given, actor=who.identity, on_behalf=not own)

        return await act(request, who, idempotency_key, work)

    for path, kind, summary, told in NOTES:
        _add_note(routes, ctx, act, path, kind, summary, told)

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
        if body.until is not None and body.until < ctx.today():
            why = ("暂停的截止日已过", "the hold has ended already")
            raise Invalid(field="until", accepted=f"{ctx.today()} or later, or none", why=why)

        async def work(conn: Connection) -> Held:
            return await usecases.note(ctx, conn, case_id, "held", who=who, **body.model_dump())

        return await act(request, who, idempotency_key, work)

    @routes.get("/{case_id}/file", summary="The case file: chain, receipts, plan, signed head 案卷")
    async def file(case_id: UUID, _: Annotated[Principal, require("auditor")]) -> dict[str, Any]:
        """All that proves what was done and why, under a signed head; `jianfu case verify` checks it without a
        server.
        """
        return await _file(ctx, case_id)

    return routes


def _add_note(routes: APIRouter, ctx: Context, act: Act, path: str, kind: str, summary: str, told: str) -> None:
    @routes.post(f"/{{case_id}}/{path}", response_model=Case, summary=summary, description=told, name=path)
    async def note(
        case_id: UUID,
        body: Reason,
        request: Request,
        who: Annotated[Principal, require("operator")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        async def work(conn: Connection) -> Held:
            return await usecases.note(ctx, conn, case_id, kind, who=who, reason=body.reason)

        return await act(request, who, idempotency_key, work)


def _notice(row: Any) -> dict[str, Any]:
    public = json.loads(row["receipt_key"] or "null")
    key = None if row["thumbprint"] is None else store.to_key(row).named()
    signer = str(row["signer"])
    return {"body": row["body"], "receipt": row["receipt"], "unit_id": signer, "public_key": public, "key": key}


async def _file(ctx: Context, case_id: UUID) -> dict[str, Any]:
    async with ctx.database.reading() as conn:
        held = await ctx.hold(conn, case_id, lock=False)
        if not held.log:
            raise Missing(what=(f"个案 {case_id} 的日志", f"log of case {case_id}"))
        findings = [
            {"finding_id": str(row["finding_id"]), "evidence": json.loads(row["evidence"])}
            async for row in QUERIES.findings_of(conn, case_id=case_id)
        ]
        notices = [_notice(row) async for row in QUERIES.notices_of(conn, case_id=case_id)]
        plan_id = held.progress.plan_id
        plan = await QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
        approvals = [
            {"approver": row["approver"], "sha256": row["sha256"], "at": row["at"].isoformat()}
            async for row in QUERIES.approvals_of(conn, plan_id=UUID(plan_id))
        ] if plan_id else []  # fmt: skip
        named = {which for entry in held.log if entry.kind == "approved" for which in entry.data.get("mandates", ())}
        mandates = [
            json.loads(json.dumps(dict(row), default=str))
            async for row in QUERIES.mandates_all(conn, named=sorted(map(UUID, named)))
        ]
        archive = await QUERIES.archive_get(conn, case_id=case_id)
    case = json.loads(_case(held).model_dump_json(exclude={"due_at"}))  # when it is looked at next proves nothing
    return casefile.build(
        case,
        held.log,
        ctx.signing_key,
        findings=findings,
        notices=notices,
        plan=None if plan is None else {"content": plan["content"], "approvals": approvals, "mandates": mandates},
        archive=None
        if archive is None
        else {"sha256": archive["sha256"], "files": archive["files"], "checks": json.loads(archive["checks"])},
        windows=held.log[0].data.get("windows") or asdict(held.case.windows),
        exported_at=ctx.now(),
    )
