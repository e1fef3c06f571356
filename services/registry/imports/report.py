"""The report on a file: a verdict per row, and per asset that the file lacks. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.registry.assets import domain
from services.registry.imports.rows import Remark, Row

VERDICT = {
    "registered": "added",
    "restored": "restored",
    "amended": "amended",
    "unchanged": "unchanged",
    "outdated": "unchanged",
}
VERDICTS = ("added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held")
PROBLEMS = frozenset({"duplicate", "refused", "gone", "held"})
FINISHED = Remark(
    code="already_imported",
    zh="该文件已按同一日期导入过,未作更改",
    en="this file was imported before for the same day: nothing is done",
)
OUTDATED = Remark(code="outdated", zh=domain.OUTDATED.zh, en=domain.OUTDATED.en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one line, or, without a line, on an asset that the file lacks.

    Kept as the JSON that will be sent: as an object it would take ten times the memory. A person should look at a
    `problem`.
    """

    line: int | None
    json: bytes
    problem: bool


@dataclass(slots=True, kw_only=True)
class Report:
    """The effect of a file, or of its dry run; `gone` and `held` without a row concern assets that the file lacks."""

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
        text = json.dumps({"row": line, "verdict": verdict, **shown, **more}, ensure_ascii=False)
        problem = verdict in PROBLEMS or remark not in (None, FINISHED)
        self.verdicts.append(Verdict(line=line, json=text.encode(), problem=problem))

    def refuse(self, row: Row, remark: Remark | None, twin: UUID | None) -> None:
        """A row that cannot be taken, or names a twin: of an earlier line, or of another source's asset."""
        more: dict[str, Any] = {"twin_row": row.twin_line} if row.twin_line else {}
        if twin is not None:
            more["twin_id"] = str(twin)
        self.add(row, "duplicate" if more else "refused", remark, **more)

    def as_json(self, *, problems: bool = False) -> bytes:
        """The report; with `problems` only the verdicts that a person should look at, the sums being of all."""
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
        shown = (verdict.json for verdict in self.verdicts if verdict.problem or not problems)
        return head[:-1] + b', "verdicts": [' + b", ".join(shown) + b"]}"
