"""An event arrives at least once and acts once."""

import asyncio

import pytest

from libs.common.consumer import inbox
from libs.common.db.pool import Database
from libs.common.http import idempotency
from libs.common.outbox.emit import NotInTransaction


async def test_the_second_time_is_known(store: Database) -> None:
    """Promise 5: the event's id is recorded by the transaction that holds its effect."""
    async with store.transaction("one") as conn:
        assert await inbox.first_time(conn, "reader", "e1")
        assert not await inbox.first_time(conn, "reader", "e1")
        assert await inbox.first_time(conn, "another reader", "e1")
    async with store.transaction("two") as conn:
        assert not await inbox.first_time(conn, "reader", "e1")


async def test_a_rollback_forgets(store: Database) -> None:
    """What had no effect was not met: the next delivery acts."""
    with pytest.raises(ZeroDivisionError):
        await meet_and_fail(store)
    async with store.transaction("again") as conn:
        assert await inbox.first_time(conn, "reader", "e1")


async def meet_and_fail(store: Database) -> None:
    async with store.transaction("fails") as conn:
        assert await inbox.first_time(conn, "reader", "e1")
        raise ZeroDivisionError


async def test_outside_a_transaction_it_raises(store: Database) -> None:
    """Marked outside the transaction of its effect, an event could be lost."""
    async with store.pool.acquire() as conn:
        with pytest.raises(NotInTransaction):
            await inbox.first_time(conn, "reader", "e1")


async def test_of_two_at_once_one_acts(store: Database) -> None:
    """A consumer that outlived its assignment and its successor hold the same record: one of them acts."""

    async def meet() -> bool:
        async with store.transaction("meet") as conn:
            first = await inbox.first_time(conn, "reader", "e1")
            await asyncio.sleep(0.05)
            return first

    assert sorted(await asyncio.gather(*(meet() for _ in range(5)))) == [False] * 4 + [True]


async def test_old_ids_are_forgotten_and_recent_ones_kept(store: Database) -> None:
    """Ids are kept longer (120 days) than any topic keeps its records (90 days), and no longer."""
    async with store.transaction("meet") as conn:
        for number in (89, 119, 121):
            await inbox.first_time(conn, "reader", f"{number} days ago")
            await conn.execute(
                "update inbox set seen = seen - make_interval(days => $1) where event_id = $2",
                number,
                f"{number} days ago",
            )
    async with store.transaction("prune") as conn:
        await inbox.prune(conn)
        left = await conn.fetch("select event_id from inbox order by 1")
    assert [row["event_id"] for row in left] == ["119 days ago", "89 days ago"]


async def test_old_answers_are_forgotten_and_recent_ones_kept(store: Database) -> None:
    async with store.transaction("keep") as conn:
        for number in (89, 91):
            await idempotency.keep(conn, "me", f"{number} days ago", b"body", status=201, answer=b"answer")
            await conn.execute(
                "update http_idempotency set given = given - make_interval(days => $1) where key = $2",
                number,
                f"{number} days ago",
            )
        await idempotency.prune(conn)
        assert await idempotency.recall(conn, "me", "89 days ago", b"body") == (201, b"answer")
        assert await idempotency.recall(conn, "me", "91 days ago", b"body") is None
