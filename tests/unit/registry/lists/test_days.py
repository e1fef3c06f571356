"""Days in lists: spreadsheet dates are read, default dates of software are refused."""

from datetime import date

import pytest

from libs.common.errors import Invalid
from services.registry.lists.days import listed_day


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-31",
        "2020/1/31",
        "2020-1-31",
        "2020.1.31",
        "2020年1月31日",
        "2020年01月31号",
        "2020 年 1 月 31 日",
        "2020-01-31 00:00:00",
        "2020/1/31 0:00",
        "2020-01-31T00:00:00.000",
        "2020/1/31 14:35:09",
        "20200131",
        "43861",
        "43861.5",
        "２０２０／１／３１",
        " 2020-01-31 ",
        "2020年1月31日星期五",
        "2020/1/31 上午 8:30",
        "2020/01/31 12:00:00 AM",
        "二〇二〇年一月三十一日",
    ],
)
def test_every_way_in_which_a_spreadsheet_writes_a_day_is_read(text: str) -> None:
    assert listed_day(text) == date(2020, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        "1899-12-30",
        "1899/12/30 0:00",
        "1900-01-00",
        "1970-01-01",
        "1970年1月1日",
        "0001-01-01",
        "0000-00-00",
        "0",
        "1",
        "25569",
        "-1",
        "36525",
        "1999-12-31",
        "2100-01-01",
        "9999-12-31",
        "73051",
        "2020",
        "2020-01",
        "2020年1月",
        "202001",
        "31/1/2020",
        "1/31/2020",
        "20/1/31",
        "2020-02-30",
        "2020-13-01",
        "2020/1-31",
        "2020-01-31Z",
        "2020-01-31 24:00",
        "1580428800",
        "43861x",
        "去年",
        "2020-01-31 and more",
    ],
)
def test_what_is_no_day_or_one_that_software_makes_up_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        listed_day(text)
    assert (refused.value.field, "2025/1/31" in str(refused.value.accepted)) == ("opened_on", True)
    assert text[:40] in refused.value.text.zh


def test_a_spreadsheets_number_counts_from_its_day_zero() -> None:
    assert (listed_day("36526"), listed_day("45352")) == (date(2000, 1, 1), date(2024, 3, 1))
