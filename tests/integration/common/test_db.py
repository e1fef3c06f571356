"""Transactions: what goes wrong inside them, told apart."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from libs.common.db import pool
from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Database
from tests.conftest import Urls
from tests.integration.common.conftest import ROLE
from tests.kit.waiting import eventually


async def test_an_argument_that_no_column_holds_is_no_outage(store: Database) -> None:
    """As one it would be tried again for ever, or told to the caller as `try again shortly`."""
    for opened in (lambda: store.transaction("test"), store.reading):
        with pytest.raises(asyncpg.DataError, match="int32") as failed:
            async with opened() as conn:
                await conn.fetchval("select $1::int", 1 << 40)
        assert not isinstance(failed.value, UNAVAILABLE)


async def test_a_connection_that_is_lost_is_an_outage(store: Database) -> None:
    async with store.pool.acquire() as conn:
        conn.terminate()
        with pytest.raises(UNAVAILABLE):
            await conn.fetchval("select 1")


async def test_callers_are_told_soon_and_leave_a_part_of_the_pool_to_the_rest(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many callers wait, what nobody waits for goes on: the relay, consumers, due work."""
    async with AsyncExitStack() as stack:  # opened before anybody is impatient: that takes its time on a busy machine
        for _ in range(store.pool.get_max_size()):
            await stack.enter_async_context(store.pool.acquire())
    monkeypatch.setattr(pool, "PATIENCE", 0.2)
    turned_away = 0
    over = asyncio.Event()

    async def call() -> None:
        nonlocal turned_away
        try:
            with pool.impatient():
                async with store.reading():
                    await over.wait()
        except UNAVAILABLE:
            turned_away += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(call())
        await eventually(lambda: turned_away == 5)
        async with asyncio.timeout(5), store.transaction("work") as conn:
            assert await conn.fetchval("select 1") == 1
        over.set()
    with pool.impatient():
        async with store.reading() as conn:
            assert await conn.fetchval("select 1") == 1


async def test_a_process_that_dies_while_a_commit_is_on_its_way_dies_behind_that_one_too(
    plumbing: Callable[[], Awaitable[Urls]], tmp_path: Path
) -> None:
    """The database carries it out and nobody makes it again, so that its crash point is met now or never."""
    urls = await plumbing()
    owner = await asyncpg.connect(urls.owner)
    try:
        await owner.execute(
            "create table slow_commits (id int generated always as identity);"
            f" grant insert on slow_commits to {ROLE};"
            " create function slowly() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(1); return null; end $$;"
            " create constraint trigger slowly after insert on slow_commits deferrable initially deferred"
            " for each row execute function slowly()"
        )
        points, fired = tmp_path / "points", tmp_path / "fired"
        names = ("test.other.before-commit", "test.slow.after-commit", "test.never.after-commit")
        points.write_text("\n".join(names))
        command = (sys.executable, "-m", "tests.integration.common.dying", urls.service, str(points), str(fired))
        process = await asyncio.create_subprocess_exec(*command)
        async with asyncio.timeout(30):
            assert await process.wait() == -signal.SIGKILL
        assert fired.read_text().split() == ["test.other.before-commit", "test.slow.after-commit"]
        found = await eventually(lambda: owner.fetchval("select count(*) from slow_commits"))
        assert found == 1
    finally:
        await owner.close()
