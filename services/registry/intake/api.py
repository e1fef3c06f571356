"""HTTP: what sources tell — events, files — and what the vanishing guard holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import DomainError, Invalid
from libs.common.events.structured import TAKEN
from libs.common.exact import AskedFlag, Day
from libs.common.http.app import IdempotencyKey, Limit, reads, refusal, require
from libs.common.http.front import MIB, bounded
from libs.common.http.problems import Problem, problems
from libs.common.refusals.noting import intake, note_part, noting
from libs.common.security.tokens import Principal
from libs.common.text import Text, quoted
from services.registry.assets import domain, releases, schemas, usecases
from services.registry.assets.domain import Policy
from services.registry.assets.store import QUERIES
from services.registry.imports import rows as csvrows
from services.registry.imports import run as imports
from services.registry.imports.report import OUTDATED, Answer, File
from services.registry.intake.cloudevents import BATCH, NoEvent, sent

NIL = UUID(int=0)
CSV = (
    "account,platform,department,language,url\n成都发布,微博,成都市人民政府办公厅,中文,https://weibo.com/chengdufabu\n"
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_BODY = {
    "requestBody": {
        "required": True,
        "description": "XLSX, or CSV with commas, tabs or semicolons in UTF-8, UTF-16 or, under a Chinese header, GBK"
        "(GBK 须用中文表头). Columns 列: account|name|账号名称, platform|平台, department|unit|主办单位, "
        "url|address|链接; optional 可选: 统一社会信用代码|uscc, language|语言, opened_on|开通日期, kind|类型, "
        "status|状态. Titles may stand above the header 表头之上可有标题行",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": CSV},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "responses": {
        "200": {
            "description": "报告 the report, or with `report=file` the file with a verdict on each row",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                XLSX: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
}


MOST_EVENTS = 100  # of one batch: each is a transaction of its own, and the caller waits for all of them
DATA = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in schemas.EVENTS.values()]
ONE = {"$ref": "#/components/schemas/CloudEvent"}
EVENTS_BODY = {
    "required": True,
    "description": "One event in structured mode, its data in binary mode, or a batch 结构化、二进制或批量模式",
    "content": {
        TAKEN: {"schema": ONE},
        BATCH: {"schema": {"type": "array", "items": ONE, "maxItems": MOST_EVENTS}},
        "application/json": {"schema": {"anyOf": [ONE, *DATA]}},
    },
}


class ImportsBusy(DomainError):
    """As many imports as may run at once are running already."""

    code = "imports_busy"
    kind = "busy"
    zh = "正在执行的导入已达 {most} 个,请稍后重试。"
    en = "{most} imports are under way; retry shortly."


class Turns:
    """How many imports are under way, and how many files of one caller are on their way here."""

    def __init__(self, at_once: int = 2, arriving: int = 4) -> None:
        self._at_once, self._arriving = at_once, arriving
        self._held: Counter[str] = Counter()

    @contextmanager
    def arriving(self, who: Principal) -> Iterator[None]:
        """Room in memory for a file. Raises ImportsBusy, before the file is read where it could not be imported."""
        if self._held[""] >= self._at_once:
            raise ImportsBusy(most=self._at_once)
        with self._one(who.identity, self._arriving):
            yield

    @contextmanager
    def importing(self) -> Iterator[None]:
        """A turn to import. Raises ImportsBusy."""
        with self._one("", self._at_once):
            yield

    @contextmanager
    def _one(self, of: str, most: int) -> Iterator[None]:
        if self._held[of] >= most:
            raise ImportsBusy(most=most)
        self._held[of] += 1
        try:
            yield
        finally:
            self._held[of] -= 1
            if not self._held[of]:
                del self._held[of]


def router(database: Database, clock: Clock, policy: Policy) -> APIRouter:
    """Events, imports and the guard."""
    routes = APIRouter(prefix="/registry/v1", route_class=noting(database))
    turns = Turns()

    async def take(one: schemas.CloudEvent, who: Principal) -> schemas.Outcome:
        told = schemas.EVENTS[one.type].model_validate(one.data)
        result = await usecases.take_in(
            database, told, who, source=one.source, event_id=one.id, now=clock.now(), policy=policy, tell_twins=True
        )
        warning = {"warning": f"platform_corrected: {result.what.platform}"} if result.what.corrected else {}
        if result.outcome == "outdated":
            said = f"outdated: {OUTDATED.zh} {OUTDATED.en}"
            return schemas.Outcome(outcome="unchanged", asset_id=result.asset_id, warning=said)
        return schemas.Outcome(outcome=result.outcome, asset_id=result.asset_id, **warning)

    async def judged(request: Request, who: Principal, index: int, one: Any, envelope: Any) -> schemas.EventVerdict:
        named = envelope.get("id") if isinstance(envelope, dict) else None
        place = {"index": index, "id": quoted(named, 200) if isinstance(named, str) else None}
        try:
            if isinstance(one, NoEvent):
                raise one
            return schemas.EventVerdict(**place, status=202, outcome=await take(one, who))
        except (DomainError, NoEvent) as error:
            await note_part(database, request, envelope, error)
            status, problem = await refusal(request, error)
            return schemas.EventVerdict(**place, status=status, problem=Problem(**problem))

    @routes.post(
        "/events",
        status_code=202,
        tags=["intake 接入"],
        summary="Lifecycle CloudEvents 生命周期事件",
        response_model_exclude_none=True,
        responses={
            207: {"model": schemas.EventVerdicts, "description": "批量:逐条结论 of a batch: a verdict for each event"}
        },
    )
    @intake()
    @bounded(MIB, media=BATCH)
    @reads(EVENTS_BODY, schemas.CloudEvent, *schemas.EVENTS.values())
    async def event(request: Request, who: Annotated[Principal, require("registrar", "unit")]) -> schemas.Outcome:
        """`asset.declared`, `asset.corrected` or `asset.delisted`, in the three modes of CloudEvents' HTTP binding.

        Structured: the whole event as application/cloudevents+json. Binary: the event's data as application/json, its
        attributes in headers `ce-id`, `ce-source`, `ce-type` …, percent-encoded where they are not ASCII. Batch: up to
        100 events in 1 MiB as application/cloudevents-batch+json, answered by 207 with a verdict for each; each is
        taken or refused for itself. `subject` and `time` may be absent: the data says what an event is about.

        The same event again gets the same answer. A removal makes an asset `gone`, never closed; where a source loses
        too many within a day it is `held` for a person. A `duplicate` names the twin and changes nothing.
        """
        came = sent(request.headers.raw, await request.body())
        if not came.batch:
            one = next(iter(came.events(schemas.CloudEvent)))
            if isinstance(one, NoEvent):
                raise one
            return await take(one, who)
        if len(came.envelopes) > MOST_EVENTS:
            why = (f"一批最多 {MOST_EVENTS} 个事件", f"a batch has at most {MOST_EVENTS} events")
            raise Invalid(field="body", accepted=f"at most {MOST_EVENTS} events", why=why)
        items = [
            await judged(request, who, index, one, envelope)
            for index, (one, envelope) in enumerate(zip(came.events(schemas.CloudEvent), came.envelopes, strict=True))
        ]
        told = schemas.EventVerdicts(items=items).model_dump_json(exclude_unset=True)
        return Response(told, 207, media_type="application/json")  # type: ignore[return-value]

    @routes.post(
        "/imports",
        tags=["intake 接入"],
        summary="Import a source's list, CSV or XLSX 导入名录",
        response_model=schemas.ImportReport,
        openapi_extra=FILE_BODY,
        responses=problems(429),
    )
    @bounded(csvrows.MAX_BYTES)
    async def import_file(
        request: Request,
        who: Annotated[Principal, require("registrar")],
        source: Annotated[str, Text(100), Query(description="来源 whose list it is")],
        on: Annotated[Day, Query(description="名录日期 the day the list is of")],
        mode: Annotated[Literal["dry-run", "apply"], Query(description="试运行或执行")] = "dry-run",
        complete: Annotated[
            AskedFlag, Query(description="完整名录:缺少的视为消失 the whole list: what it lacks is gone")
        ] = False,
        unit_scheme: Annotated[str, Text(40), Query(description="单位代码体系")] = "name",
        report: Annotated[
            Answer, Query(description="全部、仅问题行,或附结论的原文件 all, problems only, or the file with verdicts")
        ] = "all",
        allow_unknown_platforms: Annotated[
            AskedFlag, Query(description="准许未知平台 take rows of platforms that nobody knows")
        ] = False,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """A verdict per row, of at most 200,000; a bad row stops no other. `dry-run` says what `apply` would do and
        writes nothing.

        Applied again, a finished import changes nothing and one that was cut off is completed. What a complete file
        lacks, and what any file calls closed (状态 已注销, 已关停), is `gone`, unless it is more than the guard allows:
        then all of it is `held`. It lacks assets of the kinds that it lists: a list of accounts says nothing of apps.
        Two imports run at once; another gets 429, to be sent again after `Retry-After` seconds. Who hangs up stops the
        import between chunks. With `report=file` the answer is the file, a workbook as XLSX and all else as CSV, with
        a verdict before each row, to be corrected and sent again as it is. A platform that nobody knows is remarked on
        in a dry run; its rows are applied only with `allow_unknown_platforms=true`.
        """
        with turns.arriving(who):
            content = await request.body()
        file = File(content, source, on, unit_scheme, complete, report, allow_unknown_platforms)
        with turns.importing():
            try:
                answer = await imports.run(
                    database,
                    file,
                    who,
                    apply=mode == "apply",
                    now=clock.now(),
                    policy=policy,
                    key=idempotency_key,
                    gone=request.is_disconnected,
                )
            except imports.CallerGone:
                return Response(status_code=499)  # nobody is left to read it
        if report == "file":
            form, name = (XLSX, "verdicts.xlsx") if file.is_workbook else ("text/csv; charset=utf-8", "verdicts.csv")
            return Response(answer, media_type=form, headers={"Content-Disposition": f'attachment; filename="{name}"'})
        return Response(answer, media_type="application/json")

    @routes.get(
        "/guard/held",
        tags=["guard 消失防护"],
        summary="Disappearances held for a person 待人工确认的消失",
    )
    async def held(
        _: Annotated[Principal, require("operator", "registrar", "viewer", "auditor")],
        source: Annotated[str, Text(100)] | None = None,
        day: Annotated[Day | None, Query(description="被暂存之日 the business day since which it is held")] = None,
        cursor: UUID = NIL,
        limit: Limit = 100,
    ) -> schemas.HeldPage:
        """What would have made more of a source's assets vanish within a day than its limit allows."""
        during = None if day is None else releases.span(day, policy)
        since, until = (None, None) if during is None else (during.since, during.until)
        listed = None if source is None else domain.clean("source", source)
        async with database.reading() as conn:
            rows = QUERIES.disappearances_held(
                conn, source=listed, since=since, until=until, after=cursor, max_rows=limit
            )
            items = [schemas.Held(**dict(row)) async for row in rows]
        return schemas.HeldPage(items=items, next=str(items[-1].disappearance_id) if len(items) == limit else None)

    @routes.post(
        "/guard/held",
        tags=["guard 消失防护"],
        summary="Decide all that is held of a source since one day 按来源和日期一并处理",
    )
    async def decide_day(
        body: schemas.DayDecision, request: Request, who: Annotated[Principal, require("operator")]
    ) -> schemas.DayDecided:
        """In pages of 200, each in a transaction of its own, up to 5,000 by one call; `left` says how many still wait.

        Sent again it decides what is left, and nothing twice.
        """
        released = await releases.decide_day(
            database,
            body.source,
            body.day,
            go=body.decision == "apply",
            reason=body.reason,
            actor=who.subject,
            now=clock.now(),
            policy=policy,
            gone=request.is_disconnected,
        )
        gone, unchanged = released.outcomes["gone"], released.outcomes["unchanged"]
        return schemas.DayDecided(decided=gone + unchanged, gone=gone, unchanged=unchanged, left=released.left)

    @routes.post(
        "/guard/held/{disappearance_id}",
        tags=["guard 消失防护"],
        summary="Let one happen or drop it 确认或忽略",
        response_model_exclude_none=True,
    )
    async def decide(
        disappearance_id: UUID, body: schemas.Decision, who: Annotated[Principal, require("operator")]
    ) -> schemas.Outcome:
        """The same decision again gets the same answer; the other one is refused with 409 `already_decided`."""
        result = await usecases.decide_held(
            database,
            disappearance_id,
            go=body.decision == "apply",
            reason=body.reason,
            actor=who.subject,
            now=clock.now(),
        )
        return schemas.Outcome(outcome=result.outcome, asset_id=result.asset_id)

    return routes
