"""Transactions: what goes wrong inside them, told apart."""

import asyncpg
import pytest

from libs.common.db import UNAVAILABLE, Database


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
