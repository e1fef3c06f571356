"""Turns a workbook on standard input into text on standard output: run alone, as a process that may be lost.

It imports nothing of the house, so that it starts at once; `spreadsheets.py` starts it and says what it may take.
For each sheet that holds something comes a line of JSON with its name and size, then the sheet as CSV in UTF-8, each
of its rows on the line of its own number.
"""

import csv
import datetime
import io
import json
import resource
import sys
from typing import Any

from python_calamine import CalamineSheet, SheetTypeEnum, load_workbook

EXACT = 10**15  # a spreadsheet keeps 15 digits: what is longer has lost its end


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


def text(sheet: CalamineSheet, most: int) -> bytes:
    """A sheet as CSV of at most so many bytes. Raises OverflowError beyond them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for cells in sheet.iter_rows():  # from the first row on, whether or not it is blank
        kept = [written(cell) for cell in cells]
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
    """Read, write, or end with status 3 and the fault on standard error."""
    most, memory, seconds = (int(argument) for argument in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = io.BytesIO(sys.stdin.buffer.read())
    book = load_workbook(content)
    for sheet in book.sheets_metadata:
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        found = text(book.get_sheet_by_name(sheet.name), most)
        most -= len(found)
        if found.strip():
            head = json.dumps({"name": sheet.name, "bytes": len(found)}).encode()
            sys.stdout.buffer.write(head + b"\n" + found)


if __name__ == "__main__":
    main()
