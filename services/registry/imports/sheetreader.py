"""Turn a workbook on standard input into text on standard output, in a process that may crash.

It imports nothing of the project, so that it starts at once; `jobs.py` starts it and states its bounds.
For each sheet that holds something comes a line of JSON with its name and size, then the sheet as CSV in UTF-8, each
of its rows on the line of its own number.
"""

import csv
import datetime
import io
import json
import posixpath
import re
import resource
import sys
import zipfile
from collections.abc import Container
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineSheet, SheetTypeEnum, load_workbook

CHUNK = 1024 * 1024
MOST_FAULTY = 100_000
# A cell whose type is an error (ECMA-376 part 1, 18.18.11), and its position.
FAULTY = re.compile(rb"""<(?:\w+:)?c\b(?=[^<>]*\bt=["']e["'])[^<>]*\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
EXACT = 10**15  # a spreadsheet keeps 15 digits: a longer number has lost its end


def written(value: Any) -> str:
    """A cell as text: days as ISO dates, whole numbers in digits, one that has lost digits as a power of ten."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) >= EXACT:
            return f"{value:.14E}"
        return str(int(value)) if value == int(value) else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return " ".join(str(value).split())


# Untrusted XML is parsed here, in a process that may crash and whose memory and time are bounded.
def parts(book: zipfile.ZipFile) -> dict[str, str]:
    """The path of each sheet in the archive, by its name."""
    targets = {
        one.get("Id"): posixpath.normpath(posixpath.join("/xl", one.get("Target", ""))).lstrip("/")
        for one in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    }
    named = {}
    for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():  # noqa: S314
        number = next((value for name, value in one.attrib.items() if name.endswith("}id")), None)
        if one.tag.endswith("}sheet") and number in targets:
            named[one.get("name", "")] = targets[number]
    return named


def faulty(book: zipfile.ZipFile, part: str) -> set[tuple[int, int]]:
    """The cells, as row and column from 0, in which a formula has failed: the library would read them as blank.

    A blank means "not stated", an error does not. Raises OverflowError where there are too many.
    """
    cells: set[tuple[int, int]] = set()
    with book.open(part) as reading:
        rest = b""
        while chunk := reading.read(CHUNK):
            piece = rest + chunk
            whole = piece.rfind(b"<")
            for match in FAULTY.finditer(piece[:whole]):
                column = 0
                for letter in match[1]:
                    column = column * 26 + letter - 64
                cells.add((int(match[2]) - 1, column - 1))
            if len(cells) > MOST_FAULTY:
                raise OverflowError
            rest = piece[whole:] if whole >= 0 else b""
    return cells


def text(sheet: CalamineSheet, failed: Container[tuple[int, int]], most: int) -> bytes:
    """A sheet as CSV of at most so many bytes, `#N/A` where a formula has failed. Raises OverflowError beyond them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    first = sheet.start[1] if sheet.start else 0
    for number, cells in enumerate(sheet.iter_rows()):  # from the first row on, whether or not it is blank
        kept = [written(cell) or ("#N/A" if (number, first + n) in failed else "") for n, cell in enumerate(cells)]
        while kept and not kept[-1]:
            kept.pop()
        if kept:
            writer.writerow(kept)
        else:
            out.write("\n")
        if out.tell() > most:
            raise OverflowError
    return out.getvalue().encode()


def main() -> None:
    """Read, write, or end with status 3 and the error on standard error."""
    most, memory, seconds = (int(argument) for argument in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = io.BytesIO(sys.stdin.buffer.read())
    book = load_workbook(content)
    archive = zipfile.ZipFile(content)
    named = parts(archive)
    for sheet in book.sheets_metadata:
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        failed = faulty(archive, named[sheet.name])
        as_csv = text(book.get_sheet_by_name(sheet.name), failed, most)
        most -= len(as_csv)
        if as_csv.strip():
            head = json.dumps({"name": sheet.name, "bytes": len(as_csv)}).encode()
            sys.stdout.buffer.write(head + b"\n" + as_csv)


if __name__ == "__main__":
    main()
