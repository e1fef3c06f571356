"""What the public is told comes next: in both languages, for every stage, with the days that the machine keeps."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from libs.common import days
from services.decommission.announcements import outlook
from services.decommission.announcements.outlook import State
from services.decommission.limits.domain import Windows
from tests.unit.decommission import parts

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2025, 9, 1, 17, tzinfo=UTC)  # the second of September in Shanghai
TOLD = {"announced_on": "2025-08-01", "stop_not_before": "2025-09-01"}


def test_every_state_has_its_own_words_in_both_languages() -> None:
    found = {state: outlook.after(state, TOLD, parts.progress(Windows(), ZONE)) for state in get_args(State)}
    assert len(set(found.values())) == len(found) == 5
    for zh, en in found.values():
        assert any("\u4e00" <= char <= "\u9fff" for char in zh)
        assert not any("\u4e00" <= char <= "\u9fff" for char in en)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))
def test_the_days_told_are_those_of_the_case(verify: int, restore: int, paused: int) -> None:
    windows = Windows(verify_days=verify, restore_days=restore)
    for_all = outlook.after("announced", TOLD, parts.progress(windows, ZONE))
    assert all("2025-09-01" in text and str(verify) in text and str(restore) in text for text in for_all)
    stopped = outlook.after("announced", TOLD, parts.progress(windows, ZONE, stopped_at=AT))
    assert all("2025-09-02" in text and str(restore) in text for text in stopped)
    seen = parts.progress(windows, ZONE, stopped_at=AT, verified_at=AT + timedelta(days=verify), paused=paused)
    last = days.later(days.of(AT, ZONE), verify + restore + paused)
    assert all(str(last) in text for text in outlook.after("announced", TOLD, seen))


def test_what_is_being_brought_back_is_not_said_to_close() -> None:
    back = parts.progress(Windows(), ZONE, stopped_at=AT, restore_why="asked for")
    assert outlook.after("announced", TOLD, back) == outlook.RETURNING
    assert outlook.after("announced", None, back) == outlook.IN_DOUBT
