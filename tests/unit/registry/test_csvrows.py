"""A file import: a verdict per row, the first line of a twin shown, a clear word for a file that cannot be read."""

from datetime import date

import pytest

from services.registry import csvrows

HEAD = "account,platform,department,language,url\n"


def read(text: str) -> list[csvrows.Row]:
    return csvrows.read(text.encode(), source="s", on=date(2025, 6, 1), unit_scheme="ca-name")


def test_a_bad_row_is_named_and_stops_no_other() -> None:
    rows = read(
        HEAD
        + "a,X,Unit,English,https://x.com/a\n,X,Unit,English,https://x.com/b\nc,X,Unit,English,https://x.com/\n\nd,X,Unit,Français,https://x.com/d\n"
    )
    assert [(row.line, row.code, row.field) for row in rows] == [
        (2, None, None), (3, "invalid", "name"), (4, "unreadable_address", "address"), (6, None, None),
    ]  # fmt: skip
    assert rows[2].zh
    assert rows[2].en
    assert rows[3].told is not None
    assert rows[3].told.language == "fr"


def test_a_twin_in_the_same_file_names_the_line_of_the_first() -> None:
    rows = read(HEAD + "a,X,Unit,English,https://twitter.com/A\nb,X,Unit,English,https://x.com/a?lang=fr\n")
    assert (rows[1].code, rows[1].twin_line) == ("duplicate_row", 2)


def test_chinese_headers_and_a_byte_order_mark_are_read() -> None:
    rows = read("\ufeff账号名称,平台,主办单位,语言,链接\n减负,微博,办公厅,中文,https://weibo.com/jianfu\n")
    assert rows[0].told is not None
    assert (rows[0].told.platform, rows[0].told.language) == ("微博", "zh")
    assert rows[0].what is not None
    assert rows[0].what.platform == "weibo"


@pytest.mark.parametrize(
    ("content", "field"),
    [(b"\xff\xfe\x00", "body"), (b"a,b\n1,2\n", "header"), (b"", "header"), (b"x" * (21 << 20), "body")],
)
def test_a_file_that_cannot_be_read_says_what_would_be(content: bytes, field: str) -> None:
    with pytest.raises(csvrows.UnreadableFile) as refused:
        csvrows.read(content, source="s", on=date(2025, 6, 1), unit_scheme="ca-name")
    assert refused.value.field == field
    assert refused.value.accepted
