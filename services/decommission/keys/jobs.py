"""Tells addresses that are in force no longer; beside the executor, so that a slow one of them holds up no case."""

import asyncio
import contextlib

import structlog

from libs.common.consumer.trouble import TRANSIENT
from services.decommission.context import Context, SwitchedOff
from services.decommission.keys import usecases as unitkeys

log = structlog.get_logger()
PAUSE = 1.0  # seconds between two looks, unless somebody wakes it


class Messenger:
    """Two processes may send the same message: it has one idempotency key, and says the same."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something may be owed."""
        self._wake.set()

    async def run(self) -> None:
        """Look, tell, wait; for ever."""
        while True:
            self._wake.clear()
            try:
                await self.work()
            except TRANSIENT as error:
                log.warning("messages-failed", error=f"{type(error).__name__}: {error}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._wake.wait()

    async def work(self) -> None:
        """Make every attempt that is due now, once."""
        async with self._ctx.database.reading() as conn:
            owed = await unitkeys.owed(self._ctx, conn)
        for what in owed:
            with contextlib.suppress(SwitchedOff):
                await unitkeys.tell(self._ctx, what)

    async def due(self) -> int:
        """How many messages wait to be sent now; none of them while nothing may leave this service."""
        async with self._ctx.database.reading() as conn:
            try:
                await self._ctx.require_switch(conn)
            except SwitchedOff:
                return 0
            return len(await unitkeys.owed(self._ctx, conn))
