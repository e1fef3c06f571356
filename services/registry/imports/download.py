"""A report as it is sent: as JSON, or as the file that was sent with a verdict before each row. Pure."""

import json
from collections.abc import Iterator, Sequence

from services.registry.imports.files import Answer, Format
from services.registry.imports.report import Report
from services.registry.imports.rows import Rows
from services.registry.lists.columns import DETAIL, VERDICT
from services.registry.lists.tables import Line

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


def rendered(report: Report, rows: Rows, answer: Answer, form: Format) -> bytes:
    """A report in the form that was asked for, as a file in its own format.

    Takes some seconds for a large one; call it in a thread.
    """
    if answer != "file":
        return report.as_json(problems=answer == "problems")
    return form.write(_judged(report, rows))


def _judged(report: Report, rows: Rows) -> Iterator[tuple[Line, list[str]]]:
    """Each row of the file with its verdict and the reason in front, or with the titles of the two columns.

    In front, since after a row with too many cells they would be in no column. The columns that an earlier
    download added are replaced.
    """
    verdicts = {verdict.line: verdict.json for verdict in report.verdicts if verdict.line is not None}
    for line in rows.table.lines():
        cells = [cell for column, cell in enumerate(line.cells) if column not in rows.header.added]
        added = (VERDICT, DETAIL) if line.number == rows.header.line else _verdict(verdicts.get(line.number))
        yield line, [*added, *cells]


def _verdict(text: bytes | None) -> Sequence[str]:
    if text is None:
        return "", ""
    verdict = json.loads(text)
    detail = f"{verdict['detail_zh']} {verdict['detail']}" if "detail" in verdict else ""
    return WORDS[verdict["verdict"]], " ".join(detail.split())
