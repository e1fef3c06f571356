"""The report on an imported file."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class Verdict(BaseModel):
    """What became of one row, or with `row` null of one asset that a complete file lacks."""

    row: int | None = Field(description="行号,自文件首行起 line of the file, counted from 1")
    verdict: Literal["added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held"]
    code: str | None = None
    field: str | None = None
    detail: str | None = None
    detail_zh: str | None = None
    asset_id: UUID | None = None
    twin_id: UUID | None = None
    twin_row: int | None = None


class ImportReport(BaseModel):
    """What a file does or would do; running it again changes nothing."""

    import_id: UUID
    mode: Literal["dry-run", "apply"]
    rows: int
    header_row: int = Field(description="表头所在行 the line on which the header stands")
    unknown_columns: list[str] = Field(description="未读取的列 columns that stand for no field and were not read")
    summary: dict[str, int] = Field(examples=[{"added": 1799, "duplicate": 3, "refused": 0, "gone": 0, "held": 0}])
    verdicts: list[Verdict]
