"""The fold: sums of beacons, refusals, and that it identifies no user."""

import base64
import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.admissions.domain import Voice
from services.monitor.usage import fold, sketches
from tests.unit.monitor.usage.voices import sent, voice

ZONE = ZoneInfo("Asia/Shanghai")
A = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
B = "9a0c4f89-0305-41d3-9a0c-3f2504e0e82c"
NOON = 1_749_096_000_000  # 2025-06-05 12:00 in Shanghai
DAY = date(2025, 6, 5)


def beacon(**changed: Any) -> bytes:
    fields = {"source": "s", "asset_id": A, "measure": "posts", "ts": NOON} | changed
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def folded(*lines: bytes | None) -> fold.FoldResult:
    made = fold.Fold(fold.Calendar(ZONE))
    assert made.add_all(lines, voice()) == []
    return made.result()


def test_counts_add_up_per_asset_day_and_measure() -> None:
    sheet = folded(beacon(), beacon(count=4), beacon(measure="views"), beacon(asset_id=B), beacon(source="t"))
    assert [(c.asset_id, c.measure, c.day, c.total) for c in sheet.counters] == [
        (A, "posts", DAY, 6),
        (A, "views", DAY, 1),
        (B, "posts", DAY, 1),
    ]
    assert sheet.received == (("s", DAY, 4), ("t", DAY, 1))


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2025-06-05T00:00:00+08:00", DAY),
        ("2025-06-05T23:59:59.999+08:00", DAY),
        ("2025-06-04T23:59:59+08:00", date(2025, 6, 4)),
    ],
)
def test_a_day_is_that_of_the_deployments_zone(local: str, day: date) -> None:
    from datetime import datetime

    ts = int(datetime.fromisoformat(local).timestamp() * 1000)
    assert folded(beacon(ts=ts)).counters[0].day == day


def test_a_zone_whose_offset_is_no_whole_hour_has_its_own_midnight() -> None:
    calendar = fold.Calendar(ZoneInfo("Asia/Kathmandu"))  # UTC+05:45
    midnight = 1_749_096_000_000 // 86_400_000 * 86_400_000 + (24 * 60 - 345) * 60_000
    assert calendar.day(midnight // fold.QUARTER) == date(2025, 6, 6)
    assert calendar.day(midnight // fold.QUARTER - 1) == DAY


def test_users_are_counted_once_and_found_nowhere() -> None:
    sheet = folded(*[beacon(user=f"person-{n % 40}") for n in range(400)])
    (counter,) = sheet.counters
    assert (counter.total, sketches.estimate(counter.users)) == (400, 40)
    assert b"person" not in sketches.stored(counter.users)


def test_sketches_survive_storage_and_unite() -> None:
    one = folded(*[beacon(user=f"u{n}") for n in range(1000)]).counters[0].users
    two = folded(*[beacon(user=f"u{n}") for n in range(500, 1500)]).counters[0].users
    both = sketches.merge(sketches.restored(sketches.stored(one)), two)
    assert abs(sketches.estimate(both) - 1500) < 75
    assert len(sketches.stored(both)) <= 1064


def test_a_folded_day_counts_as_the_records_it_stands_for() -> None:
    users = folded(*[beacon(user=f"u{n}") for n in range(30)]).counters[0].users
    sketch = sent(users)
    line = beacon(ts=..., day="2025-06-05", count=90, sketch=sketch, records=33)
    sheet = folded(line, beacon(user="u1"))
    assert (sheet.counters[0].total, sketches.estimate(sheet.counters[0].users)) == (91, 30)
    assert sheet.received == (("s", DAY, 34),)


@given(st.permutations([(NOON, 5), (NOON + 60_000, 3), (NOON + 60_000, 4), (NOON - 1000, 9)]))
def test_of_a_gauges_readings_the_latest_stands_in_whatever_order_they_come(order: list[tuple[int, int]]) -> None:
    sheet = folded(*[beacon(measure="posts_total", ts=ts, value=value) for ts, value in order])
    assert [(g.ts, g.value) for g in sheet.gauges] == [(NOON + 60_000, 4)]
    assert sheet.received == (("s", DAY, 4),)


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 5), st.integers(0, 2)), max_size=30), st.data())
def test_a_stream_cut_into_folds_comes_to_the_same(lines: list[tuple[str, int, int]], data: st.DataObject) -> None:
    raw = [beacon(asset_id=a, count=n, ts=NOON + d * 86_400_000) for a, n, d in lines]
    cut = data.draw(st.integers(0, len(raw)))
    parts = [folded(*raw[:cut]), folded(*raw[cut:])]
    added: dict[tuple[str, date], int] = {}
    for part in parts:
        for counter in part.counters:
            key = (counter.asset_id, counter.day)
            added[key] = added.get(key, 0) + counter.total
    assert added == {(c.asset_id, c.day): c.total for c in folded(*raw).counters}


REFUSED: list[tuple[bytes | None, str]] = [
    (beacon(vlaue=3), "vlaue: there is no such field; expected one of source, "),
    (None, "JSON object"),
    (b"", "JSON object"),
    (b"\xff\xfe", "JSON object"),
    (b"{", "JSON object"),
    (b"[]", "Expected `object`"),
    (beacon(asset_id=...), "asset_id"),
    (beacon(asset_id="x"), "asset_id: expected a UUID"),
    (beacon(asset_id=7), "asset_id"),
    (beacon(ts=...), "ts"),
    (beacon(ts="2025"), "ts"),
    (beacon(ts=NOON // 1000), "ts"),
    (beacon(ts=NOON * 1000), "ts"),
    (beacon(ts=10**30), ""),
    (beacon(count=-1), "count"),
    (beacon(count=1.5), "count"),
    (beacon(count=10**12), "count"),
    (beacon(source=""), "source"),
    (beacon(source="a\u0000b"), "source"),
    (beacon(measure="Posts"), "measure"),
    (beacon(measure="x" * 41), "measure"),
    (beacon(measure="po\u0000sts"), "measure"),
    (
        beacon(measure="likes"),
        "measure: expected one that the source is admitted for: followers, posts, posts_total, views",
    ),
    (beacon(source="u"), "source: expected one that is admitted for the agent i|agent: s, t"),
    (beacon(measure="followers"), "gauge"),
    (beacon(value=5), "measure: with a value"),
    (beacon(measure="followers", value=-1), "value"),
    (beacon(measure="followers", value=5, day="2025-06-05"), "day"),
    (beacon(day="2025-6-5"), "day"),
    (beacon(day="1999-06-05"), "day"),
    (beacon(day="2025-06-05", user="u"), "day"),
    (beacon(day="2025-06-05", sketch="!"), "sketch"),
    (beacon(day="2025-06-05", sketch=base64.b64encode(b"no sketch at all").decode()), "sketch"),
    (beacon(day="2025-06-05", sketch=""), "sketch"),
    (b'{"source": "s", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}", "RecursionError"),
]


@pytest.mark.parametrize(("line", "said"), REFUSED, ids=lambda part: repr(part)[:60])
def test_a_bad_record_is_refused_alone_and_counts_nowhere(line: bytes | None, said: str) -> None:
    made = fold.Fold(fold.Calendar(ZONE))
    ((index, reason),) = made.add_all([beacon(), line, beacon()], voice())
    assert index == 1
    assert said in reason
    sheet = made.result()
    assert [(c.asset_id, c.total) for c in sheet.counters] == [(A, 2)]
    assert sheet.gauges == ()
    assert sheet.received == (("s", DAY, 2),)
    assert made.records == 2


def test_a_refusal_never_quotes_the_record() -> None:
    secret = "zhang-san-13800000000"
    made = fold.Fold(fold.Calendar(ZONE))
    lines = [
        beacon(user=secret, asset_id=secret),
        beacon(user=secret, ts=secret),
        beacon(measure=secret),
        secret.encode(),
    ]
    assert all(secret not in reason for _, reason in made.add_all(lines, voice()))


def test_another_spelling_of_an_id_is_the_same_asset() -> None:
    sheet = folded(beacon(), beacon(asset_id=A.upper()), beacon(asset_id=A.replace("-", "")))
    assert [(c.asset_id, c.total) for c in sheet.counters] == [(A, 3)]


OLDEST = date(2025, 4, 21)


@pytest.mark.parametrize(
    "changed",
    [
        {"ts": NOON + 86_400_000},
        {"ts": NOON - 46 * 86_400_000},
        {"ts": NOON + 300 * 86_400_000},
        {"measure": "followers", "value": 5, "ts": NOON + 86_400_000},
        {"measure": "followers", "value": 5, "ts": NOON - 46 * 86_400_000},
    ],
)
def test_a_time_of_a_day_to_come_or_too_long_past_is_refused_by_name(changed: dict[str, Any]) -> None:
    made = fold.Fold(fold.Calendar(ZONE))
    ((_, reason),) = made.add_all([beacon(**changed)], voice(first=OLDEST, last=DAY))
    assert reason == "ts: expected a time of the days 2025-04-21 to 2025-06-05"
    assert made.result() == fold.FoldResult(counters=(), gauges=(), received=())


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("2025-06-05", True),
        ("2025-06-06", False),
        ("2025-04-21", True),
        ("2025-04-20", False),
        ("9999-12-31", False),
        ("2098-12-31", False),
    ],
)
def test_a_folded_day_to_come_or_too_long_past_is_refused_by_name(day: str, taken: bool) -> None:
    made = fold.Fold(fold.Calendar(ZONE))
    refused = made.add_all([beacon(ts=..., day=day, count=3)], voice(first=OLDEST, last=DAY))
    assert refused == ([] if taken else [(0, "day: expected YYYY-MM-DD, 2025-04-21 to 2025-06-05")])


def test_a_source_counts_only_in_the_measures_that_it_is_admitted_for() -> None:
    made = fold.Fold(fold.Calendar(ZONE))
    only = Voice(takes={"s": frozenset({"views"})}, first=OLDEST, last=DAY, who="i|agent")
    refused = made.add_all([beacon(), beacon(measure="views"), beacon(measure="posts_total", value=0)], only)
    assert [reason for _, reason in refused] == ["measure: expected one that the source is admitted for: views"] * 2
    assert [counter.measure for counter in made.result().counters] == ["views"]


def test_all_problems_of_a_record_are_named_at_once() -> None:
    """Fields that are unknown, missing or of another type; then readable records that are refused."""
    made = fold.Fold(fold.Calendar(ZONE))
    ((_, read), (_, taken)) = made.add_all(
        [
            beacon(mesure="posts", measure=..., count="2", ts=-1.5),
            beacon(measure="postz", asset_id="x", ts=NOON + 86_400_000),
        ],
        voice(first=OLDEST, last=DAY),
    )
    assert read.startswith("mesure: there is no such field; expected one of source, asset_id, measure, ")
    assert [part.partition(":")[0] for part in read.split("; ")[2:]] == ["measure", "ts", "count"]
    assert [part.partition(":")[0] for part in taken.split("; ")] == ["measure", "asset_id", "ts"]
    assert made.result() == fold.FoldResult(counters=(), gauges=(), received=())


def test_two_sources_read_the_same_gauge_each_for_itself() -> None:
    sheet = folded(beacon(measure="followers", value=5), beacon(measure="followers", value=0, ts=NOON + 1, source="t"))
    assert [(g.source, g.value) for g in sheet.gauges] == [("s", 5), ("t", 0)]
