"""One relay per database carries the outbox to Kafka, oldest row first."""

import asyncio
import contextlib
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from libs.common import crashpoints
from libs.common.db.errors import UNAVAILABLE
from libs.common.db.leader import leadership
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.outbox.publisher import Publisher
from libs.common.telemetry import metrics

log = structlog.get_logger()
CHANNEL = "jianfu_outbox"
ROWS, FEWEST_ROWS, MOST_ROWS = 500, 10, 5_000  # of one take: the first, and between which bounds the next ones are
TAKE_BYTES = 2_000_000  # about what one take shall hold, well within PUBLISH_TIMEOUT


def next_take(rows: Sequence[asyncpg.Record]) -> int:
    """How many rows to take next, if they are as large as these: fewer round trips for small ones, bounded bytes."""
    size = sum(len(row["payload"] or b"") + len(row["headers"]) for row in rows)
    return min(MOST_ROWS, max(FEWEST_ROWS, TAKE_BYTES * len(rows) // max(size, 1)))


class Relay:
    """Deletes and publishes what is visible, oldest first; the rows come back if Kafka does not take them."""

    def __init__(self, database: Database, publisher: Publisher, *, rows: int = ROWS, poll: float = 0.5) -> None:
        self._database = database
        self._publisher = publisher
        self._rows = rows
        self._poll = poll
        self._wake = asyncio.Event()
        self._poke = asyncio.Event()
        self.leading = False
        self.failing: str | None = None
        database.after_commit = self._committed

    def _committed(self) -> None:
        self._wake.set()
        if not self.leading:
            self._poke.set()

    async def run(self) -> None:
        """Lead when no other process of this database does; wait for the lead otherwise."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poke_leader())
            group.create_task(self._lead())

    async def drain(self, seconds: float) -> None:
        """Stop after the outbox is empty, whoever leads, or after the time given."""
        self._wake.set()
        with contextlib.suppress(*UNAVAILABLE):
            async with asyncio.timeout(seconds):
                while await self.depth():
                    await asyncio.sleep(0.02)

    async def depth(self) -> int:
        async with self._database.pool.acquire() as conn:
            count = int(await PLUMBING.outbox_depth(conn))
        metrics.OUTBOX_ROWS.set(count)
        return count

    async def _poke_leader(self) -> None:
        while True:
            await self._poke.wait()
            self._poke.clear()
            with contextlib.suppress(*UNAVAILABLE):
                async with self._database.pool.acquire() as conn:
                    await PLUMBING.outbox_notify(conn, channel=CHANNEL)
            await asyncio.sleep(0.003)

    async def _lead(self) -> None:
        while True:
            try:
                name = f"relay:{self._database.name}"
                async with leadership(self._database, name, poll=self._poll, waiting=self._anothers_turn) as conn:
                    await self._lead_on(conn)
            except (*UNAVAILABLE, asyncpg.PostgresError, KafkaError) as error:
                self.failing = f"{type(error).__name__}: {error}"
                log.warning("relay-failed", error=self.failing)
                await self._publisher.close()
            finally:
                self.leading = False
            await asyncio.sleep(self._poll)

    def _anothers_turn(self) -> None:
        self.failing = None  # nothing of ours is broken

    async def _lead_on(self, conn: Any) -> None:
        self.leading = True
        await conn.add_listener(CHANNEL, self._heard)
        while True:
            self._wake.clear()
            asked = self._rows
            taken = await self._step(conn)
            self.failing = None
            if taken < asked:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._wake.wait()

    def _heard(self, *_: object) -> None:
        self._wake.set()

    async def _step(self, conn: Any) -> int:
        with metrics.OUTBOX_BATCH.time():
            async with conn.transaction():
                rows = [row async for row in PLUMBING.outbox_take(conn, batch=self._rows)]
                if not rows:
                    return 0
                rows.sort(key=lambda row: row["id"])
                crashpoints.point(f"{self._database.name}.relay.before-publish")
                await self._publisher.send(rows)
                crashpoints.point(f"{self._database.name}.relay.after-publish")
            crashpoints.point(f"{self._database.name}.relay.after-commit")
        for topic, count in Tally(row["topic"] for row in rows).items():
            metrics.OUTBOX_PUBLISHED.labels(topic).inc(count)
        self._rows = next_take(rows)
        return len(rows)

    async def close(self) -> None:
        await self._publisher.close()
