"""Who sent the records of a topic, how much of it was refused, and whose records are parked until he is released.

One sender must not stop the others, nor cost what he likes: beyond a bound of refusals his records are not judged any
more. The first of them are kept, of the rest only the places, from which they are read again at his release.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import ConsumerRecord

from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import Unauthenticated
from libs.common.events.envelope import Headers
from libs.common.refusals import store as refusal_store
from libs.common.refusals.store import Sender
from libs.common.security.tokens import Authenticator
from libs.common.strings import quoted
from libs.common.telemetry import metrics

log = structlog.get_logger()
NO_TOKEN, BAD_TOKEN = "no token", "bad token"
LOOK_EVERY = 1.0  # seconds between two looks at who was released or set aside by another process
KEPT_BYTES = 64 * 1024  # a parked record beyond this is only counted, so that a sender costs 64 MiB and no more


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a sender is refused before it is set aside, and how much is kept of it then.

    What is handled counts against what is refused, one for one; after `within` seconds without a refusal it is
    forgotten. Seconds are those of the broker, by which it took the records.
    """

    refused: int = 50
    within: float = 600
    kept: int = 1000


def bearer_of(headers: Headers) -> bytes | None:
    """The raw `authorization` header, however its name is written."""
    return next((value for name, value in headers if name.lower() == "authorization"), None)


def sender_of(authenticator: Authenticator, record: ConsumerRecord) -> str:
    """Who sent a record: the identity in its token, or one name for all without one, or with one that is not valid."""
    return speaker_of(authenticator, record).name


def speaker_of(authenticator: Authenticator, record: ConsumerRecord) -> Sender:
    """Who sent a record, and what its token spoke for."""
    raw = bearer_of(record.headers)
    if not raw:
        return Sender(NO_TOKEN)
    try:
        who = authenticator.principal(raw.decode("utf-8", "replace"), at=dead_letter_store.appended(record))
    except Unauthenticated:
        return Sender(BAD_TOKEN)
    return refusal_store.sender(who)


class Senders:
    """Those of one topic, as one consumer sees them."""

    def __init__(
        self, database: Database, authenticator: Authenticator, topic: str, bounds: Bounds | None = None
    ) -> None:
        self.aside: set[str] = set()
        self.bounds = bounds or Bounds()
        self._database, self._authenticator, self._topic = database, authenticator, topic
        self._scores: dict[str, tuple[int, float]] = {}
        self._unwritten: dict[str, tuple[str, str]] = {}
        self._looked = float("-inf")

    @property
    def watched(self) -> bool:
        """Whether it matters now who sent a record."""
        return bool(self.aside or self._scores)

    def of(self, record: ConsumerRecord) -> str:
        """Who sent it, as `sender_of` says."""
        return sender_of(self._authenticator, record)

    def speaker(self, record: ConsumerRecord) -> Sender:
        """The same, with what it spoke for."""
        return speaker_of(self._authenticator, record)

    def handled(self, sender: str, count: int = 1) -> None:
        """So many of its records were good."""
        if sender in self._scores:
            score, at = self._scores[sender]
            if score > count:
                self._scores[sender] = (score - count, at)
            else:
                del self._scores[sender]

    def refused(self, record: ConsumerRecord, code: str, reason: str) -> bool:
        """Count one refusal; True when its sender is thereby over the bound. `write` must follow."""
        sender, at = self.of(record), record.timestamp / 1000
        score, before = self._scores.get(sender, (0, at))
        score = 1 if at - before > self.bounds.within else score + 1
        self._scores[sender] = (score, at)
        if score < self.bounds.refused or sender in self.aside:
            return False
        del self._scores[sender]
        self.aside.add(sender)
        self._unwritten[sender] = (code, reason)
        return True

    async def write(self) -> None:
        """Make what was decided outlast this process."""
        for sender, (code, reason) in list(self._unwritten.items()):
            async with self._database.transaction("set_aside") as conn:
                await PLUMBING.aside_add(
                    conn, topic=self._topic, sender=sender, reason_code=quoted(code, 100), reason=quoted(reason, 2000)
                )
            log.error("sender-set-aside", topic=self._topic, sender=sender, code=code, reason=reason)
            self._unwritten.pop(sender, None)
        metrics.SENDERS_ASIDE.labels(self._topic).set(len(self.aside))

    async def look(self, *, now: bool = False) -> None:
        """Learn who was set aside or released elsewhere; asks the database at most every second."""
        at = time.monotonic()  # machine time
        if now or at - self._looked >= LOOK_EVERY:
            async with self._database.reading() as conn:
                found = {row["sender"] async for row in PLUMBING.aside_of(conn, topic=self._topic)}
            self._looked = at
            self.aside = found | set(self._unwritten)
            metrics.SENDERS_ASIDE.labels(self._topic).set(len(self.aside))

    async def park(self, sender: str, records: Sequence[ConsumerRecord]) -> bool:
        """Keep the first, count the rest; once, however often they are delivered. False when it was released."""
        async with self._database.transaction("park") as conn:
            if not await PLUMBING.aside_lock(conn, topic=self._topic, sender=sender):
                self.aside.discard(sender)
                return False
            places = {"partitions": [r.partition for r in records], "offsets": [r.offset for r in records]}
            known = {
                (row["partition"], row["offset"])
                async for row in PLUMBING.parked_known(conn, topic=self._topic, **places)
            }
            fresh = [record for record in records if (record.partition, record.offset) not in known]
            room = self.bounds.kept - await PLUMBING.parked_count(conn, topic=self._topic, sender=sender)
            # what comes after places that are only counted is counted too, or it would overtake them at the release
            behind = {row["partition"] async for row in PLUMBING.ranges_of(conn, topic=self._topic, sender=sender)}
            rest: list[ConsumerRecord] = []
            for record in fresh:
                if room <= 0 or record.partition in behind or record_size(record) > KEPT_BYTES:
                    behind.add(record.partition)
                    rest.append(record)
                    continue
                room -= 1
                await dead_letter_store.park(conn, record, sender)
            if rest:
                await PLUMBING.ranges_add(
                    conn,
                    topic=self._topic,
                    sender=sender,
                    partitions=[r.partition for r in rest],
                    offsets=[r.offset for r in rest],
                )
        return True


def record_size(record: ConsumerRecord) -> int:
    """Bytes of its key, value and headers."""
    return len(record.key or b"") + len(record.value or b"") + sum(map(_length, record.headers))


def _length(header: Iterable[str | bytes | None]) -> int:
    return sum(len(part) for part in header if part is not None)
