"""Workbooks: how large one may be, and its sheet as CSV. What reads it is a process of its own, which may be lost.

XLSX is a ZIP archive: 20 MiB of it may unpack to 20 GiB, and one cell in the last corner of a sheet makes a table of
seventeen thousand million cells. So what it unpacks to is counted first, and not kept; then the reader has so much
memory and time and no more.
"""

import io
import json
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

from services.registry.imports import rows as csvrows
from services.registry.imports.report import WORKBOOK
from services.registry.lists import columns
from services.registry.lists.tables import UnreadableFile

ACCEPTED = "XLSX, or CSV in UTF-8, UTF-16 or, under a Chinese header, GBK"
MOST_UNPACKED = 256 * 1024 * 1024  # of the archive's parts together; 200,000 rows of ten cells take about 100 MiB
MOST_PARTS = 1_000
MOST_TEXT = 64 * 1024 * 1024  # of all sheets as CSV
READER_MEMORY = 448 * 1024 * 1024  # 200,000 rows of ten cells take about 150 MiB
READER_SECONDS = 60
READER = Path(__file__).with_name("sheetreader.py")
_WAIT = 2 * READER_SECONDS  # a busy machine gives the reader its seconds late
_STEP = 1024 * 1024


def as_csv(content: bytes) -> bytes:
    """A file's content as CSV: of a workbook the one sheet that has a header, each row on its own line; else as it is.

    Takes up to a minute and a process; call it in a thread. Raises UnreadableFile for a workbook that cannot be read,
    is larger than its bounds, or has several sheets with a header: which of them is meant, a person has to say.
    """
    _other_formats(content)
    if len(content) > csvrows.MAX_BYTES or not content.startswith(WORKBOOK):
        return content
    _measure(content)
    sheets = _read(content)
    if not sheets:
        raise _refused("工作簿中没有内容", "the workbook holds nothing")
    with_header = [name for name, text in sheets if _has_header(text)]
    if len(with_header) > 1:
        named = ", ".join(repr(name[:40]) for name in with_header[:10])
        raise UnreadableFile(
            field="header",
            accepted="one sheet with a header",
            why=(f"多个工作表有表头:{named}", f"more than one sheet has a header: {named}"),
        )
    text = next((text for name, text in sheets if name in with_header), sheets[0][1])
    if len(text) > csvrows.MAX_BYTES:
        raise _refused(
            "工作表的文字超过 20 MiB,请分为多个文件", "its sheet holds more than 20 MiB of text: part it into files"
        )
    return text


def _other_formats(content: bytes) -> None:
    """Raises UnreadableFile in words for what is often taken for a list that can be read."""
    start = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _refused(
            "旧版 XLS 或加密的工作簿,请另存为未加密的 XLSX", "an XLS workbook, or one with a password: save it as XLSX"
        )
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"%pdf", b"{\\rtf")):
        raise _refused("网页、XML 或 PDF,请另存为 XLSX 或 CSV", "a web page, XML or PDF: save it as XLSX or CSV")


def _refused(zh: str, en: str) -> UnreadableFile:
    return UnreadableFile(field="body", accepted=ACCEPTED, why=(zh, en))


def _measure(content: bytes) -> None:
    """Unpack the archive part by part, keeping nothing, and stop at the bound. Raises UnreadableFile."""
    damaged = _refused("工作簿已损坏", "the workbook is damaged")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise _refused("压缩包不是 XLSX 工作簿", "the archive is no XLSX workbook")
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
    """How much of the bound is left after a part. What it says of its own size is not believed."""
    part.file_size = sys.maxsize
    with archive.open(part) as unpacking:
        while chunk := unpacking.read(_STEP):
            left -= len(chunk)
            if left < 0:
                most = MOST_UNPACKED // _STEP
                raise _refused(f"解压后超过 {most} MiB", f"it unpacks to more than {most} MiB")
    return left


def _read(content: bytes) -> list[tuple[str, bytes]]:
    """The sheets that hold something, by name. Raises UnreadableFile when the reader could not, or was stopped."""
    bounds = (str(MOST_TEXT), str(READER_MEMORY), str(READER_SECONDS))
    too_large = _refused("工作簿过大或无法读取", "the workbook is too large, or cannot be read")
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
    found, out = [], io.BytesIO(done.stdout)
    while line := out.readline():
        head = json.loads(line)
        found.append((str(head["name"]), out.read(head["bytes"])))
    return found


def _has_header(text: bytes) -> bool:
    with suppress(UnreadableFile):
        columns.find(text)
        return True
    return False
