"""What a notice and an announcement tell people is what the machine does, to the day, whatever the clocks do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from libs.common import days
from services.decommission.cases import next_move
from services.decommission.keys.domain import UnitKey
from services.decommission.limits.domain import Windows
from tests.unit.decommission.life import SHORT, Life
from tests.unit.decommission.papers import Line, faults, lines, papers, written

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TORONTO, SHANGHAI = ZoneInfo("America/Toronto"), ZoneInfo("Asia/Shanghai")
# Each begins shortly before its clocks change: back, forward, at midnight, by half an hour, not at all.
PLACES = [
    ("America/Toronto", "2025-11-01T00:20"),
    ("America/Toronto", "2026-03-07T23:40"),
    ("Europe/Berlin", "2026-10-24T00:10"),
    ("America/Santiago", "2026-04-03T12:00"),
    ("Africa/Cairo", "2026-04-22T23:30"),
    ("Australia/Lord_Howe", "2026-04-04T00:05"),
    ("Asia/Shanghai", "2026-01-31T09:00"),
]


def there(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def noticed(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = Life(windows, zone=zone, start=at)
    assert life.do() == "notice"
    return life


def announced(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    """A case whose public notice begins just then."""
    life = noticed(windows, zone, at - 50 * DAY)
    life.now = at
    life.settle()
    assert life.p.announced_at == at
    return life


def verified(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = announced(windows, zone, at - (windows.announce_days + 2) * DAY)
    life.now = at - DAY
    life.settle()
    assert life.state == "verifying"
    life.now = at
    life.do()
    assert life.p.looks.verified_at == at
    return life


def fixing(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = noticed(windows, zone, at)
    life.add("answered", answer="fix", reason="", until=days.later(life.today, 2).isoformat())
    return life


def held(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = announced(windows, zone, at)
    life.add("held", reason="r", until=days.later(life.today, 2).isoformat())
    return life


def undelivered(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = Life(windows, zone=zone, start=at)
    life.do("refused")
    return life


def agreed(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = noticed(windows, zone, at)
    life.add("answered", answer="close", reason="", until=None)
    return life


def stop_refused(windows: Windows, zone: ZoneInfo, at: datetime) -> Life:
    life = announced(windows, zone, at - (windows.announce_days + 1) * DAY)
    life.now = at
    while life.move != next_move.Do("stop"):
        assert life.part() or life.reply("confirmed"), life.state
    life.do("refused")
    return life


LONGER = replace(SHORT, answer_days=2, announce_days=2, restore_days=2, min_answer_days=2, notice_retry_days=2)
# From the day on which a wait begins to the first day on which the machine goes on: a date that people were told to act
# by is theirs until its end, what is told not to come before a date may come with its morning.
WAITS: dict[str, tuple[Callable[[Windows, ZoneInfo, datetime], Life], int]] = {
    "answer_by": (noticed, 3),
    "fix_until": (fixing, 3),
    "hold_until": (held, 3),
    "stop_not_before": (announced, 2),
    "agreed": (agreed, 2),
    "retry": (undelivered, 2),
    "after_a_failure": (stop_refused, 1),
}


@pytest.mark.parametrize("wait", sorted(WAITS))
@pytest.mark.parametrize(("zone", "text"), PLACES)
def test_a_wait_ends_with_the_day_and_never_with_the_hour(wait: str, zone: str, text: str) -> None:
    make, expected = WAITS[wait]
    place = ZoneInfo(zone)
    begun = there(place, text)
    life = make(LONGER, place, begun)
    assert life.now == begun
    first = begun.astimezone(place).date() + expected * DAY
    told = life.move
    assert isinstance(told, next_move.Wait), life.state
    for _ in range(24 * 2 * (expected + 2)):
        waiting = isinstance(life.move, next_move.Wait)
        assert waiting == (life.now.astimezone(place).date() < first), (life.now.astimezone(place), life.move)
        assert not waiting or life.move == told, "it is known from the beginning"
        life.now += HOUR / 2
    assert told.until is not None
    assert told.until.astimezone(place).date() == first
    assert (told.until - timedelta(seconds=1)).astimezone(place).date() == first - DAY


@pytest.mark.parametrize(("zone", "text"), PLACES)
def test_what_was_stopped_can_come_back_for_its_days(zone: str, text: str) -> None:
    place = ZoneInfo(zone)
    life = verified(replace(LONGER, verify_days=1), place, there(place, text))
    since = life.p.looks.verified_at
    assert since is not None
    for _ in range(24 * 6):
        over = life.now.astimezone(place).date() >= since.astimezone(place).date() + 2 * DAY
        assert isinstance(life.move, next_move.Wait) != over, life.now.astimezone(place)
        life.now += HOUR / 2


def test_no_stop_on_the_day_before_the_announced_one() -> None:
    life = announced(replace(SHORT, announce_days=1), TORONTO, there(TORONTO, "2025-11-02T00:30"))
    assert life.move == next_move.Wait(there(TORONTO, "2025-11-03T00:00"))
    life.now = there(TORONTO, "2025-11-02T23:35")
    assert life.move == next_move.Wait(there(TORONTO, "2025-11-03T00:00"))
    life.now = there(TORONTO, "2025-11-03T00:00")
    assert life.do() == "archive"


def test_thirty_days_end_on_the_morning_of_the_announced_day() -> None:
    life = announced(replace(SHORT, announce_days=30), TORONTO, there(TORONTO, "2026-10-10T00:20"))
    life.now = there(TORONTO, "2026-11-08T23:30")
    assert life.move == next_move.Wait(there(TORONTO, "2026-11-09T00:00"))


def test_a_unit_may_answer_until_the_end_of_the_day_that_its_notice_names() -> None:
    life = noticed(Windows(), SHANGHAI, there(SHANGHAI, "2026-10-10T09:00"))
    life.now = there(SHANGHAI, "2026-10-25T09:01")
    assert life.move == next_move.Wait(there(SHANGHAI, "2026-10-26T00:00"))
    life.now = there(SHANGHAI, "2026-10-26T00:00")
    assert life.move == next_move.Plan()


@pytest.mark.parametrize(
    ("pieces", "prolonged"),
    [([("09:00", "23:00")], 0), ([("09:00", "33:00")], 1), ([("23:59", "24:01")], 1), ([("01:00", "02:00")] * 3, 0)],
)
def test_a_hold_prolongs_a_wait_by_the_days_that_passed(pieces: list[tuple[str, str]], prolonged: int) -> None:
    """On the night on which clocks go back; a hold over midnight is a day, however short."""
    start = there(TORONTO, "2025-11-01T00:20")
    life = announced(replace(SHORT, announce_days=5), TORONTO, start)
    for begin, end in pieces:
        for kind, clock in (("held", begin), ("released", end)):
            hours, _, minutes = clock.partition(":")
            life.now = start - timedelta(minutes=20) + int(hours) * HOUR + timedelta(minutes=int(minutes))
            life.add(kind, reason="r", **({"until": None} if kind == "held" else {}))
    assert life.move == next_move.Wait(days.morning(date(2025, 11, 6) + prolonged * DAY, TORONTO))


@pytest.mark.parametrize(("zone", "text"), PLACES)
def test_a_key_proves_after_so_many_days(zone: str, text: str) -> None:
    place = ZoneInfo(zone)
    at = there(place, text)
    key = UnitKey(
        unit_id=UUID(int=1),
        ordinal=1,
        url="",
        public_key={},
        thumbprint="t",
        set_by="o",
        set_at=at,
        proved_at=at,
        confirmed_by="r",
        confirmed_at=at,
        in_force_from=at,
        retired_at=None,
    )
    since = key.proves_from(2, place)
    assert since == days.morning(at.astimezone(place).date() + 2 * DAY, place)
    assert key.proves_from(0, place) == at, "a case from before keys aged"


# --- the verifier, which replays the windows


def led(zone: ZoneInfo, at: datetime) -> Life:
    """A case that was closed, moved on at every half hour at which it could be."""
    life = Life(replace(SHORT, verify_days=1), zone=zone, start=at)
    for _ in range(24 * 2 * 40):
        if life.move == next_move.Done():
            return life
        life.settle()
        life.now += HOUR / 2
    raise AssertionError(life.state)


@pytest.mark.parametrize(("zone", "text"), PLACES)
def test_a_case_led_by_the_calendar_verifies(zone: str, text: str) -> None:
    place = ZoneInfo(zone)
    life = led(place, there(place, text))
    assert life.state == "closed"
    assert faults(written(life)) == []


def sooner(log: list[Line], kind: str, zone: ZoneInfo, by: timedelta) -> list[Line]:
    """The log with all from an entry on so much earlier."""
    place = next(number for number, one in enumerate(log) if one["kind"] == kind)
    for one in log[place:]:
        one["at"] -= by
        if one["data"].get("day"):
            one["data"]["day"] = one["at"].astimezone(zone).date().isoformat()
    return log


@pytest.mark.parametrize("kind", ["planned", "archive_started"])
@pytest.mark.parametrize(("zone", "text"), PLACES)
def test_a_minute_before_the_day_is_too_early(zone: str, text: str, kind: str) -> None:
    place = ZoneInfo(zone)
    life = led(place, there(place, text))
    log: list[Line] = sooner(lines(life.log), kind, place, HOUR / 2)
    told = faults(papers(log, life.windows, zone=place, last_state="closed"))
    assert any("it was not the next move then" in fault for fault in told)


ONE_DAY = replace(SHORT, answer_days=2, announce_days=1, verify_days=1, restore_days=1)


def by_the_hour() -> list[Line]:
    """A case as it was led when a day was 24 hours: its stop came on the day before the announced one."""
    life = Life(ONE_DAY, zone=TORONTO, start=there(TORONTO, "2025-10-30T00:30"))
    life.do()
    life.now += 3 * DAY
    life.settle()
    assert life.p.announced_at == there(TORONTO, "2025-11-02T00:30")
    life.now += DAY + HOUR
    life.settle()
    assert life.state == "verifying"
    log = sooner(lines(life.log), "archive_started", TORONTO, HOUR)
    assert log[-1]["at"] == there(TORONTO, "2025-11-02T00:30") + DAY
    return log


def test_a_log_entry_stays_what_it_was() -> None:
    assert faults(papers(by_the_hour(), ONE_DAY, zone=TORONTO, older_days=True)) == []
    now = papers(by_the_hour(), ONE_DAY, zone=TORONTO)
    assert any("archive_started" in fault and "not the next move" in fault for fault in faults(now))


def test_who_answered_in_the_last_hours_of_24_hour_days_is_at_one_of_two_places() -> None:
    """By hours the least time was not over yet, by the calendar it was: an older service told the former."""
    life = noticed(SHORT, SHANGHAI, there(SHANGHAI, "2026-01-01T12:00"))
    life.now = there(SHANGHAI, "2026-01-02T09:00")
    life.add("answered", answer="close", reason="", until=None)
    for told in ("answering", "ready"):
        assert faults(papers(lines(life.log), zone=SHANGHAI, older_days=True, last_state=told)) == []
    assert faults(papers(lines(life.log), zone=SHANGHAI, last_state="answering"))
    assert faults(papers(lines(life.log), zone=SHANGHAI, older_days=True, last_state="planned"))


def test_days_counted_in_an_unknown_way_are_told() -> None:
    log = lines(noticed(SHORT, SHANGHAI, there(SHANGHAI, "2026-01-01T12:00")).log)
    log[0]["data"]["days"] = "working days"
    assert any("counts days in a way" in fault for fault in faults(papers(log, older_days=True)))
