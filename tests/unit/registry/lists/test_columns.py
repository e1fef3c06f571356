"""A list's header: found below titles, in any usual encoding and separator, and never read in two ways."""

from datetime import UTC, date, datetime

import pytest

from services.registry.imports.rows import Row, Rows
from services.registry.lists.tables import UnreadableFile
from tests.kit.lists import read_list

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
HEAD = "账号名称,平台,主办单位,语言,链接"
ROW = "减负,微博,办公厅,中文,https://weibo.com/jianfu"
CODE = "11100000000013338W"


def read(content: bytes | str, scheme: str = "name") -> Rows:
    raw = content.encode() if isinstance(content, str) else content
    return read_list(raw, source="s", on=date(2025, 6, 1), unit_scheme=scheme, now=NOW)


def refused(content: bytes | str) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert caught.value.accepted
    return caught.value


def remark(row: Row) -> tuple[int, str | None, str | None]:
    return row.line, row.remark and row.remark.code, row.remark and row.remark.field


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_what_office_programs_save_is_read(separator: str, encoding: str) -> None:
    text = f"{HEAD}\r\n{ROW}\r\n".replace(",", separator)
    (row,) = read(text.encode(encoding))
    assert row.event is not None
    assert (row.event.name, row.identity and row.identity.key) == ("减负", ("weibo", "jianfu"))


def test_a_header_below_titles_is_found_and_lines_are_those_of_the_file() -> None:
    rows = read(
        f"某市政务新媒体名录,,,,\n\n填报日期:2025年6月,,,,\n{HEAD}\n{ROW}\n,,,,\n减负二,微博,办公厅,中文,坏:// \n"
    )
    assert rows.header.line == 4
    assert [remark(row) for row in rows] == [(5, None, None), (7, "unreadable_address", "address")]


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ("name,platform,unit,url,address", ("'url'", "'address'")),
        ("account,name,platform,unit,url", ("'account'", "'name'")),
        ("name,platform,unit,url,url", ("column 4", "column 5")),
        ("账号名称,平台,主办单位,单位,链接", ("'主办单位'", "'单位'")),
        ("name,platform,unit(全称),unit(简称),url", ("'unit(全称)'", "'unit(简称)'")),
        ("name,platform,unit,url,状态,status", ("'状态'", "'status'")),
    ],
)
def test_two_columns_for_one_field_refuse_the_file_and_are_both_named(head: str, named: tuple[str, str]) -> None:
    error = refused(f"{head}\nOffice A,website,Unit A,https://a.example,1 Main Street Room 5\n")
    assert (error.code, error.field) == ("unreadable_file", "header")
    for language in ("zh", "en"):
        assert all(name in error.text.in_(language) for name in named)  # type: ignore[arg-type]


def test_a_row_with_more_cells_than_columns_is_refused_and_means_nothing() -> None:
    head = "account,platform,department,language,url"
    rows = read(
        f"{head}\nAgency 1,X,Unit,English,https://x.com/gone_1\nAgency 3, North,X,Unit,English,https://x.com/gone_3\n"
        "Agency 4,X,Unit,English,https://x.com/gone_4,, ,\n"
    )
    assert [remark(row) for row in rows] == [(2, None, None), (3, "more_cells", None), (4, None, None)]
    shifted = list(rows)[1]
    assert (shifted.event, shifted.identity) == (None, None)
    (unnamed,) = read(f"{head},,\nAgency 3, North,X,Unit,English,https://x.com/gone_3,\n")
    assert remark(unnamed) == (2, "more_cells", None), "a column without a name is none"


def test_a_header_once_more_is_no_asset_and_another_one_refuses_the_file() -> None:
    rows = list(read(f"{HEAD}\n{ROW}\n{HEAD}\n减负二,微博,办公厅,中文,https://weibo.com/jianfu2\n"))
    assert [remark(row) for row in rows] == [(2, None, None), (3, "header_again", None), (4, None, None)]
    assert rows[1].identity is None
    error = refused(f"{HEAD}\n{ROW}\n平台,账号名称,主办单位,链接\n微博,减负二,办公厅,https://weibo.com/jianfu2\n")
    assert (error.field, "3" in error.text.en) == ("header", True)


def test_columns_that_nobody_knows_are_listed() -> None:
    rows = read(f"序号,{HEAD},粉丝数,,备注\n1,{ROW},12,,x\n")
    assert rows.header.unknown == ["序号", "粉丝数", "(column 8)", "备注"]
    assert next(iter(rows)).event is not None


def test_a_header_that_lacks_columns_says_which_and_what_would_do() -> None:
    error = refused(f"{HEAD.replace('主办单位', '科室')}\n{ROW}\n")
    assert (error.field, "unit" in error.text.zh, "主办单位" in str(error.accepted)) == ("header", True, True)
    assert refused(f"{HEAD}\n{ROW}\n".encode("utf-32")).field == "body"


def test_merged_cells_leave_a_blank_that_is_named_and_ditto_is_no_unit() -> None:
    rows = list(
        read(
            "账号名称,平台,主办单位,语言,链接\n减负,微博,办公厅,中文,https://weibo.com/jianfu1\n"
            "减负二,抖音,,中文,https://www.douyin.com/user/MS4a\n减负三,微博,同上,中文,https://weibo.com/jianfu3\n"
        )
    )
    assert [remark(row) for row in rows] == [(2, None, None), (3, "invalid", "unit"), (4, "invalid", "unit")]
    assert all("主办单位" in row.remark.zh and "主办单位" in row.remark.en for row in rows[1:] if row.remark)


def test_the_code_of_a_unit_is_its_name_in_the_register_and_a_wrong_one_is_refused() -> None:
    head = "账号名称,平台,主办单位,统一社会信用代码,链接\n"
    lines = [CODE.lower(), "", "11100000000013338X", "毕节市公安局", "同上", "无"]
    rows = list(read(head + "".join(f"a{n},X,某局,{code},https://x.com/a{n}\n" for n, code in enumerate(lines))))
    sponsors = [
        row.event and (row.event.sponsor.scheme, row.event.sponsor.value, row.event.sponsor.name) for row in rows
    ]
    named = ("name", "某局", "某局")
    assert sponsors == [("cn-uscc", CODE, "某局"), named, None, None, None, named]
    assert {remark(row)[2] for row in rows[2:5]} == {"code"}


@pytest.mark.parametrize("scheme", ["cn-uscc", "CN_USCC"])
def test_a_name_under_the_scheme_of_codes_is_refused(scheme: str) -> None:
    (row,) = read(f"{HEAD}\n{ROW.replace('办公厅', '毕节市公安局')}\n", scheme)
    assert remark(row) == (2, "invalid", "unit")
    (row,) = read(f"{HEAD}\n{ROW.replace('办公厅', CODE)}\n", scheme)
    assert row.event is not None
    assert (row.event.sponsor.scheme, row.event.sponsor.value) == ("cn-uscc", CODE)
    (row,) = read(f"{HEAD},统一社会信用代码\n{ROW},\n", scheme)
    assert remark(row) == (2, "invalid", "code")


def test_apps_and_groups_are_told_as_such() -> None:
    rows = read(
        "名称,类型,平台,单位,地址\n办事通,APP,安卓,局,cn.gov.bst\n减负,,微博,局,https://weibo.com/jianfu\n防汛群,群组,微信,局,fx-2025\n"
        "值班群,,QQ群,局,123456789\n坏,频道,微博,局,https://weibo.com/b\n"
    )
    kinds = [(row.event and row.event.kind, row.kind) for row in rows]
    assert kinds[:4] == [("app", "app"), ("account", "account"), ("group", "group"), ("group", "group")]
    assert remark(list(rows)[4]) == (6, "invalid", "kind")


def test_what_a_list_calls_closed_declares_nothing_but_is_read() -> None:
    rows = list(read(f"{HEAD},状态\n{ROW},已注销\n{ROW}2,正常\n{ROW}3,\n{ROW}4,停更\n"))
    assert [(row.event is not None, row.ended) for row in rows] == [
        (False, True),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert [remark(row)[1:] for row in rows[::3]] == [("not_running", "running"), ("invalid", "running")]


def test_a_day_that_software_makes_up_is_no_day_of_opening() -> None:
    head = "name,platform,unit,url,opened_on\n"
    days = ("1970-01-01", "1899-12-30", "0001-01-01", "2020/1/31", "2020-1-31", "2020年1月31日", "2020-01-31 00:00:00")
    rows = list(read(head + "".join(f"a,X,U,https://x.com/nd{n},{day}\n" for n, day in enumerate(days))))
    assert [remark(row)[1:] for row in rows] == [("invalid", "opened_on")] * 3 + [(None, None)] * 4
    assert {row.event.opened_on for row in rows if row.event} == {date(2020, 1, 31)}


def test_an_apostrophe_that_keeps_a_formula_from_being_one_is_no_part_of_the_cell() -> None:
    (row,) = read(f"{HEAD}\n'@减负,微博,办公厅,中文,https://weibo.com/jianfu\n")
    assert row.event is not None
    assert row.event.name == "@减负"
