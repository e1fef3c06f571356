"""A report as it is sent: as JSON, or as the file that was sent with a verdict before each row. Pure."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import xlsxwriter

from services.registry.imports.report import Answer, Report
from services.registry.imports.rows import Rows
from services.registry.lists.columns import DETAIL, VERDICT
from services.registry.lists.tables import Line, guarded

EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no zones
MOST_COLUMNS, MOST_CELL = 16_384, 32_767  # of a sheet and of a cell, as every spreadsheet has them (ECMA-376)
WORDS = {
    "added": "新增 added",
    "amended": "更新 amended",
    "unchanged": "未变 unchanged",
    "restored": "恢复 restored",
    "duplicate": "重复 duplicate",
    "refused": "拒绝 refused",
    "gone": "消失 gone",
    "held": "待确认 held",
}


def rendered(report: Report, rows: Rows, answer: Answer, *, workbook: bool) -> bytes:
    """A report in the form that was asked for. Takes some seconds for a large one; call it in a thread."""
    if answer != "file":
        return report.as_json(problems=answer == "problems")
    return as_workbook(report, rows) if workbook else as_file(report, rows)


def as_file(report: Report, rows: Rows) -> bytes:
    """The file that was sent as CSV in UTF-8, each row on its own line, with a verdict and its reason in front.

    In front, since behind a row with too many cells they would stand under no column. What an earlier download added
    is replaced. Each cell is quoted, and none is a formula to a spreadsheet; sent again it reads as it did.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    written = 0
    for line, cells in _judged(report, rows):
        out.write("\r\n" * (line.number - 1 - written))  # blank lines, so that each row keeps its number
        writer.writerow([guarded(cell) for cell in cells])
        written = line.number + line.breaks
    return out.getvalue().encode("utf-8-sig")


def as_workbook(report: Report, rows: Rows) -> bytes:
    """The same as a workbook, for who has sent one: each row in its own place, each cell a text and never a formula."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        book.set_properties({"created": EPOCH})  # nothing of the hour: asked again it is the same file
        sheet = book.add_worksheet("名录 list")
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 60)
        for line, cells in _judged(report, rows):
            for place, cell in enumerate(cells[:MOST_COLUMNS]):
                sheet.write_string(line.number - 1, place, cell[:MOST_CELL])
    return out.getvalue()


def _judged(report: Report, rows: Rows) -> Iterator[tuple[Line, list[str]]]:
    """Each row of the file with its verdict and the reason in front, or with the header's words for the two."""
    told = {verdict.line: verdict.told for verdict in report.verdicts if verdict.line is not None}
    for line in rows.table.lines():
        cells = [cell for place, cell in enumerate(line.cells) if place not in rows.header.added]
        added = (VERDICT, DETAIL) if line.number == rows.header.line else _verdict(told.get(line.number))
        yield line, [*added, *cells]


def _verdict(told: bytes | None) -> Sequence[str]:
    if told is None:
        return "", ""
    verdict = json.loads(told)
    detail = f"{verdict['detail_zh']} {verdict['detail']}" if "detail" in verdict else ""
    return WORDS[verdict["verdict"]], " ".join(detail.split())
