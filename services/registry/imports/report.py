"""A file that is imported and the report on it: a verdict per row, and per asset that the file lacks. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from libs.common.ids import derive
from libs.common.security.signing import sha256
from services.registry.imports.rows import Remark, Row

Answer = Literal["all", "problems", "file"]
WORKBOOK = b"PK\x03\x04"  # how XLSX, a ZIP archive, begins
VERDICT = {
    "registered": "added", "restored": "restored", "amended": "amended", "unchanged": "unchanged",
    "outdated": "unchanged",
}  # fmt: skip
VERDICTS = ("added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held")
PROBLEMS = frozenset({"duplicate", "refused", "gone", "held"})
FINISHED = Remark(
    "already_imported", None, "该文件已按同一日期导入过,未作更改",
    "this file was imported before for the same day: nothing is done",
)  # fmt: skip
OUTDATED = Remark(
    "outdated", None, "来源已就更晚的日期申报过,未作更改", "the source has spoken of a later day: nothing is done"
)


@dataclass(frozen=True)
class File:
    """A file as it was sent, and what was said about it."""

    content: bytes
    source: str
    on: date
    unit_scheme: str
    complete: bool
    answer: Answer = "all"
    allow_unknown_platforms: bool = False

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content)

    @property
    def is_workbook(self) -> bool:
        """Whether it was sent as XLSX; then it is sent back as XLSX."""
        return self.content.startswith(WORKBOOK)

    @property
    def import_id(self) -> UUID:
        return derive("import", self.source, self.on, self.sha256, self.complete, self.unit_scheme)

    @property
    def request(self) -> bytes:
        answer = () if self.answer == "all" else (self.answer,)
        allowed = ("unknown platforms",) if self.allow_unknown_platforms else ()
        return " ".join((str(self.import_id), *answer, *allowed)).encode()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one line, or without a line of an asset that the file lacks.

    Kept as it will be sent: as an object it would take ten times the memory. Somebody should look at a `problem`.
    """

    line: int | None
    told: bytes
    problem: bool


@dataclass
class Report:
    """What a file does or would do; verdicts `gone` and `held` without a row are of assets that the file lacks."""

    import_id: UUID
    mode: str
    rows: int
    unknown_columns: list[str] = field(default_factory=list)
    header_row: int = 1
    verdicts: list[Verdict] = field(default_factory=list)
    summary: Counter[str] = field(default_factory=Counter)
    refused_lines: list[int] = field(default_factory=list)

    def add(self, row: Row | None, verdict: str, remark: Remark | None = None, **more: Any) -> None:
        self.summary[verdict] += 1
        if row is not None and row.readable and verdict in ("refused", "duplicate"):
            self.refused_lines.append(row.line)
        shown = (
            {"code": remark.code, "field": remark.field, "detail": remark.en, "detail_zh": remark.zh} if remark else {}
        )
        line = row.line if row else None
        told = {"row": line, "verdict": verdict, **shown, **more}
        problem = verdict in PROBLEMS or remark not in (None, FINISHED)
        self.verdicts.append(Verdict(line, json.dumps(told, ensure_ascii=False).encode(), problem))

    def refuse(self, row: Row, remark: Remark | None, twin: UUID | None) -> None:
        """A row that cannot be taken, or names a twin: of an earlier line, or of another source's asset."""
        more: dict[str, Any] = {"twin_row": row.twin_line} if row.twin_line else {}
        if twin is not None:
            more["twin_id"] = str(twin)
        self.add(row, "duplicate" if more else "refused", remark, **more)

    def as_json(self, *, problems: bool = False) -> bytes:
        """The report; with `problems` only the verdicts that somebody should look at, the sums being of all."""
        summary = {verdict: self.summary[verdict] for verdict in VERDICTS}
        self.verdicts.sort(key=lambda verdict: (verdict.line is None, verdict.line or 0))  # those without a row last
        body = {
            "import_id": str(self.import_id),
            "mode": self.mode,
            "rows": self.rows,
            "header_row": self.header_row,
            "unknown_columns": self.unknown_columns,
            "summary": summary,
        }
        head = json.dumps(body, ensure_ascii=False).encode()
        shown = (verdict.told for verdict in self.verdicts if verdict.problem or not problems)
        return head[:-1] + b', "verdicts": [' + b", ".join(shown) + b"]}"
