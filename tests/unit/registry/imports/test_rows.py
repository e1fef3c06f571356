"""A file import: a verdict per row, the first line of a twin shown, a clear word for a file that cannot be read."""

import tracemalloc
from datetime import UTC, date, datetime

import pytest

from services.registry.imports import rows as rows_module
from services.registry.imports.rows import NOT_CLOSED, Row
from services.registry.lists.tables import UnreadableFile
from tests.kit.lists import read_list

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
HEAD = "account,platform,department,language,url\n"


def read(text: str) -> list[Row]:
    return list(read_list(text.encode(), source="s", on=date(2025, 6, 1), unit_scheme="ca-name", now=NOW))


def remark(row: Row) -> tuple[int, str | None, str | None]:
    return row.line, row.remark and row.remark.code, row.remark and row.remark.field


def test_a_bad_row_is_named_and_stops_no_other() -> None:
    rows = read(
        HEAD
        + "a,X,Unit,English,https://x.com/a\n,X,Unit,English,https://x.com/b\nc,X,Unit,English,https://x.com/\n\nd,X,Unit,Français,https://x.com/d\n"
    )
    assert [remark(row) for row in rows] == [
        (2, None, None),
        (3, "invalid", "name"),
        (4, "unreadable_address", "address"),
        (6, None, None),
    ]
    assert all(row.remark.zh and row.remark.en for row in rows if row.remark)
    assert rows[3].event is not None
    assert rows[3].event.language == "fr"


def test_a_twin_in_the_same_file_names_the_line_of_the_first() -> None:
    rows = read(HEAD + "a,X,Unit,English,https://twitter.com/A\nb,X,Unit,English,https://x.com/a?lang=fr\n")
    assert remark(rows[1]) == (3, "duplicate_row", "address")
    assert rows[1].twin_line == 2
    assert rows[1].event is None


def test_chinese_headers_and_a_byte_order_mark_are_read() -> None:
    rows = read("\ufeff账号名称,平台,主办单位,语言,链接\n减负,微博,办公厅,中文,https://weibo.com/jianfu\n")
    assert rows[0].event is not None
    assert (rows[0].event.platform, rows[0].event.language) == ("微博", "zh")
    assert rows[0].identity is not None
    assert rows[0].identity.platform == "weibo"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_file_as_excel_saves_it_in_china_is_read(quote: str) -> None:
    head = ",".join(f"{quote}{name}{quote}" for name in ("账号名称", "平台", "主办单位", "链接"))
    text = f"{head}\r\n减负,微博,办公厅,https://weibo.com/jianfu\r\n"
    (row,) = read_list(text.encode("gbk"), source="s", on=date(2025, 6, 1), unit_scheme="name", now=NOW)
    assert row.event is not None
    assert (row.event.name, row.event.sponsor.value, row.identity and row.identity.platform) == (
        "减负",
        "办公厅",
        "weibo",
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ((HEAD + "Santé,X,Unité,Français,https://x.com/a\n").encode("cp1252"), "body"),
        (b"\xff\xfe\x00", "body"),
        (b"a,b\n1,2\n", "header"),
        (b"", "header"),
        (b"x" * (21 << 20), "body"),
        (HEAD.encode() + b"a" * 200_000, "body"),  # longer than any cell
    ],
    ids=["another encoding", "no UTF-8", "no columns", "empty", "too large", "no CSV"],
)
def test_a_file_that_cannot_be_read_says_what_would_be(content: bytes, field: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_list(content, source="s", on=date(2025, 6, 1), unit_scheme="ca-name", now=NOW)
    assert refused.value.field == field
    assert refused.value.accepted


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("a\0b,X,Unit,English,https://x.com/a", "invalid", "name"),
        ("a,X,U\x01nit,English,https://x.com/a", "invalid", "unit"),
        ("a,X,  ,English,https://x.com/a", "invalid", "unit"),
        ("a,X,Unit,English,http://[::1/a", "unreadable_address", "address"),
        ("a,X,Unit,English,https://x.com/a\x7fb", "unreadable_address", "address"),
        ("a,X", "unreadable_address", "address"),
        (f"{'n' * 401},X,Unit,English,https://x.com/a", "invalid", "name"),
        ("a,Facebook,Unit,English,https://x.com/a", "platform_corrected", "platform"),
        ("a,LinkedIn,Unit,English,https://linkedin.com/company/a b", "blank_in_address", "address"),
    ],
)
def test_every_problem_names_its_column_in_both_languages(row: str, code: str, field: str) -> None:
    (read_row,) = read(HEAD + row + "\n")
    assert remark(read_row) == (2, code, field)
    assert read_row.remark is not None
    assert read_row.remark.zh
    assert (read_row.event is not None) == (code in ("platform_corrected", "blank_in_address"))


def test_a_day_that_is_none_is_named() -> None:
    rows = read("name,platform,unit,url,开通日期\na,X,U,https://x.com/a,2020-01-31\nb,X,U,https://x.com/b,31/1/2020\n")
    assert rows[0].event is not None
    assert rows[0].event.opened_on == date(2020, 1, 31)
    assert remark(rows[1]) == (3, "invalid", "opened_on")


def test_a_day_of_opening_that_has_not_come_is_named_and_the_account_still_told() -> None:
    head = "name,platform,unit,url,opened_on\n"
    rows = read(f"{head}a,X,U,https://x.com/a,2025-06-01\nb,X,U,https://x.com/b,2025-06-02\nc,X,U,https://x.com/c,\n")
    assert [remark(row)[1:] for row in rows] == [(None, None), ("invalid", "opened_on"), (None, None)]
    assert (rows[1].event, rows[1].identity and rows[1].identity.key) == (None, ("x", "b"))


def test_a_twin_of_a_line_that_was_refused_is_taken() -> None:
    rows = read(HEAD + ",X,Unit,English,https://x.com/a\na,X,Unit,English,https://x.com/a\n")
    assert [row.event is not None for row in rows] == [False, True]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (['"Good, X,Unit,en,https://x.com/a', "b,X,Unit,en,https://x.com/b", 'c" C,X,Unit,en,https://x.com/c', "d"], 2),
        (["z,X,Unit,en,https://x.com/z", 'a,"X,Unit,en,https://x.com/a', "b,X,Unit,en,https://x.com/b"], 3),
        (["z,X,Unit,en,https://x.com/z", 'a,X,Unit,en,https://x.com/a,"'], 3),
        (["z,X,Unit,en,https://x.com/z", 'a,X,Unit,en,https://x.com/a,"note'], 3),
        (['"a', 'b",X,Unit,en,https://x.com/a'], 2),
    ],
)
@pytest.mark.parametrize("last", ["", "\n"])
def test_a_row_that_runs_on_over_lines_is_refused_where_it_begins(
    lines: list[str], number: int, end: str, last: str
) -> None:
    """A quotation mark too many takes the lines up to the next one into one row, which looks like any other."""
    rows = read(end.join([HEAD.strip(), *lines]) + (last and end))
    (row,) = [row for row in rows if row.remark == NOT_CLOSED]
    assert (row.line, row.event, row.identity) == (number, None, None)
    assert NOT_CLOSED.zh


def test_a_quoted_cell_on_one_line_is_read() -> None:
    rows = read(HEAD + '"a ""b"", c",X,"Unit, of",en,"https://x.com/a"\nd "e" f,X,Unit,en,https://x.com/d\n')
    assert [row.event and row.event.name for row in rows] == ['a "b", c', 'd "e" f']
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize("head", ['account,platform,department,language,url,"notes\n', '"account\n"' + HEAD[7:]])
def test_a_header_that_swallows_rows_is_no_header(head: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(head + "a,X,Unit,English,https://x.com/a\n")
    assert (refused.value.field, refused.value.accepted) == ("header", "a header on one line")


def test_more_rows_than_fit_are_refused_before_any_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty million characters may be ten million rows; blank ones, as a spreadsheet leaves them, are none."""
    monkeypatch.setattr(rows_module, "MAX_ROWS", 3)
    rows = [f"{name},X,Unit,English,https://x.com/{name}\n" for name in "abcd"]
    assert len(read(HEAD + ",,,\n\n".join(rows[:3]) + ",,,,\n" * 9)) == 3

    def never(*_: object) -> None:
        raise AssertionError("a row was read though there are too many")

    monkeypatch.setattr(rows_module, "_row", never)
    with pytest.raises(UnreadableFile) as refused:
        read(HEAD + "".join(rows))
    assert (refused.value.field, refused.value.accepted) == ("body", "at most 3 rows")
    assert "3" in refused.value.text.zh


def test_a_cell_that_grows_beyond_all_bounds_is_named_by_the_line_on_which_it_began() -> None:
    with pytest.raises(UnreadableFile, match="line 3"):
        read(HEAD + "a,X,Unit,English,https://x.com/a\n" + '"' + "b,X,Unit,English,https://x.com/b\n" * 5000)


def test_rows_are_read_as_they_are_asked_for() -> None:
    """All of a large file's rows at once would take a hundred times what the file does."""
    count = 5_000
    lines = (f"Example {n},X,Example county,en,https://x.com/e{n}\n" for n in range(count))
    content = ("account,platform,department,language,url\n" + "".join(lines)).encode()
    tracemalloc.start()
    try:
        rows = read_list(content, source="s", on=date(2025, 6, 1), unit_scheme="ca-name", now=NOW)
        assert len(rows) == count
        assert sum(row.event is not None for row in rows) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(content)
    assert [row.line for row in rows][:2] == [2, 3], "and anew with every pass"
