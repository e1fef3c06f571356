"""A file that is imported and the report on it: a verdict per row, and per asset that the file lacks. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

from libs.common.ids import derive
from libs.common.signing import sha256
from services.registry.csvrows import Remark, Row

VERDICT = {
    "registered": "added", "restored": "restored", "amended": "amended", "unchanged": "unchanged",
    "outdated": "unchanged",
}  # fmt: skip
VERDICTS = ("added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held")
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

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content)

    @property
    def import_id(self) -> UUID:
        return derive("import", self.source, self.on, self.sha256, self.complete, self.unit_scheme)

    @property
    def request(self) -> bytes:
        return str(self.import_id).encode()


@dataclass
class Report:
    """What a file does or would do; verdicts `gone` and `held` without a row are of assets that the file lacks.

    A verdict is kept as it will be sent, with its line: as an object it would take ten times the memory.
    """

    import_id: UUID
    mode: str
    rows: int
    verdicts: list[tuple[int | None, bytes]] = field(default_factory=list)
    summary: Counter[str] = field(default_factory=Counter)
    refused_lines: list[int] = field(default_factory=list)

    def add(self, row: Row | None, verdict: str, remark: Remark | None = None, **more: Any) -> None:
        self.summary[verdict] += 1
        if row is not None and row.told is not None and verdict in ("refused", "duplicate"):
            self.refused_lines.append(row.line)
        shown = (
            {"code": remark.code, "field": remark.field, "detail": remark.en, "detail_zh": remark.zh} if remark else {}
        )
        line = row.line if row else None
        told = {"row": line, "verdict": verdict, **shown, **more}
        self.verdicts.append((line, json.dumps(told, ensure_ascii=False).encode()))

    def refuse(self, row: Row, remark: Remark | None, twin: UUID | None) -> None:
        """A row that cannot be taken, or names a twin: of an earlier line, or of another source's asset."""
        more: dict[str, Any] = {"twin_row": row.twin_line} if row.twin_line else {}
        if twin is not None:
            more["twin_id"] = str(twin)
        self.add(row, "duplicate" if more else "refused", remark, **more)

    def as_json(self) -> bytes:
        summary = {verdict: self.summary[verdict] for verdict in VERDICTS}
        self.verdicts.sort(key=lambda verdict: (verdict[0] is None, verdict[0]))  # those without a row come last
        body = {"import_id": str(self.import_id), "mode": self.mode, "rows": self.rows, "summary": summary}
        head = json.dumps(body, ensure_ascii=False).encode()
        return head[:-1] + b', "verdicts": [' + b", ".join(told for _, told in self.verdicts) + b"]}"
