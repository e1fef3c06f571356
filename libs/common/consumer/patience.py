"""Trying again what passes by itself: in place at first, then without holding up other partitions, and not for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka import TopicPartition

from libs.common.consumer.trouble import TRANSIENT, Trouble
from libs.common.db.errors import UNSTORABLE
from libs.common.db.pool import Database

SET_ASIDE_AFTER = 1.5  # times the patience: first it is told, so that somebody may mend what is wrong
IN_PLACE = 1 / 24  # times the patience: five seconds of two minutes, in which most of what passes has passed
LONGEST_WAIT = 10.0  # seconds between two tries

Act = Callable[[], Awaitable[None]]
SetAside = Callable[[BaseException], Awaitable[None]]


class Back(Exception):
    """A record fails while the database answers: its partition waits, the others go on."""


@dataclass
class Waiting:
    """A record that its partition waits for: since when it has failed while the database answered, and the next wait.

    `answered` is in seconds from anywhere, None while the database does not answer.
    """

    offset: int
    answered: float | None
    pause: float = 0.1


class Patience:
    """One consumer's: what it retries, and which of its partitions stand back for a record of theirs."""

    def __init__(self, trouble: Trouble, database: Database) -> None:
        self._trouble, self._database = trouble, database
        self._waiting: dict[TopicPartition, Waiting] = {}

    def pause(self, tp: TopicPartition) -> float:
        """Seconds after which a partition that stands back is tried again."""
        return self._waiting[tp].pause

    def forget(self) -> None:
        """The partitions are somebody else's now."""
        for tp in self._waiting:
            self._trouble.over(tp)
        self._waiting.clear()

    async def until_done(self, act: Act) -> None:
        """Do what concerns all partitions, again and again where it fails of what passes by itself."""
        pause = 0.1
        while True:
            try:
                await act()
            except UNSTORABLE:
                raise
            except TRANSIENT as error:
                self._trouble.failed(error)
            else:
                self._trouble.over()
                return
            await asyncio.sleep(pause)
            pause = self._longer(pause)

    async def for_record(self, tp: TopicPartition, offset: int, act: Act, set_aside: SetAside) -> bool:
        """Act on one record; True once it is done, False when it was set aside instead.

        Time in which the database does not answer is waited for in place: nobody could go on. Raises Back where the
        record has failed for longer than a moment though it answers; the caller stops reading its partition and comes
        again after `pause(tp)` seconds, until it has failed for half as long again as our patience.
        """
        waited = self._waiting.get(tp)
        if waited is None or waited.offset != offset:
            waited = Waiting(offset, None)
        came_back, patience = tp in self._waiting, self._trouble.patience
        while True:
            try:
                await act()
            except UNSTORABLE:
                self._over(tp)
                raise
            except TRANSIENT as error:
                self._trouble.failed(error, tp)
                now = self._trouble.now()
                if not await self.answers():
                    waited.answered = None
                elif waited.answered is None:
                    waited.answered = now
                if waited.answered is not None and now - waited.answered >= SET_ASIDE_AFTER * patience:
                    try:
                        await set_aside(error)
                    except TRANSIENT:  # it answers and takes nothing, as when its disk is full: that passes
                        waited.answered = None
                    else:
                        self._over(tp)
                        return False
                if waited.answered is not None and (came_back or now - waited.answered >= IN_PLACE * patience):
                    waited.pause = self._longer(waited.pause)
                    self._waiting[tp] = waited
                    raise Back from error
            except Exception:  # sorted by the caller; it waits for nothing
                self._over(tp)
                raise
            else:
                self._over(tp)
                return True
            await asyncio.sleep(waited.pause)
            waited.pause = self._longer(waited.pause)

    async def answers(self) -> bool:
        """Whether the database demonstrably answers."""
        return await self._database.silence(5) is None

    def _over(self, tp: TopicPartition) -> None:
        self._waiting.pop(tp, None)
        self._trouble.over(tp)

    def _longer(self, pause: float) -> float:
        return min(2 * pause, LONGEST_WAIT, max(self._trouble.patience / 4, 0.1))
