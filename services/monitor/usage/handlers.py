"""The usage stream: batches folded in memory across fetches, written together with the offsets they reach.

A beacon counts exactly once. Its count and the stream's offset move in one transaction, by compare-and-set from the
offset at which the fold began; a consumer that lost its partitions cannot pass that, drops its fold and reads on from
the database's offsets. The offsets committed to Kafka are advice for lag tools.
"""

import asyncio
import contextlib
import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import stamina
import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from libs.common.consumer.events import UNEXPECTED_IN_A_ROW
from libs.common.consumer.subscription import Subscription
from libs.common.consumer.trouble import TRANSIENT
from libs.common.db.errors import UNSTORABLE
from libs.common.db.pool import Database
from libs.common.dead_letters.store import appended
from libs.common.errors import Unauthenticated
from libs.common.kafka.unread import Unread
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import Bounds, Senders, bearer_of
from libs.common.telemetry import traces
from libs.common.text import Text
from services.monitor.admissions.domain import Roll, Voice
from services.monitor.admissions.usecases import Gate
from services.monitor.metrics import USAGE_CONFLICTS, USAGE_FLUSH, USAGE_RECORDS
from services.monitor.usage import fold, usecases
from services.monitor.usage.batch import Batch

log = structlog.get_logger()
TOPIC = "jianfu.intake.usage"
CONSUMER = "jianfu.monitor.usage"


class Bearers:
    """Reads a record's token: its sender and the sender's permissions. Raw tokens are remembered until `begin`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._accepted: dict[bytes, Voice] = {}
        self._roll: Roll

    def begin(self, roll: Roll) -> None:
        """Judge every token anew by this roll: once per fetch, so that an expired token or a withdrawal is noticed."""
        self._accepted.clear()
        self._roll = roll

    def voice(self, record: ConsumerRecord) -> Voice:
        """The permissions of a record's sender. Raises DomainError where its token was not an agent's on arrival."""
        raw = bearer_of(record.headers)
        if raw is None or raw not in self._accepted:
            try:
                agent = self._authenticator.principal(None if raw is None else raw.decode(), at=appended(record))
            except UnicodeDecodeError:
                raise Unauthenticated(why=Text("authorization 头不是 UTF-8", "the header is not UTF-8")) from None
            agent.require("agent")
            self._accepted[raw or b""] = self._roll.voice(agent.identity, agent.sources)
        return self._accepted[raw or b""]


class UsageConsumer(Subscription):
    """Folds the usage topic; `run` must run beside it and writes the folds.

    A fold is written when the stream has been idle for `idle` seconds, when it is `max_age` seconds old, or when it
    holds `max_keys` rows; the next one is folded meanwhile.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        database: Database,
        authenticator: Authenticator,
        calendar: fold.Calendar,
        gate: Gate,
        *,
        topic: str = TOPIC,
        consumer: str = CONSUMER,
        max_records: int = 20_000,
        max_keys: int = 20_000,
        idle: float = 0.02,
        max_age: float = 1.0,
        bounds: Bounds | None = None,
        patience: float = 120,
    ) -> None:
        super().__init__(broker, topic, consumer, max_records=max_records, patience=patience)
        self._database = database
        self._senders = Senders(database, authenticator, topic, bounds)
        self._unexpected_in_a_row = 0
        self._careful: dict[TopicPartition, int] = {}  # up to where each record is written for itself
        self._bearers = Bearers(authenticator)
        self._gate = gate
        self._calendar = calendar
        self._max_keys, self._idle, self._max_age = max_keys, idle, max_age
        self._writing = asyncio.Lock()
        self._dirty, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._touched = self._began = 0.0
        self._read: dict[TopicPartition, int] = {}
        self._pending = Batch(calendar)

    @property
    def busy(self) -> bool:
        """Whether anything is folded that is not written yet."""
        return self._dirty.is_set() or self._writing.locked()

    async def _parse(self, records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        message = await super()._parse(records)
        message.consumer = _NoCommit(self.consumer)
        return message

    # reading -------------------------------------------------------------------------------------------------------

    async def take(self, records: Sequence[ConsumerRecord]) -> None:
        """Fold one fetch. Nothing here can fail half way: a record is folded or set aside as bad."""
        await self._room.wait()
        with contextlib.suppress(*TRANSIENT):  # it is asked for again; the fold waits for the database in any case
            await self._senders.look()
        # Read after the fetch: an agent admitted before it sent a record is admitted when the record is folded.
        async for attempt in stamina.retry_context(on=TRANSIENT, attempts=None, timeout=None, wait_max=5):
            with attempt:
                self._bearers.begin(await self._gate.roll(appended(records[0])))
        begin, count = 0, len(records)
        while begin < count:
            end = _run_end(records, begin, count)
            first, last = records[begin], records[end - 1]
            tp = TopicPartition(first.topic, first.partition)
            # Skip a batch fetched before a seek; Kafka will deliver it again.
            if tp in self._read and await self.consumer.position(tp) > last.offset:
                fresh = records[begin:end]
                if first.offset < self._read[tp]:
                    fresh = [record for record in fresh if record.offset >= self._read[tp]]
                if self._read[tp] < self._careful.get(tp, 0):
                    await self._one_by_one(tp, fresh)
                else:
                    self._pending.begun.setdefault(tp, self._read[tp])
                    self._read[tp] = max(self._read[tp], last.offset + 1)
                    self._fold_in(fresh)
            begin = end
        now = time.monotonic()
        self._began = now if not self._dirty.is_set() else self._began
        self._touched = now
        self._dirty.set()
        if self._pending.fold.keys >= 2 * self._max_keys:
            self._room.clear()
        if self._unexpected_in_a_row >= UNEXPECTED_IN_A_ROW:
            self._unexpected_in_a_row = UNEXPECTED_IN_A_ROW - 1
            self.stand_back(f"{UNEXPECTED_IN_A_ROW} records in a row met an error of ours; see the dead letters")

    async def _one_by_one(self, tp: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        """Write record by record, to identify the one that the database refuses."""
        for record in records:
            self._pending.begun.setdefault(tp, self._read[tp])
            self._read[tp] = record.offset + 1
            self._fold_in([record])
            await self.flush(alone=record)
            if self._read.get(tp) != record.offset + 1:  # the partition was revoked, or a seek moved the position
                return

    def _fold_in(self, records: Sequence[ConsumerRecord]) -> None:
        good: list[ConsumerRecord] = []
        known: Any = None
        raw: bytes | None = None
        sender: str | None = None
        speaks: Voice | None = None
        for record in records:
            if isinstance(record.value, Unread):
                self._pending.refuse(record, record.value.code, record.value.told(record.offset))
                continue
            headers = record.headers
            if headers != known:
                if (bearer := bearer_of(headers)) != raw or known is None:
                    self._fold_run(good, speaks)
                    good, raw = [], bearer
                    sender = self._senders.of(record) if self._senders.aside else None
                known = headers
                if sender is None or sender not in self._senders.aside:
                    try:
                        speaks = self._bearers.voice(record)
                    except Exception as error:  # as for bodies: its neighbours must still be folded once
                        self._set_aside(record, getattr(error, "code", "unexpected"), str(error))
                        known = None
                        continue
            if sender is not None and sender in self._senders.aside:
                self._pending.park(sender, record)
            else:
                good.append(record)
        self._fold_run(good, speaks)

    def _fold_run(self, records: Sequence[ConsumerRecord], voice: Voice | None) -> None:
        """Fold what came from one sender."""
        if voice is None:
            return  # no sender yet
        refused = self._pending.fold.add_all((record.value for record in records), voice)
        for index, reason in refused:
            self._set_aside(records[index], "malformed", reason)
        if len(refused) < len(records):
            self._unexpected_in_a_row = 0
            if self._senders.watched:
                self._senders.handled(self._senders.of(records[0]), len(records) - len(refused))

    def _set_aside(self, record: ConsumerRecord, code: str, reason: str) -> None:
        self._pending.refuse(record, code, reason)
        self._unexpected_in_a_row = self._unexpected_in_a_row + 1 if code == "unexpected" else 0
        if code != "unexpected":
            self._senders.refused(record, code, reason)

    # writing -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write folds as they become due; for ever."""
        while True:
            await self._dirty.wait()
            now = time.monotonic()
            wait = min(self._touched + self._idle, self._began + self._max_age) - now
            if wait > 0 and self._pending.fold.keys < self._max_keys:
                await asyncio.sleep(min(wait, self._idle))
                continue
            await self.flush()

    async def flush(self, *, alone: ConsumerRecord | None = None) -> None:
        """Write what is folded now; tries again while the database is away. On a conflict it is dropped instead.

        A batch that the database refuses is read again record by record; a record folded `alone` becomes a dead letter.
        """
        async with self._writing:
            batch, self._pending = self._pending, Batch(self._calendar)
            reached = {tp: self._read[tp] for tp in batch.begun}
            self._dirty.clear()
            self._room.set()
            if not batch.begun or not await self._written(batch, reached, alone):
                return
            self.trouble.over()
            for tp, offset in reached.items():
                if self._careful.get(tp, offset) <= offset:
                    self._careful.pop(tp, None)
                if tp in self.done:
                    self.done[tp] = offset
            USAGE_RECORDS.labels("counted").inc(batch.fold.records)
            USAGE_RECORDS.labels("refused").inc(len(batch.bad) + batch.not_kept)
            if batch.not_kept:
                log.error("usage-refused-in-mass", topic=self.topic, not_kept=batch.not_kept)
        await self._advise(reached)

    async def _written(self, batch: Batch, reached: dict[TopicPartition, int], alone: ConsumerRecord | None) -> bool:
        """Write a batch, again while the database is away; False where it was dropped and reading starts over."""
        pause = 0.05
        while True:
            try:
                about = {"usage.records": str(batch.fold.records), "usage.rows": str(batch.fold.keys)}
                with USAGE_FLUSH.time(), traces.linked("monitor usage flush", (), about):
                    await usecases.keep_refused(self._database, self._senders, batch.bad, batch.parked)
                    await usecases.flush_usage(self._database, self._advance(batch, reached), batch.fold.result())
                return True
            except asyncio.CancelledError:
                self._drop()  # whether it was written is not known here: the next start asks the database
                raise
            except UNSTORABLE as error:
                reason = f"{type(error).__name__}: {error}"
                if alone is None:
                    log.warning("usage-unstorable", error=reason)
                    self._careful |= reached
                    await self._start_over()
                    return False
                batch.set_unstorable(self._calendar, alone, reason)
            except TRANSIENT as error:
                self.trouble.failed(error)
                log.warning("usage-not-written", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
            except usecases.OffsetConflict:
                USAGE_CONFLICTS.inc()
                log.warning("usage-conflict", topic=self.topic, records=batch.fold.records)
                await self._start_over()
                return False

    def _advance(self, batch: Batch, reached: dict[TopicPartition, int]) -> usecases.OffsetAdvance:
        partitions = sorted(reached)
        return usecases.OffsetAdvance(
            consumer=self.group,
            topic=self.topic,
            partitions=tuple(tp.partition for tp in partitions),
            expected=tuple(batch.begun[tp] for tp in partitions),
            next=tuple(reached[tp] for tp in partitions),
        )

    async def _advise(self, reached: dict[TopicPartition, int]) -> None:
        consumer = self.consumer
        if consumer is not None:
            mine = {tp: offset for tp, offset in reached.items() if tp in consumer.assignment()}
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(2):
                    await consumer.commit(mine)

    # assignment ----------------------------------------------------------------------------------------------------

    async def position(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets of the database, at which to resume."""
        stored: dict[int, int] = {}
        # An error here would be swallowed by the client, and reading would go on from Kafka's own offsets.
        async for attempt in stamina.retry_context(on=TRANSIENT, attempts=None, timeout=None, wait_max=5):
            with attempt:
                begin = await self.consumer.beginning_offsets(list(partitions))
                begins = {tp.partition: begin[tp] for tp in partitions}
                stored = await usecases.start_offsets(self._database, self.group, self.topic, begins)
                ends = await self.consumer.end_offsets(list(partitions))
        if beyond := [tp for tp in partitions if stored[tp.partition] > ends[tp]]:
            # Reading on would skip new records, beginning anew would count twice: a person has to decide.
            self.trouble.wait(
                f"{self.topic}: the log of {beyond[0].partition} ends before the stored offset; was it replaced?"
            )
        return {tp: stored[tp.partition] for tp in partitions}

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        await super().on_partitions_revoked(revoked)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                async with self._writing:
                    self._drop()
        self._drop()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._drop()
        await super().on_partitions_assigned(assigned)
        self._read = dict(self.done)

    def _drop(self) -> None:
        self._pending = Batch(self._calendar)
        self._read = {}
        self._dirty.clear()
        self._room.set()

    async def _start_over(self) -> None:
        """After a conflict: drop the fold and read on from the database's offsets."""
        self._drop()
        mine = [tp for tp in self.consumer.assignment() if tp in self.done] if self.consumer else []
        positions = await self.position(mine) if mine else {}
        for tp, offset in positions.items():
            if tp in self.done:  # still ours after waiting for the database
                self.consumer.seek(tp, offset)
                self.done[tp] = self._read[tp] = offset


class _NoCommit:
    """A consumer for FastStream's acknowledgement; it commits nothing, offsets move once records are written."""

    def __init__(self, consumer: Any) -> None:
        self.seek = consumer.seek

    async def commit(self) -> None:
        return None


def _run_end(records: Sequence[ConsumerRecord], begin: int, count: int) -> int:
    """The end of the run of one partition that begins here; a fetch holds each partition's records together."""
    partition = records[begin].partition
    if records[count - 1].partition == partition:
        return count
    return bisect_left(records, 1, begin, count, key=lambda record: int(record.partition != partition))
