"""One process of a database leads under a name; the lead ends with its session."""

import asyncio

import asyncpg
import pytest

from libs.common.db.leader import leadership
from libs.common.db.pool import Database


async def test_another_waits_until_the_lead_ends(store: Database) -> None:
    waited, order = asyncio.Event(), []

    async def second() -> None:
        async with leadership(store, "work", poll=0.01, waiting=waited.set):
            order.append("second")

    async with leadership(store, "work"):
        task = asyncio.create_task(second())
        await asyncio.wait_for(waited.wait(), 10)
        order.append("first")
    await asyncio.wait_for(task, 10)
    assert order == ["first", "second"]


async def test_names_do_not_wait_for_each_other(store: Database) -> None:
    async with asyncio.timeout(10), leadership(store, "one"), leadership(store, "two"):
        pass


async def lead_and_lose(store: Database) -> None:
    async with leadership(store, "work") as session:
        await store.pool.execute("select pg_terminate_backend($1)", session.get_server_pid())
        await session.fetchval("select 1")


async def test_a_lost_session_is_a_lost_lead(store: Database) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await lead_and_lose(store)
    async with asyncio.timeout(10), leadership(store, "work"):
        pass
