"""One process at a time does what must not be done twice at once: it leads while its session holds an advisory lock.

The session is a connection of its own, beside the pool: the lock ends with it, however the process dies.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING


@asynccontextmanager
async def leadership(
    database: Database, name: str, *, poll: float = 1.0, waiting: Callable[[], None] = lambda: None
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Wait until no other process of this database leads under this name; then the block leads.

    `poll`: seconds between two tries, before each of which `waiting` is called where another leads. Yields the session
    that holds the lock: a statement on it fails as soon as the lead is lost. Raises what the database raises while it
    is away; the lock ends with the block.
    """
    key = zlib.crc32(name.encode())
    async with database.session() as conn:
        while not await PLUMBING.leader_lock(conn, key=key):
            waiting()
            await asyncio.sleep(poll)
        yield conn
