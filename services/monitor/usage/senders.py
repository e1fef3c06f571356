"""Which records of usage are let in, and what may be kept of those that are not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
from aiokafka import ConsumerRecord

from libs.common import days, exact
from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.dead_letters.store import appended
from libs.common.errors import Unauthenticated
from libs.common.refusals.senders import bearer_of
from libs.common.security.tokens import Authenticator
from services.monitor.admissions.domain import Roll, Voice
from services.monitor.verdicts import store

SKEW = timedelta(minutes=15)  # by which a sender's clock may be ahead, around midnight
KEPT_FIELDS = ("source", "asset_id", "measure", "ts", "count", "value", "day", "records")


class Gate:
    """Says who is admitted today and which days are taken; `late_days`: how far back a day may lie when it comes."""

    def __init__(self, database: Database, clock: Clock, late_days: int) -> None:
        self._database, self._clock = database, clock
        self.late_days = late_days

    def came(self, at: float | None = None) -> date:
        """The business day on which something came that the broker took `at` a time (seconds since 1970).

        Under a stepped clock the broker's time says nothing about business days: it came today.
        """
        today = self._clock.today()
        if at is None or self._clock.mode == "stepped":
            return today
        return min(today, datetime.fromtimestamp(at, UTC).astimezone(self._clock.zone).date())

    async def roll(self, at: float | None = None) -> Roll:
        """Who may speak now, and the days of which usage is taken that came `at` a time."""
        now = self._clock.now().astimezone(self._clock.zone)
        last = (now + SKEW).date() if self.came(at) == now.date() else self.came(at)
        first = max(exact.FIRST_DAY, days.later(self.came(at), -self.late_days))
        async with self._database.reading() as conn:
            return Roll.of(await store.admitted(conn, now.date()), first, min(last, exact.LAST_DAY))


class Bearers:
    """Says of a record's headers who sent it and what he may tell; raw tokens are remembered until `begin`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._accepted: dict[bytes, Voice] = {}
        self._roll: Roll

    def begin(self, roll: Roll) -> None:
        """Judge every token anew, by this roll: done once per fetch, so that what expires or ends is noticed."""
        self._accepted.clear()
        self._roll = roll

    def voice(self, record: ConsumerRecord) -> Voice:
        """What a record's bearer may tell. Raises DomainError on one who was no agent when it came."""
        raw = bearer_of(record.headers)
        if raw is None or raw not in self._accepted:
            try:
                agent = self._authenticator.principal(None if raw is None else raw.decode(), at=appended(record))
            except UnicodeDecodeError:
                raise Unauthenticated(why=("authorization 头不是 UTF-8", "the header is not UTF-8")) from None
            agent.require("agent")
            self._accepted[raw or b""] = self._roll.voice(agent.identity, agent.sources)
        return self._accepted[raw or b""]


def without_person(record: ConsumerRecord) -> ConsumerRecord:
    """The record as it may be kept: only fields that name no person, nothing at all of what cannot be read."""
    try:
        found = msgspec.json.decode(record.value)
        kept = {name: found[name] for name in KEPT_FIELDS if isinstance(found.get(name), str | int | float)}
        value = msgspec.json.encode(kept)
    except (msgspec.MsgspecError, TypeError, AttributeError, UnicodeDecodeError, RecursionError):
        value = None
    return replace(record, value=value)
