"""Usage merged into days: sums, sketches, gauges, offsets by compare-and-set, repeats, and two writers at once."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog
from aiokafka import ConsumerRecord

from libs.common.db.queries import PLUMBING
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import DomainError
from libs.common.refusals.store import Refusal
from services.monitor.usage import fold, store
from services.monitor.usage import usecases as usage_usecases
from tests.integration.monitor.conftest import ZONE, Monitor, day, millis
from tests.unit.monitor.usage.voices import voice

CALENDAR = fold.Calendar(ZONE)


def sheet(*lines: dict[str, Any]) -> fold.FoldResult:
    made = fold.Fold(CALENDAR)
    assert made.add_all([json.dumps(line).encode() for line in lines], voice()) == []
    return made.result()


def views(asset: UUID, users: range, on: int = 0) -> list[dict[str, Any]]:
    about = {"source": "s", "asset_id": str(asset), "measure": "views", "ts": millis(day(on))}
    return [about | {"user": f"u{n}"} for n in users]


async def counted(monitor: Monitor, asset: UUID) -> list[tuple[Any, ...]]:
    rows = await monitor.database.pool.fetch(
        "select measure, day, total, users_estimate from usage_days where asset_id = $1 order by 1, 2", asset
    )
    return [tuple(row) for row in rows]


def moves(expected: int, reached: int, partition: int = 0) -> usage_usecases.OffsetAdvance:
    return usage_usecases.OffsetAdvance(
        consumer="test", topic="usage", partitions=(partition,), expected=(expected,), next=(reached,)
    )


async def test_folds_add_up_and_sketches_unite(monitor: Monitor) -> None:
    asset = uuid4()
    await monitor.deliver(views(asset, range(30)))
    await monitor.deliver(views(asset, range(20, 50)))
    await monitor.deliver([{**views(asset, range(1))[0], "user": None, "count": 7}])
    assert await counted(monitor, asset) == [("views", day(0), 67, 50)]


async def test_two_writers_of_one_new_day_lose_nobody(monitor: Monitor) -> None:
    """Both find no row to lock; one of them has to see the other's and begin again."""
    asset = uuid4()
    parts = [sheet(*views(asset, range(n * 10, n * 10 + 10))) for n in range(6)]
    await asyncio.gather(*(usage_usecases.deliver_usage(monitor.database, "a", None, b"", part, b"") for part in parts))
    assert await counted(monitor, asset) == [("views", day(0), 60, 60)]


async def test_writers_of_many_rows_never_wait_in_a_circle(monitor: Monitor) -> None:
    assets = [uuid4() for _ in range(40)]
    parts = [
        sheet(*[line for asset in (assets if n % 2 else reversed(assets)) for line in views(asset, range(n, n + 2))])
        for n in range(6)
    ]
    await asyncio.gather(*(usage_usecases.deliver_usage(monitor.database, "a", None, b"", part, b"") for part in parts))
    for asset in assets:
        assert await counted(monitor, asset) == [("views", day(0), 12, 7)]


async def test_offsets_move_only_from_where_the_fold_began(monitor: Monitor) -> None:
    asset = uuid4()
    assert await usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 5, 1: 0}) == {0: 5, 1: 0}
    await usage_usecases.flush_usage(monitor.database, moves(5, 8), sheet(*views(asset, range(3))))
    with pytest.raises(usage_usecases.OffsetConflict):
        await usage_usecases.flush_usage(monitor.database, moves(5, 9), sheet(*views(asset, range(4))))
    assert await counted(monitor, asset) == [("views", day(0), 3, 3)]
    # the stored offsets win over the beginning of the broker's log
    assert await usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 0, 1: 0}) == {0: 8, 1: 0}


async def test_of_two_folds_of_the_same_records_one_counts(monitor: Monitor) -> None:
    asset = uuid4()
    await usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 0})
    twice = [
        usage_usecases.flush_usage(monitor.database, moves(0, 3), sheet(*views(asset, range(3)))) for _ in range(2)
    ]
    answers = await asyncio.gather(*twice, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "OffsetConflict"]
    assert await counted(monitor, asset) == [("views", day(0), 3, 3)]


async def test_first_writers_of_a_partition_are_fenced_too(monitor: Monitor) -> None:
    """Without a row made at assignment the insert would take any first offset from anyone."""
    asset = uuid4()
    await asyncio.gather(*(usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 0}) for _ in range(3)))
    await usage_usecases.flush_usage(monitor.database, moves(0, 2), sheet(*views(asset, range(2))))
    with pytest.raises(usage_usecases.OffsetConflict):
        await usage_usecases.flush_usage(monitor.database, moves(1, 2), sheet(*views(asset, range(1))))


async def test_one_partition_in_conflict_holds_back_all_of_the_fold(monitor: Monitor) -> None:
    asset = uuid4()
    await usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 0, 1: 0})
    await usage_usecases.flush_usage(monitor.database, moves(0, 1, partition=1), sheet())
    both = usage_usecases.OffsetAdvance(consumer="test", topic="usage", partitions=(0, 1), expected=(0, 0), next=(4, 4))
    with pytest.raises(usage_usecases.OffsetConflict):
        await usage_usecases.flush_usage(monitor.database, both, sheet(*views(asset, range(4))))
    async with monitor.database.reading() as conn:
        rows = PLUMBING.offsets_of(conn, consumer="test", topic="usage", partitions=[0, 1])
        assert {row["partition"]: row["next_offset"] async for row in rows} == {0: 0, 1: 1}


async def test_a_gauge_keeps_its_latest_reading_across_folds(monitor: Monitor) -> None:
    asset = uuid4()
    about = {"source": "s", "asset_id": str(asset), "measure": "followers"}
    noon = millis(day(0))
    for ts, value in ((noon, 5), (noon - 1000, 9), (noon, 4), (noon + 1, 3)):
        await monitor.deliver([about | {"ts": ts, "value": value}])
    rows = await monitor.database.pool.fetch("select value, ts from readings where asset_id = $1", asset)
    assert [tuple(row) for row in rows] == [(3, noon + 1)]


async def test_a_repeated_delivery_gets_the_first_answer_and_counts_nothing(monitor: Monitor) -> None:
    asset = uuid4()
    once = sheet(*views(asset, range(2)))
    for _ in range(3):
        answer = await usage_usecases.deliver_usage(monitor.database, "agent", "key-1", b"body", once, b"first")
        assert answer == b"first"
    with pytest.raises(DomainError, match="different request"):
        await usage_usecases.deliver_usage(monitor.database, "agent", "key-1", b"other", once, b"second")
    assert await counted(monitor, asset) == [("views", day(0), 2, 2)]


async def test_a_dead_letter_counts_once_however_often_it_is_replayed(monitor: Monitor) -> None:
    asset = uuid4()
    record = ConsumerRecord("usage", 0, 7, 0, 0, b"k", b"{}", None, 1, 2, ())
    assert await dead_letter_store.bury(
        monitor.database, record, None, service="monitor", refusal=Refusal.plain("malformed", "r")
    )
    letter = await dead_letter_store.fetch(monitor.database, "usage", 0, 7)
    await usage_usecases.replay_usage(monitor.database, letter, sheet(*views(asset, range(2))))
    with pytest.raises(dead_letter_store.AlreadySettled):
        await usage_usecases.replay_usage(monitor.database, letter, sheet(*views(asset, range(2))))
    assert await counted(monitor, asset) == [("views", day(0), 2, 2)]


async def test_a_write_that_is_cut_off_leaves_neither_counts_nor_offsets(monitor: Monitor) -> None:
    asset = uuid4()
    await usage_usecases.start_offsets(monitor.database, "test", "usage", {0: 0})
    torn = fold.FoldResult(
        counters=(fold.Counter(asset_id="no uuid", measure="views", day=day(0), total=1, users=None),),
        gauges=(),
        received=(),
    )
    with pytest.raises(asyncpg.DataError):
        await usage_usecases.flush_usage(monitor.database, moves(0, 3), torn)
    await usage_usecases.flush_usage(monitor.database, moves(0, 3), sheet(*views(asset, range(3))))
    assert await counted(monitor, asset) == [("views", day(0), 3, 3)]


async def test_a_lost_race_is_run_again_and_no_body_reaches_the_log(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = UUID(int=1)
    merged, calls = store.merge_usage, 0

    async def losing_twice(*given: Any) -> None:
        nonlocal calls
        calls += 1
        await merged(*given)
        if calls < 3:
            raise store.RaceLost

    monkeypatch.setattr(store, "merge_usage", losing_twice)
    with structlog.testing.capture_logs() as logs:
        answer = await usage_usecases.deliver_usage(
            monitor.database, "agent", "key", b"zhang-san", sheet(*views(asset, range(3))), b"answer"
        )
    assert (answer, calls) == (b"answer", 3)
    assert await counted(monitor, asset) == [("views", day(0), 3, 3)]
    assert "zhang-san" not in str(logs)
