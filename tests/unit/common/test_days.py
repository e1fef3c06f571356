"""Days are counted on the calendar, whatever the clocks of a zone do between them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import days

# Clocks change at 2:00, at midnight, by half an hour, not at all; in Apia a whole day was left out.
ZONES = [
    "America/Toronto",
    "Europe/Berlin",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Asia/Shanghai",
    "Pacific/Apia",
    "Asia/Tehran",
    "UTC",
]
DAYS = st.dates(date(2000, 1, 3), date(2099, 1, 1))


@pytest.mark.parametrize("zone", ZONES)
@given(day=DAYS)
def test_a_morning_is_the_first_instant_of_its_day(zone: str, day: date) -> None:
    there = ZoneInfo(zone)
    first = days.morning(day, there)
    left_out = days.of(first, there) != day
    assert not left_out or (zone, day) == ("Pacific/Apia", date(2011, 12, 30))
    assert days.of(first, there) >= day > days.of(first - timedelta(microseconds=1), there)
    assert days.end(day, there) == days.morning(day + timedelta(days=1), there)


@pytest.mark.parametrize("zone", ZONES)
@given(day=DAYS, minute=st.integers(0, 1439), number=st.integers(0, 400))
def test_n_days_are_over_n_calendar_days_later(zone: str, day: date, minute: int, number: int) -> None:
    there, at = ZoneInfo(zone), datetime.combine(day, time(minute // 60, minute % 60), UTC)
    over = days.after(at, number, there)
    assert over == days.morning(at.astimezone(there).date() + timedelta(days=number), there)


@pytest.mark.parametrize(
    ("zone", "at", "number", "expected"),
    [
        ("America/Toronto", "2025-11-02T00:30-04:00", 1, "2025-11-03T00:00-05:00"),
        ("America/Toronto", "2026-03-08T00:30-05:00", 1, "2026-03-09T00:00-04:00"),
        ("Africa/Cairo", "2026-04-23T12:00+02:00", 1, "2026-04-24T01:00+03:00"),
        ("America/Santiago", "2026-04-04T23:30-04:00", 1, "2026-04-05T00:00-04:00"),
        ("Pacific/Apia", "2011-12-28T12:00-10:00", 2, "2011-12-31T00:00+14:00"),
    ],
)
def test_where_clocks_change(zone: str, at: str, number: int, expected: str) -> None:
    assert days.after(datetime.fromisoformat(at), number, ZoneInfo(zone)) == datetime.fromisoformat(expected)


def test_the_same_time_of_yesterday_may_be_23_or_25_hours_ago() -> None:
    toronto = ZoneInfo("America/Toronto")
    for now, before in (
        ("2025-11-02T12:00-05:00", "2025-11-01T12:00-04:00"),
        ("2026-03-08T12:00-04:00", "2026-03-07T12:00-05:00"),
        ("2026-06-08T12:00-04:00", "2026-06-07T12:00-04:00"),
    ):
        assert days.same_time(datetime.fromisoformat(now), -1, toronto) == datetime.fromisoformat(before)


def test_days_are_never_added_to_an_instant() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for wrong in (lambda: days.later(now, 1), lambda: days.between(now, now), lambda: days.end(now, UTC)):
        with pytest.raises(TypeError, match="of an instant take the day first"):
            wrong()
