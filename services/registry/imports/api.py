"""HTTP: a source's list as a file."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import DomainError
from libs.common.exact import AskedFlag, Day
from libs.common.http.guards import bounded, require
from libs.common.http.idempotency import IdempotencyKey
from libs.common.http.problems import problems
from libs.common.refusals.noting import noting
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.registry.assets.domain import Policy
from services.registry.imports import schemas, usecases
from services.registry.imports.files import MAX_BYTES, Answer, File, format_of
from services.registry.imports.jobs import FORMATS

CSV = (
    "account,platform,department,language,url\n成都发布,微博,成都市人民政府办公厅,中文,https://weibo.com/chengdufabu\n"
)
MEDIA = {
    form.media.partition(";")[0]: {"schema": {"type": "string"} | ({"format": "binary"} if form.binary else {})}
    for form in FORMATS
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "XLSX, or CSV with commas, tabs or semicolons in UTF-8, UTF-16 or, under a Chinese header, GBK"
        "(GBK 须用中文表头). Columns 列: account|name|账号名称, platform|平台, department|unit|主办单位, "
        "url|address|链接; optional 可选: 统一社会信用代码|uscc, language|语言, opened_on|开通日期, kind|类型, "
        "status|状态. Titles may stand above the header 表头之上可有标题行",
        "content": MEDIA | {"text/csv": MEDIA["text/csv"] | {"example": CSV}},
    },
    "responses": {
        "200": {
            "description": "报告 the report, or with `report=file` the file with a verdict on each row",
            "content": MEDIA,
        }
    },
}


class ImportsBusy(DomainError):
    """As many imports as may run at once are running already."""

    code = "imports_busy"
    kind = "busy"
    says = Text("正在执行的导入已达 {most} 个,请稍后重试。", "{most} imports are under way; retry shortly.")


class Turns:
    """How many imports are under way, and how many files of one caller are on their way here."""

    def __init__(self, at_once: int = 2, arriving: int = 4) -> None:
        self._at_once, self._arriving = at_once, arriving
        self._taken: Counter[str] = Counter()

    @contextmanager
    def arriving(self, who: Principal) -> Iterator[None]:
        """Room in memory for a file. Raises ImportsBusy, before the file is read where it could not be imported."""
        if self._taken[""] >= self._at_once:
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
        if self._taken[of] >= most:
            raise ImportsBusy(most=most)
        self._taken[of] += 1
        try:
            yield
        finally:
            self._taken[of] -= 1
            if not self._taken[of]:
                del self._taken[of]


def router(database: Database, clock: Clock, policy: Policy) -> APIRouter:
    """Imports."""
    routes = APIRouter(prefix="/registry/v1", tags=["intake 接入"], route_class=noting(database))
    turns = Turns()

    @routes.post(
        "/imports",
        summary="Import a source's list, CSV or XLSX 导入名录",
        response_model=schemas.ImportReport,
        openapi_extra=FILE_BODY,
        responses=problems(429),
    )
    @bounded(MAX_BYTES)
    async def import_file(
        request: Request,
        who: Annotated[Principal, require("registrar")],
        source: Annotated[str, Plain(100), Query(description="来源 whose list it is")],
        on: Annotated[Day, Query(description="名录日期 the day the list is of")],
        mode: Annotated[Literal["dry-run", "apply"], Query(description="试运行或执行")] = "dry-run",
        complete: Annotated[
            AskedFlag, Query(description="完整名录:缺少的视为消失 the whole list: what it lacks is gone")
        ] = False,
        unit_scheme: Annotated[str, Plain(40), Query(description="单位代码体系")] = "name",
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
        file = File(
            content=content,
            source=source,
            on=on,
            unit_scheme=unit_scheme,
            complete=complete,
            answer=report,
            allow_unknown_platforms=allow_unknown_platforms,
        )
        with turns.importing():
            try:
                answer = await usecases.run(
                    database,
                    file,
                    who,
                    formats=FORMATS,
                    apply=mode == "apply",
                    now=clock.now(),
                    policy=policy,
                    key=idempotency_key,
                    gone=request.is_disconnected,
                )
            except usecases.CallerGone:
                return Response(status_code=499)  # the client has hung up
        if report == "file":
            form = format_of(content, FORMATS)
            headers = {"Content-Disposition": f'attachment; filename="verdicts.{form.suffix}"'}
            return Response(answer, media_type=form.media, headers=headers)
        return Response(answer, media_type="application/json")

    return routes
