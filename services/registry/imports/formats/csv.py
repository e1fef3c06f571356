"""Lists as CSV: commas, tabs or semicolons, in UTF-8, UTF-16 or GBK. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import ClassVar

from services.registry.lists import columns
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table, guarded


class Csv:
    """Takes every file: a text that is not CSV is refused when its header is searched."""

    media: ClassVar[str] = "text/csv; charset=utf-8"
    suffix: ClassVar[str] = "csv"
    binary: ClassVar[bool] = False

    def holds(self, content: bytes) -> bool:
        return True

    def read(self, content: bytes) -> tuple[Table, Header]:
        return columns.find(content)

    def write(self, rows: Iterable[tuple[Line, Sequence[str]]]) -> bytes:
        """CSV in UTF-8, each row on its own line; each cell is quoted, and sent again it reads as it did."""
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        written = 0
        for line, cells in rows:
            out.write("\r\n" * (line.number - 1 - written))  # blank lines, so that each row keeps its number
            writer.writerow([guarded(cell) for cell in cells])
            written = line.number + line.breaks
        return out.getvalue().encode("utf-8-sig")
