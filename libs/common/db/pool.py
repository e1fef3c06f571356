"""A pool of PostgreSQL connections, and one named transaction per use case."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import asyncpg

from libs.common import crashpoints
from libs.common.db.errors import UNAVAILABLE

if TYPE_CHECKING:  # asyncpg's classes take no parameters at run time
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection
PATIENCE = 3.0  # seconds that a caller waits for a connection; then it is told to come back
_impatient: ContextVar[bool] = ContextVar("impatient", default=False)


@contextmanager
def impatient() -> Iterator[None]:
    """In this block a caller waits for the answer: rather a refusal soon than a connection late.

    What runs in it shares a part of the pool; the rest is for the work that nobody asked for over HTTP: the relay,
    consumers, what is due.
    """
    token = _impatient.set(True)
    try:
        yield
    finally:
        _impatient.reset(token)


class Database:
    """A pool whose transactions are named, so that crash tests can stop a process around each commit."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        name: str,
        dial: Callable[[], Any],
        places: AbstractAsyncContextManager[Any] | None = None,
    ) -> None:
        self.pool = pool
        self.name = name
        self._for_callers = asyncio.Semaphore(max(1, pool.get_max_size() * 7 // 10))
        self._dial = dial
        self._places = places or nullcontext()
        self.after_commit: Callable[[], None] = lambda: None

    @classmethod
    async def connect(cls, url: str, *, name: str, size: int = 10) -> "Database":
        """Open a pool; every statement is bounded so that a lost lock cannot hold a service for ever."""
        settings = {
            "application_name": f"jianfu-{name}",
            "timezone": "UTC",
            "lock_timeout": "20s",
            "idle_in_transaction_session_timeout": "60s",
        }
        pool = await asyncpg.create_pool(url, min_size=1, max_size=size, command_timeout=60, server_settings=settings)
        return cls(pool, name, lambda: asyncpg.connect(url, command_timeout=60, server_settings=settings))

    def share(self, connections: int) -> "Database":
        """The same database through at most so many connections of its pool: who works much leaves some to others."""
        shared = Database(self.pool, self.name, self._dial, asyncio.Semaphore(connections))

        def committed() -> None:
            self.after_commit()  # as it is then: the relay comes later

        shared.after_commit = committed
        return shared

    async def silence(self, within: float) -> str | None:
        """Why the database does not answer `within` so many seconds, in words; None when it does."""
        try:
            async with asyncio.timeout(within):
                await self.pool.fetchval("select 1")
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    @asynccontextmanager
    async def session(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection beside the pool, for what lasts as long as a session: listening, advisory locks."""
        conn = await self._dial()
        try:
            yield conn
        finally:
            with suppress(*UNAVAILABLE, asyncpg.PostgresError):
                await conn.close(timeout=5)

    @asynccontextmanager
    async def transaction(self, use_case: str) -> AsyncIterator[Connection]:
        """One use case's transaction; commits on leaving, then wakes the relay."""
        behind = f"{self.name}.{use_case}.after-commit"
        async with self.connection() as conn:
            try:
                async with conn.transaction():
                    yield conn
                    crashpoints.point(f"{self.name}.{use_case}.before-commit")
                    crashpoints.commit_sent(behind)
                crashpoints.point(behind)
            finally:
                crashpoints.commit_answered(behind)
        self.after_commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A read-only transaction with one snapshot: pages and reports agree with themselves."""
        async with (
            self.connection() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield conn

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One of the pool, without a transaction. Raises TimeoutError in an impatient block when none is free soon."""
        if not _impatient.get():
            async with self._places, self.pool.acquire() as conn:
                yield conn
            return
        async with asyncio.timeout(PATIENCE):
            await self._for_callers.acquire()
        try:
            async with self.pool.acquire(timeout=PATIENCE) as conn:
                yield conn
        finally:
            self._for_callers.release()

    async def close(self) -> None:
        await self.pool.close()
