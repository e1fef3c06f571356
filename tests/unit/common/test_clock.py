"""Two kinds of time; business time comes from one clock and never goes back (architecture 9.1, 9.12)."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.clock import ClockBackwards, SteppedClock, SystemClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(st.lists(INSTANTS, min_size=1, max_size=20))
def test_it_never_goes_back(instants: list[datetime]) -> None:
    """Each step forward is taken, each step back refused and without effect."""
    clock = SteppedClock(SHANGHAI, instants[0])
    for instant in instants:
        before = clock.now()
        if instant < before:
            with pytest.raises(ClockBackwards) as refused:
                clock.set(instant)
            assert before.isoformat() in (refused.value.accepted or "")
            assert clock.now() == before
        else:
            clock.set(instant)
            assert clock.now() == instant


def test_it_stands_still() -> None:
    """Between two steps no time passes."""
    clock = SteppedClock(SHANGHAI, datetime(2025, 6, 1, tzinfo=UTC))
    assert {clock.now() for _ in range(100)} == {datetime(2025, 6, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2025, 5, 31, 15, 59, 59, tzinfo=UTC), date(2025, 5, 31)),
        (datetime(2025, 5, 31, 16, 0, tzinfo=UTC), date(2025, 6, 1)),
        (datetime(2025, 6, 1, 15, 59, 59, tzinfo=UTC), date(2025, 6, 1)),
        (datetime(2025, 6, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5))), date(2025, 6, 2)),
    ],
)
def test_the_day_is_that_of_the_deployment(instant: datetime, day: date) -> None:
    """Instants are UTC, the day's boundary is one zone's midnight."""
    clock = SteppedClock(SHANGHAI, instant)
    assert clock.today() == day
    assert clock.now().tzinfo is UTC


def test_the_system_clock_is_the_machines() -> None:
    """Aware, in UTC, and moving."""
    clock = SystemClock(SHANGHAI)
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.mode == "system"
    assert clock.now().utcoffset() == timedelta(0)
