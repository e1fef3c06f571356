"""A report as it is sent: as JSON, or as the file that was sent with a verdict before each row. Pure."""

import csv
import io
import json
from collections.abc import Sequence

from services.registry.columns import DETAIL, VERDICT
from services.registry.csvrows import Rows
from services.registry.reports import Answer, Report
from services.registry.tables import guarded

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


def rendered(report: Report, rows: Rows, answer: Answer) -> bytes:
    """A report in the form that was asked for. Takes a second or two for a large one; call it in a thread."""
    return as_file(report, rows) if answer == "file" else report.as_json(problems=answer == "problems")


def as_file(report: Report, rows: Rows) -> bytes:
    """The file that was sent as CSV in UTF-8, each row on its own line, with a verdict and its reason in front.

    In front, since behind a row with too many cells they would stand under no column. What an earlier download added
    is replaced. Each cell is quoted, and none is a formula to a spreadsheet; sent again it reads as it did.
    """
    told = {verdict.line: verdict.told for verdict in report.verdicts if verdict.line is not None}
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    written = 0
    for line in rows.table.lines():
        out.write("\r\n" * (line.number - 1 - written))  # blank lines, so that each row keeps its number
        cells = [cell for place, cell in enumerate(line.cells) if place not in rows.header.added]
        added = (VERDICT, DETAIL) if line.number == rows.header.line else _verdict(told.get(line.number))
        writer.writerow([guarded(cell) for cell in (*added, *cells)])
        written = line.number + line.breaks
    return out.getvalue().encode("utf-8-sig")


def _verdict(told: bytes | None) -> Sequence[str]:
    if told is None:
        return "", ""
    verdict = json.loads(told)
    detail = f"{verdict['detail_zh']} {verdict['detail']}" if "detail" in verdict else ""
    return WORDS[verdict["verdict"]], " ".join(detail.split())
