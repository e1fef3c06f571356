"""Where a page begins, in a text that nobody need read."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Invalid
from libs.common.http import paging
from libs.common.http.paging import Place
from libs.common.text import in_one_language

INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, st.uuids())
def test_a_cursor_says_where_it_was_given_out(at: datetime, which: UUID) -> None:
    told = paging.cursor(at, which)
    assert len(told) == 32
    assert paging.place(told) == Place(at, which)


def test_the_zone_in_which_an_instant_is_told_does_not_matter() -> None:
    at = datetime(2025, 6, 2, 4, tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(hours=8)))
    assert paging.cursor(at, UUID(int=7)) == paging.cursor(there, UUID(int=7))


def test_without_a_cursor_a_list_begins_at_its_newest() -> None:
    assert paging.place(None) == Place(None, None)


@pytest.mark.parametrize("text", ["", "x", "A" * 31, "A" * 33, "*" * 32, "f" + "_" * 31, "不" * 32, str(UUID(int=1))])
def test_what_was_not_given_out_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        paging.place(text)
    assert (refused.value.field, refused.value.accepted) == ("cursor", "next of the page before")


def test_the_last_page_has_no_next_also_where_it_is_full() -> None:
    rows = [(datetime(2025, 6, day, tzinfo=UTC), UUID(int=day)) for day in (3, 2, 1)]
    shown, after = paging.cut(rows, 2, lambda row: row)
    assert (shown, paging.place(after)) == (rows[:2], Place(*rows[1]))
    assert paging.cut(rows, 3, lambda row: row) == (rows, None)
    assert paging.cut(rows[:0], 3, lambda row: row) == ([], None)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], None),
        ([("en", "Office")], "Office"),
        ([("en", "Office"), ("zh-Hans", "办公厅")], "办公厅"),
        ([("fr", "Bureau"), ("en", "Office")], "Bureau"),
        ([("ZH", "办公厅"), ("en", "Office")], "办公厅"),
    ],
)
def test_of_several_names_the_chinese_one_is_shown_else_the_first(
    names: list[tuple[str, str]], shown: str | None
) -> None:
    assert in_one_language(names) == shown
