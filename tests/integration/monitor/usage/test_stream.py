"""The usage stream on a real Kafka: exactly once across batches, conflicts, rebalances, restarts; poison set aside."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import NewTopic

from deploy.kafka import topics
from deploy.local.issuer import issue
from deploy.local.kafka import LocalKafka
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.kafka.broker import make_broker
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import Bounds
from services.monitor.usage import fold
from services.monitor.usage.handlers import UsageConsumer
from tests.conftest import kafka_options
from tests.integration.monitor.conftest import ZONE, Monitor, day, millis, noon
from tests.kit import bombs
from tests.kit.waiting import eventually
from tests.unit.monitor.usage.voices import sent, voice

KEY = tokens.new_key("test")
TOKEN = ("Bearer " + issue(KEY, "agent", ["agent"])).encode()
OTHER = ("Bearer " + issue(KEY, "other", ["agent"])).encode()
PARTITIONS = 3


class Stream:
    """A topic of the test's own, the records sent to it, and consumers that fold it into one database."""

    def __init__(self, broker: LocalKafka, database: Database) -> None:
        self.options = kafka_options(broker)
        self.database = database
        self.monitor = Monitor(database, SteppedClock(ZONE, noon(day(0))))
        self.topic = f"usage-{uuid4()}"
        self.group = f"group-{uuid4()}"
        client = topics.admin(broker.bootstrap, "admin", broker.password("admin"))
        made = client.create_topics([NewTopic(self.topic, PARTITIONS, 1), NewTopic(f"{self.topic}.monitor.dead", 1, 1)])
        for future in made.values():
            future.result()

    async def send(
        self, *values: bytes | None, headers: Any = (("authorization", TOKEN),), key: bytes | None = None
    ) -> None:
        producer = AIOKafkaProducer(**self.options, linger_ms=5)
        await producer.start()
        try:
            sent = [
                await producer.send(self.topic, value, key=key or str(n).encode(), headers=list(headers))
                for n, value in enumerate(values)
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def consumer(
        self,
        until: Callable[[UsageConsumer], Any] = lambda usage: usage.ready,
        kind: type[UsageConsumer] = UsageConsumer,
        **options: Any,
    ) -> AsyncIterator[UsageConsumer]:
        broker = make_broker(dict(self.options))
        authenticator = Authenticator(tokens.public_jwks(KEY), allow_local=True)
        usage = kind(
            broker,
            self.database,
            authenticator,
            fold.Calendar(ZONE),
            self.monitor.gate,
            topic=self.topic,
            consumer=self.group,
            **options,
        )
        running = asyncio.create_task(usage.run())
        await broker.start()
        try:
            await eventually(lambda: until(usage))
            yield usage
        finally:
            await broker.stop()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def total(self) -> int:
        return int(await self.database.pool.fetchval("select coalesce(sum(total), 0) from usage_days"))

    async def offsets(self) -> int:
        async with self.database.reading() as conn:
            rows = PLUMBING.offsets_of(conn, consumer=self.group, topic=self.topic, partitions=list(range(PARTITIONS)))
            return sum([row["next_offset"] async for row in rows])


@pytest.fixture
async def stream(kafka: LocalKafka, database: Callable[[str], Awaitable[Database]]) -> Stream:
    made = Stream(kafka, await database("monitor"))
    await made.monitor.admit("s", "jianfu-local|agent")
    return made


def views(count: int, asset: UUID | None = None, begin: int = 0) -> list[bytes]:
    name = str(asset or UUID(int=7))
    about = {"source": "s", "asset_id": name, "measure": "views", "ts": millis(day(0))}
    return [json.dumps(about | {"user": f"u{n}"}).encode() for n in range(begin, begin + count)]


async def test_each_beacon_counts_once_and_quiet_speaks_of_what_is_written(stream: Stream) -> None:
    async with stream.consumer() as usage:
        await stream.send(*views(500))
        await eventually(lambda: sum(usage.done.values()) == 500)
        assert not usage.busy
        assert (await stream.total(), await stream.offsets()) == (500, 500)
        estimate = await stream.database.pool.fetchval("select users_estimate from usage_days")
        assert abs(estimate - 500) < 25
        received = await stream.database.pool.fetchval("select received from source_days where source = 's'")
        assert received == 500


async def test_a_restart_goes_on_from_the_database(stream: Stream) -> None:
    await stream.send(*views(100))
    async with stream.consumer() as usage:
        await eventually(lambda: sum(usage.done.values()) == 100)
    await stream.send(*views(50, begin=100))
    async with stream.consumer() as usage:
        await eventually(lambda: sum(usage.done.values()) == 150)
    assert await stream.total() == 150


async def test_an_agent_counts_for_the_sources_that_its_token_names(stream: Stream) -> None:
    """One fetch of two agents' records, one of whom speaks for another source as well: that one is kept aside."""
    agents = [f"jianfu-local|of {name}" for name in ("s", "t", "none")]
    for source in ("s", "t", "r"):
        await stream.monitor.admit(source, *agents, "jianfu-local|agent")
    other = [line.replace(b'"source": "s"', b'"source": "t"') for line in views(3)]
    bearers = {
        name: [("authorization", f"Bearer {issue(KEY, name, ['agent'], sources=sources)}".encode())]
        for name, sources in {"of s": ["s", "r"], "of t": ["t"], "of none": []}.items()
    }
    for name, lines in (
        ("of s", views(2)),
        ("of s", other),
        ("of t", other),
        ("of none", views(1)),
        ("of t", views(4)),
    ):
        await stream.send(*lines, headers=bearers[name], key=b"one partition")
    async with stream.consumer() as usage:
        await eventually(lambda: sum(usage.done.values()) == 13)
    rows = await stream.database.pool.fetch("select source, received from source_days order by source")
    assert [tuple(row) for row in rows] == [("s", 2), ("t", 3)]
    rows = await stream.database.pool.fetch("select reason_code, reason from dead_letters")
    assert [row["reason_code"] for row in rows] == ["malformed"] * 8
    assert {row["reason"] for row in rows} == {
        "source: expected one that the token names: r, s",
        "source: expected one that the token names: none",
        "source: expected one that the token names: t",
    }
    refusals = await stream.database.pool.fetch(
        "select sender, faults->0->>'field' as field from refusals order by sender"
    )
    refused = {"jianfu-local|of none": 1, "jianfu-local|of s": 3, "jianfu-local|of t": 4}
    assert [row["sender"] for row in refusals] == [name for name, count in refused.items() for _ in range(count)]
    assert {row["field"] for row in refusals} == {"source"}


async def test_poison_between_good_records_is_set_aside_and_nothing_waits(stream: Stream) -> None:
    person = "zhang-san-13800000000"
    bad = [None, b"\xff\xfe", b"{", b"[]", json.dumps({"source": "s", "user": person}).encode()]
    async with stream.consumer() as usage:
        await stream.send(*views(3), *bad, *views(3, begin=3))
        await stream.send(*views(2), headers=())
        await stream.send(*views(1), headers=[("authorization", None)])
        await stream.send(*views(1), headers=[("authorization", b"\xff")])
        await stream.send(*views(1), headers=[("authorization", b"Bearer nonsense")])
        wrong = "Bearer " + issue(KEY, "somebody", ["viewer"])
        await stream.send(*views(1), headers=[("authorization", wrong.encode())])
        await stream.send(*views(2, begin=6), headers=[("x", None), ("Authorization", TOKEN), ("traceparent", b"-")])
        await eventually(lambda: sum(usage.done.values()) == 19)
    assert await stream.total() == 8
    rows = await stream.database.pool.fetch("select reason_code, payload from dead_letters")
    codes = [row["reason_code"] for row in rows]
    assert {code: codes.count(code) for code in set(codes)} == {"malformed": 5, "unauthenticated": 5, "forbidden": 1}
    assert not any(person.encode() in (row["payload"] or b"") for row in rows)
    copies = await stream.database.pool.fetch("select topic, payload from outbox")
    assert {row["topic"] for row in copies} == {f"{stream.topic}.monitor.dead"}
    assert not any(person.encode() in (row["payload"] or b"") for row in copies)
    refusals = await stream.database.pool.fetch("select refusals::text as whole from refusals")
    assert len(refusals) == len(rows)
    assert not any(person in row["whole"] for row in refusals)


async def test_a_flood_of_poison_is_counted_and_never_blocks(stream: Stream) -> None:
    async with stream.consumer() as usage:
        await stream.send(*[b"{" for _ in range(2_000)], headers=[("authorization", OTHER)])
        await stream.send(*views(5))
        await eventually(lambda: sum(usage.done.values()) == 2_005)
    assert await stream.total() == 5
    assert 0 < await stream.database.pool.fetchval("select count(*) from dead_letters") <= 2_000


async def test_an_agent_over_its_bound_is_set_aside_and_counted_when_it_is_released(stream: Stream) -> None:
    """Its records are parked within a bound and without persons; records of other agents still count."""
    await stream.monitor.admit("s", "jianfu-local|agent", "jianfu-local|other")
    async with stream.consumer(bounds=Bounds(refused=10, kept=6)) as usage:
        await stream.send(*[b"{" for _ in range(20)], headers=[("authorization", OTHER)])
        await eventually(lambda: sum(usage.done.values()) == 20)
        await stream.send(*views(9), headers=[("authorization", OTHER)])
        await stream.send(*views(5))
        await eventually(lambda: sum(usage.done.values()) == 34)
        assert usage.ready
        assert await stream.total() == 5
        pool = stream.database.pool
        assert await pool.fetchval("select sender from senders_aside") == "jianfu-local|other"
        parked = await pool.fetch("select * from dead_letters where state = 'parked'")
        assert len(parked) == 6
        assert not any(b"user" in (row["payload"] or b"") for row in parked)
        dead = await pool.fetchval("select count(*) from dead_letters where state = 'dead'")
        assert await pool.fetchval("select sum(records) from parked_ranges") == 29 - 6 - dead
        await pool.execute("delete from senders_aside")
        await asyncio.sleep(1.1)  # another process learns of it within a second
        await stream.send(*views(2), headers=[("authorization", OTHER)])
        await eventually(lambda: sum(usage.done.values()) == 36)
    assert await stream.total() == 7


async def test_what_the_database_cannot_hold_is_found_and_buried_alone(stream: Stream) -> None:
    """A sum beyond a bigint: asked again and again it would stop the stream, and ending the process mends nothing."""
    full = UUID(int=99)
    await stream.database.pool.execute(
        "insert into usage_days (asset_id, measure, day, total) values ($1, 'views', $2, $3)", full, day(0), 2**63 - 5
    )
    one = json.loads(views(1, full)[0]) | {"count": 100}
    async with stream.consumer() as usage:
        await stream.send(*views(20), json.dumps(one).encode(), *views(20, begin=20))
        await eventually(lambda: sum(usage.done.values()) == 41)
        await stream.send(*views(3, begin=40))
        await eventually(lambda: sum(usage.done.values()) == 44)
        assert usage.ready
    counted = "select total from usage_days where asset_id = $1"
    assert await stream.database.pool.fetchval(counted, UUID(int=7)) == 43
    assert await stream.database.pool.fetchval(counted, full) == 2**63 - 5
    (letter,) = await stream.database.pool.fetch("select * from dead_letters")
    assert letter["reason_code"] == "unstorable"
    assert b'"count":100' in letter["payload"]


async def test_a_batch_that_unpacks_to_too_much_is_passed_over(stream: Stream) -> None:
    async with stream.consumer() as usage:
        await bombs.send(stream.options, stream.topic, bombs.batch(1 << 20, records=300))
        await stream.send(*views(5))
        await eventually(lambda: sum(usage.done.values()) == 305)
        assert usage.ready
    assert await stream.total() == 5
    (letter,) = await stream.database.pool.fetch("select * from dead_letters")
    assert (letter["reason_code"], letter["payload"]) == ("too_large", None)


async def test_what_another_has_counted_is_dropped_and_read_from_its_offsets(stream: Stream) -> None:
    """A consumer that outlived its session: while it folds, its successor has written further."""
    async with stream.consumer(idle=0.3) as usage:
        await stream.send(*views(60))
        await eventually(lambda: usage._pending.fold.records == 60)
        await stream.database.pool.execute(
            "update consumer_offsets set next_offset = next_offset + 5 where consumer = $1 and partition = 0",
            stream.group,
        )  # as if a successor had counted five records of partition 0
        await eventually(lambda: sum(usage.done.values()) == 60)
        assert await stream.total() == 55


async def test_a_consumer_that_joins_takes_over_without_losing_or_repeating(stream: Stream) -> None:
    enough = asyncio.Event()

    async def keep_sending() -> int:
        sent = 0
        while not enough.is_set():
            await stream.send(*views(40, begin=sent))
            sent += 40
        return sent

    async with stream.consumer() as first:
        sending = asyncio.create_task(keep_sending())
        await eventually(lambda: sum(first.done.values()) > 100)
        async with stream.consumer() as second:
            await eventually(lambda: first.ready and second.done and len(first.done) < PARTITIONS)
            before = await stream.offsets()
            await eventually(lambda: after(stream, before + 400))
        enough.set()
        sent = await sending
        await eventually(lambda: after(stream, sent))
        assert (await stream.total(), await stream.offsets()) == (sent, sent)


async def after(stream: Stream, offset: int) -> bool:
    return await stream.offsets() >= offset


async def test_while_the_database_cannot_be_written_nothing_is_lost(stream: Stream) -> None:
    async with stream.consumer() as usage:
        async with stream.database.pool.acquire() as conn, conn.transaction():
            await conn.execute("lock table consumer_offsets in exclusive mode")
            await stream.send(*views(30))
            await eventually(lambda: usage.busy)
        await eventually(lambda: sum(usage.done.values()) == 30)
    assert await stream.total() == 30


async def test_a_full_memory_holds_reading_back(stream: Stream) -> None:
    lines = [line for n in range(300) for line in views(1, UUID(int=n + 1))]
    async with stream.consumer(max_records=20, max_keys=30) as usage:
        await stream.send(*lines)
        await eventually(lambda: sum(usage.done.values()) == 300)
    assert await stream.total() == 300


async def test_sketches_folded_at_the_source_join_those_folded_here(stream: Stream) -> None:
    made = fold.Fold(fold.Calendar(ZONE))
    made.add_all(views(40), voice())
    (counter,) = made.result().counters
    folded = {
        "source": "s",
        "asset_id": str(UUID(int=7)),
        "measure": "views",
        "day": str(day(0)),
        "count": 40,
        "records": 40,
        "sketch": sent(counter.users),
    }
    async with stream.consumer() as usage:
        await stream.send(json.dumps(folded).encode(), *views(20, begin=30))
        await eventually(lambda: sum(usage.done.values()) == 21)
    row = await stream.database.pool.fetchrow("select total, users_estimate from usage_days")
    assert row is not None
    assert tuple(row) == (60, 50)
    assert await stream.database.pool.fetchval("select received from source_days") == 60


async def test_a_write_whose_connection_is_cut_is_written_again(stream: Stream) -> None:
    async with stream.consumer() as usage:
        async with stream.database.pool.acquire() as conn, conn.transaction():
            await conn.execute("lock table consumer_offsets in exclusive mode")
            await stream.send(*views(30))

            async def cut() -> bool:
                return bool(
                    await stream.database.pool.fetchval(
                        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                        " where wait_event_type = 'Lock' and datname = current_database()"
                    )
                )

            await eventually(cut)
        await eventually(lambda: sum(usage.done.values()) == 30)
    assert await stream.total() == 30


async def test_a_log_that_is_not_the_one_read_before_stops_the_consumer(stream: Stream) -> None:
    """A topic made anew, or cut: neither skipping nor beginning again would be right."""
    await stream.send(*views(10))
    async with stream.consumer() as usage:
        await eventually(lambda: sum(usage.done.values()) == 10)
    await stream.database.pool.execute("update consumer_offsets set next_offset = 1000 where partition = 1")
    async with stream.consumer(until=lambda usage: usage.stopped) as usage:
        assert "was it replaced?" in (usage.stopped or "")
        assert not usage.ready


class SecondFetchHeld(UsageConsumer):
    """Its second fetch waits outside the fold until it is let in."""

    fetched = 0

    async def take(self, records: Any) -> None:
        self.fetched += 1
        if self.fetched == 2:
            self.let_in = asyncio.Event()
            await self.let_in.wait()
        await super().take(records)


async def test_a_fetch_older_than_a_seek_is_not_folded(stream: Stream) -> None:
    """Folded, it would move the offset over the records before it, and they would be lost."""
    await stream.send(*views(60), key=b"one partition")
    async with stream.consumer(kind=SecondFetchHeld, max_records=30, idle=600, max_age=600) as usage:
        assert isinstance(usage, SecondFetchHeld)
        await eventually(lambda: usage.fetched == 2)
        await usage._start_over()
        usage.let_in.set()
        await eventually(lambda: usage._pending.fold.records == 60)
        await usage.flush()
    assert await stream.total() == 60
