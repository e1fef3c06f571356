"""Tells addresses that are in force no longer; beside the executor, so that a slow one of them holds up no case."""

import asyncio
import contextlib

import structlog

from libs.common.consumer.trouble import TRANSIENT
from services.decommission.controls import usecases as control_usecases
from services.decommission.controls.domain import SwitchedOff
from services.decommission.deps import Deps
from services.decommission.keys import usecases

log = structlog.get_logger()
PAUSE = 1.0  # seconds between two looks, unless somebody wakes it


class Messenger:
    """Two processes may send the same message: it has one idempotency key, and says the same."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
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
        async with self._deps.database.reading() as conn:
            owed = await usecases.list_owed(self._deps, conn)
        for each in owed:
            with contextlib.suppress(SwitchedOff):
                await usecases.tell(self._deps, each)

    async def due(self) -> int:
        """How many messages wait to be sent now; none of them while nothing may leave this service."""
        async with self._deps.database.reading() as conn:
            try:
                await control_usecases.require_switch(self._deps, conn)
            except SwitchedOff:
                return 0
            return len(await usecases.list_owed(self._deps, conn))
