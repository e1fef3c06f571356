"""The daily sweep: judge the sources, run every rule over every watched asset, open and clear findings.

Idempotent per business day: the result of a day's sweep is kept and returned again, and a requested sweep adds only
the assets watched since. Large registers are swept in chunks, one transaction each; a sweep that was
interrupted goes on after the last chunk that was committed.
"""

import asyncio
from typing import Any
from uuid import UUID

import structlog

from libs.common.clock import Clock
from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Database
from services.monitor.metrics import SWEEP
from services.monitor.policy.rulebook import RuleBook
from services.monitor.sweeps import schedule, store, usecases

log = structlog.get_logger()


class Sweeper:
    """Runs the sweep of a business day; several may be asked at once, they take turns."""

    def __init__(self, database: Database, book: RuleBook, clock: Clock, *, chunk: int) -> None:
        self._database = database
        self._book = book
        self._clock = clock
        self._chunk = chunk
        self.running = 0

    async def sweep(self, *, asked: bool = False) -> dict[str, Any]:
        """Sweep today, or return the result of today's sweep; with `asked` also judge the assets added since."""
        day = usecases.Day(today=self._clock.today(), now=self._clock.now(), book=self._book)
        self.running += 1
        try:
            with SWEEP.time():
                await usecases.judge_sources(self._database, day)
                while not (row := await usecases.sweep_assets(self._database, day, chunk=self._chunk))["finished"]:
                    pass
                if asked:
                    row = await self._sweep_new(day)
        finally:
            self.running -= 1
        return store.summary(row)

    async def _sweep_new(self, day: usecases.Day) -> Any:
        after: UUID | None = None
        while True:
            row, after = await usecases.sweep_new(self._database, day, after=after, chunk=self._chunk)
            if after is None:
                return row

    async def by_schedule(self, expression: str) -> None:
        """Under the system clock sweep at each time of the cron expression; a time missed while down is caught up."""
        if self._clock.mode == "stepped":
            await asyncio.Event().wait()  # stepped time moves only when asked to: then POST /sweeps follows
        while True:
            local = self._clock.now().astimezone(self._clock.zone)
            if schedule.last(expression, local).date() == local.date():
                try:
                    await self.sweep()
                except UNAVAILABLE as error:
                    log.warning("sweep-put-off", error=f"{type(error).__name__}: {error}")
                    await asyncio.sleep(1)  # committed chunks stay; the sweep continues when the database is back
                    continue
            left = (schedule.following(expression, local) - local).total_seconds()  # machine time: how long to sleep
            await asyncio.sleep(min(60.0, max(1.0, left)))
