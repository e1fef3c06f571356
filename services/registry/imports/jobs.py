"""The formats in which lists are taken, and the process that reads workbooks for them and may be lost."""

import io
import json
import subprocess
import sys
from pathlib import Path

from services.registry.imports.files import Format, refused
from services.registry.imports.formats.csv import Csv
from services.registry.imports.formats.xlsx import Xlsx

MOST_TEXT = 64 * 1024 * 1024  # of all sheets as CSV
READER_MEMORY = 448 * 1024 * 1024  # 200,000 rows of ten cells take about 150 MiB
READER_SECONDS = 60
READER = Path(__file__).with_name("sheetreader.py")
_WAIT = 2 * READER_SECONDS  # a busy machine gives the reader its seconds late


def sheets_of(content: bytes) -> list[tuple[str, bytes]]:
    """The non-empty sheets, by name, as CSV. Raises UnreadableFile when the reader failed or was stopped."""
    bounds = (str(MOST_TEXT), str(READER_MEMORY), str(READER_SECONDS))
    too_large = refused("工作簿过大或无法读取", "the workbook is too large, or cannot be read")
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(READER), *bounds],
            input=content,
            capture_output=True,
            timeout=_WAIT,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        raise too_large from None
    if done.returncode != 0:
        raise too_large
    sheets, out = [], io.BytesIO(done.stdout)
    while line := out.readline():
        head = json.loads(line)
        sheets.append((str(head["name"]), out.read(head["bytes"])))
    return sheets


# The first format that accepts a file reads it; CSV is last, since it accepts every file.
FORMATS: tuple[Format, ...] = (Xlsx(sheets=sheets_of), Csv())
