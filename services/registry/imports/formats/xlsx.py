"""Lists as workbooks: how large one may be, and which of its sheets is the list. Pure: the sheets are read elsewhere.

XLSX is a ZIP archive: 20 MiB of it may unpack to 20 GiB, and one cell in the last corner of a sheet makes a table of
seventeen thousand million cells. So the size of its parts is counted first, without keeping them; then a process with
bounded memory and time reads the sheets.
"""

import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import xlsxwriter

from libs.common.text import Text
from services.registry.imports import files
from services.registry.imports.files import refused
from services.registry.lists import columns
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table, UnreadableFile

MOST_UNPACKED = 256 * 1024 * 1024  # of the archive's parts together; 200,000 rows of ten cells take about 100 MiB
MOST_PARTS = 1_000
_STEP = 1024 * 1024
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no zones
MOST_COLUMNS, MOST_CELL = 16_384, 32_767  # of a sheet and of a cell, as every spreadsheet has them (ECMA-376)


@dataclass(frozen=True, slots=True, kw_only=True)
class Xlsx:
    """`sheets` gives the non-empty sheets of a workbook by name, as CSV in UTF-8.

    Raises UnreadableFile when stopped at its bounds.
    """

    media: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix: ClassVar[str] = "xlsx"
    binary: ClassVar[bool] = True

    sheets: Callable[[bytes], list[tuple[str, bytes]]]

    def holds(self, content: bytes) -> bool:
        return content.startswith(b"PK\x03\x04")  # how a ZIP archive begins

    def read(self, content: bytes) -> tuple[Table, Header]:
        """The one sheet that has a header, each row on its own line.

        Raises UnreadableFile for a workbook that cannot be read, is larger than its bounds, or has several sheets with
        a header: a person has to choose one.
        """
        return columns.find(self.text(content))

    def text(self, content: bytes) -> bytes:
        """The sheet that is the list, as CSV in UTF-8. Raises UnreadableFile."""
        _measure(content)
        sheets = self.sheets(content)
        if not sheets:
            raise refused("工作簿中没有内容", "the workbook holds nothing")
        with_header = [name for name, text in sheets if _has_header(text)]
        if len(with_header) > 1:
            named = ", ".join(repr(name[:40]) for name in with_header[:10])
            raise UnreadableFile(
                field="header",
                accepted="one sheet with a header",
                why=Text(f"多个工作表有表头:{named}", f"more than one sheet has a header: {named}"),
            )
        text = next((text for name, text in sheets if name in with_header), sheets[0][1])
        if len(text) > files.MAX_BYTES:
            raise refused(
                "工作表的文字超过 20 MiB,请分为多个文件", "its sheet holds more than 20 MiB of text: part it into files"
            )
        return text

    def write(self, rows: Iterable[tuple[Line, Sequence[str]]]) -> bytes:
        """A workbook: each row on its own line, each cell a text."""
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
            book.set_properties({"created": EPOCH})  # the same rows make the same file at any hour
            sheet = book.add_worksheet("名录 list")
            sheet.set_column(0, 0, 18)
            sheet.set_column(1, 1, 60)
            for line, cells in rows:
                for column, cell in enumerate(cells[:MOST_COLUMNS]):
                    sheet.write_string(line.number - 1, column, cell[:MOST_CELL])
        return out.getvalue()


def _measure(content: bytes) -> None:
    """Unpack the archive part by part, keeping nothing, and stop at the bound. Raises UnreadableFile."""
    damaged = refused("工作簿已损坏", "the workbook is damaged")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise refused("压缩包不是 XLSX 工作簿", "the archive is not an XLSX workbook")
            if len(parts) > MOST_PARTS or len(names) < len(parts) or any(part.flag_bits & 1 for part in parts):
                raise damaged
            left = MOST_UNPACKED
            for part in parts:
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise damaged
                left = _unpacked(archive, part, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError):
        raise damaged from None


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> int:
    """How much of the bound is left after a part. The size that the part states of itself is not believed."""
    part.file_size = sys.maxsize
    with archive.open(part) as unpacking:
        while chunk := unpacking.read(_STEP):
            left -= len(chunk)
            if left < 0:
                most = MOST_UNPACKED // _STEP
                raise refused(f"解压后超过 {most} MiB", f"it unpacks to more than {most} MiB")
    return left


def _has_header(text: bytes) -> bool:
    with suppress(UnreadableFile):
        columns.find(text)
        return True
    return False
