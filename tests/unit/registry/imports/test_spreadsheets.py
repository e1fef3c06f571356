"""Workbooks: read as CSV is, each row on its own line; one that would take too much memory or time is refused."""

import io
import resource
import time
import zipfile
import zlib
from datetime import UTC, date, datetime
from functools import cache

import pytest

from services.registry.imports import files, jobs
from services.registry.imports.formats import xlsx
from services.registry.imports.formats.xlsx import Xlsx
from services.registry.imports.rows import Row
from services.registry.lists.tables import Table, UnreadableFile
from tests.kit.lists import read_list
from tests.kit.workbooks import archive, sheet, workbook

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
HEAD = ("账号名称", "平台", "主办单位", "链接", "开通日期", "状态")
LIST = (
    ("某市政务新媒体名录",),
    (),
    HEAD,
    ("减负", "微博", "办公厅", "https://weibo.com/jianfu", date(2020, 1, 31), "正常"),
    (),
    ("减负\n二", "微博", "办公厅", "https://weibo.com/jianfu2", 43861, None),
    ("号", "QQ群", "办公厅", 123456789, "2020年1月31日", "已注销"),
    ("零", "微博", "办公厅", "https://weibo.com/jianfu4", date(1899, 12, 31), "正常"),
)


def read(content: bytes) -> list[Row]:
    return list(read_list(content, source="s", on=date(2025, 6, 1), unit_scheme="name", now=NOW))


def text_of(content: bytes) -> bytes:
    return Xlsx(sheets=jobs.sheets_of).text(content)


def refused(content: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert caught.value.accepted
    return caught.value


def test_a_workbook_is_read_as_csv_is() -> None:
    rows = read(workbook(说明=[("请勿修改",)], 名录=LIST, Sheet3=[]))
    assert [row.line for row in rows] == [4, 6, 7, 8]
    assert [row.event and row.event.opened_on for row in rows[:2]] == [date(2020, 1, 31)] * 2
    assert [row.event and row.event.name for row in rows[:2]] == ["减负", "减负 二"]
    assert (
        (rows[2].key, rows[2].ended) == (("group", rows[2].identity.platform, "123456789"), True)
        if rows[2].identity
        else 0
    )
    assert rows[3].remark is not None
    assert rows[3].remark.field == "opened_on"


def test_a_number_that_a_spreadsheet_has_cut_short_is_not_written_as_if_it_were_whole() -> None:
    text = text_of(workbook(a=[HEAD, ("a", "微信", "厅", 123456789012345678)])).decode()
    assert "1.23456789012346E+17" in text
    assert "123456789012345" in text_of(workbook(a=[HEAD, ("a", "微信", "厅", 123456789012345)])).decode()


def test_two_sheets_with_a_header_are_refused_by_name() -> None:
    error = refused(workbook(第一=LIST, 第二=LIST))
    assert (error.field, "'第一', '第二'" in error.text.zh) == ("header", True)


def test_a_formula_that_failed_is_no_blank_cell() -> None:
    """A blank 状态 would say nothing, and the account would be recorded as online."""
    part = sheet([HEAD, ("减负", "微博", "办公厅", "https://weibo.com/jianfu", None, "正常")])
    failed = part.replace(
        '<c r="F2" t="inlineStr"><is><t xml:space="preserve">正常</t></is></c>', '<c r="F2" t="e"><v>#N/A</v></c>'
    )
    assert failed != part
    (row,) = read(workbook(说明=[("x",)], 名录=failed))
    assert (row.event, row.remark and row.remark.field) == (None, "running")


def test_a_file_that_is_not_csv_stays_as_it_is() -> None:
    form = files.format_of(b"a,b\n", jobs.FORMATS)
    assert form.suffix == "csv"
    (line,) = Table(content=b"a,b\n", encoding="utf-8", separator=",").lines()
    assert (line.number, line.cells) == (1, ["a", "b"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "XLS"),
        (b"\xef\xbb\xbf <html><table>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (archive({"a": "b"}), "not an XLSX"),
        (archive({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "not an XLSX"),
        (workbook(a=LIST)[:900], "damaged"),
        (workbook(), "nothing"),
        (workbook(a=[]), "nothing"),
        (workbook(a="<worksheet><sheetData><row>"), ""),
    ],
)
def test_a_file_that_is_not_a_workbook_is_refused_in_words(content: bytes, says: str) -> None:
    error = refused(content)
    assert error.field in ("body", "header")
    assert says in error.text.en


@cache
def bomb(size: int) -> tuple[bytes, int]:
    """So many MiB of zeros as a sheet, and their checksum."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packing:
        packing.writestr("xl/workbook.xml", "<workbook/>")
        with packing.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(size):
                part.write(bytes(1024 * 1024))
    return out.getvalue(), packing.getinfo("xl/worksheets/sheet1.xml").CRC


def lying_bomb(size: int) -> bytes:
    """The same; every place where its size and checksum stand says that it is one byte."""
    content, checksum = bomb(size)
    for said, lie, width in ((size << 20, 1, 8), (size << 20, 1, 4), (checksum, zlib.crc32(b"\0"), 4)):
        content = content.replace(said.to_bytes(width, "little"), lie.to_bytes(width, "little"))
    return content


@pytest.mark.parametrize("lying", [False, True])
def test_a_bomb_is_refused_before_it_takes_memory_or_time(lying: bool) -> None:
    content = lying_bomb(2047) if lying else bomb(2047)[0]
    assert len(content) < 3 << 20
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()  # machine time
    error = refused(content)
    assert "256 MiB" in error.text.zh
    assert time.monotonic() - began < 20  # about 1 s here; machine time
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize("corner", ["XFD1048576", "BZ1048576"])
def test_one_cell_in_a_far_corner_is_no_table_of_all_cells(corner: str) -> None:
    far = sheet({1: ("a",)}).replace("</sheetData>", '<row r="1048576"><c r="CORNER"><v>1</v></c></row></sheetData>')
    assert "too large" in refused(workbook(a=far.replace("CORNER", corner))).text.en


def test_text_that_many_cells_share_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_TEXT", 1000)
    assert "too large" in refused(workbook(a=[*LIST, *([("x" * 100,)] * 20)])).text.en
    monkeypatch.setattr(jobs, "MOST_TEXT", 1 << 20)
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    assert "20 MiB of text" in refused(workbook(a=[*LIST, *([("x" * 1000,)] * 20)])).text.en
    monkeypatch.setattr(xlsx, "MOST_UNPACKED", 1000)
    assert "unpacks" in refused(workbook(a=LIST)).text.en


def test_a_reader_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_WAIT", 0.001)
    assert "too large" in refused(workbook(a=LIST)).text.en
