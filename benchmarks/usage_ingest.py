"""Usage from Kafka to exactly-once day rows with sketches of distinct users.

Beside it a bare aiokafka consumer that reads the same records and does nothing: the ceiling of any Python consumer.
And FastStream's handler per message doing the same work, with the same statements and the same fence, one at a time.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka.message import KafkaAckableMessage

from benchmarks import beacons, harness
from benchmarks.beacons import PARTITIONS, ZONE, Stream
from benchmarks.harness import Env, Result, Wrong
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.kafka.broker import make_broker
from services.monitor.admissions import usecases as admission_usecases
from services.monitor.admissions.domain import Admission, Scope
from services.monitor.admissions.names import EVERY_SOURCE
from services.monitor.admissions.usecases import Gate
from services.monitor.settings import Settings
from services.monitor.usage import fold
from services.monitor.usage import usecases as usage_usecases
from services.monitor.usage.handlers import UsageConsumer

RECORDS, SINGLE_RECORDS = 600_000, 4_000
NAME = "usage ingest"


async def run(env: Env) -> list[Result]:
    """Rates of the three, counts checked against what was sent after every run."""
    stream = await beacons.send(env.options, await env.topic(PARTITIONS), env.size(RECORDS))
    short = await beacons.send(env.options, await env.topic(PARTITIONS), env.size(SINGLE_RECORDS))
    runs = await harness.by_turns(
        {
            "aiokafka getmany": lambda: bare(env, stream),
            "jianfu": lambda: ours(env, stream),
            "FastStream per message": lambda: per_message(env, short),
        },
        env.repeats,
    )
    return [
        harness.rate(NAME, "aiokafka getmany", runs),
        harness.rate(NAME, "FastStream per message", runs),
        harness.compared(NAME, "jianfu", "aiokafka getmany", runs, expected=0.35),
        harness.compared(NAME, "jianfu", "FastStream per message", runs, expected=12),
    ]


async def bare(env: Env, stream: Stream) -> float:
    """Read everything, do nothing."""
    consumer = AIOKafkaConsumer(**env.options, enable_auto_commit=False, max_partition_fetch_bytes=4 << 20)
    await consumer.start()
    try:
        partitions = [TopicPartition(stream.topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        taken, started = 0, time.perf_counter()
        while taken < stream.records:
            for records in (await consumer.getmany(timeout_ms=100, max_records=5_000)).values():
                taken += len(records)
        return stream.records / (time.perf_counter() - started)
    finally:
        await consumer.stop()


async def ours(env: Env, stream: Stream) -> float:
    """The monitor's consumer, as it is configured by default, until the last offset is written."""
    defaults = Settings.model_fields
    async with env.database("monitor") as database:
        broker = make_broker(env.options)
        gate = await admitted(database)
        usage = UsageConsumer(
            broker,
            database,
            stream.authenticator,
            fold.Calendar(ZONE),
            gate,
            topic=stream.topic,
            consumer=env.group(),
            max_records=defaults["usage_batch"].default,
            max_keys=defaults["usage_keys"].default,
        )
        writing = asyncio.create_task(usage.run())
        starting = asyncio.create_task(broker.start())
        try:
            while not usage.ready:
                await asyncio.sleep(0.001)
            started = time.perf_counter()
            while sum(usage.done.values()) < stream.records:
                await asyncio.sleep(0.002)
            spent = time.perf_counter() - started
        finally:
            await starting
            await broker.stop()
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
        await check(database, stream)
    return stream.records / spent


async def per_message(env: Env, stream: Stream) -> float:
    """One transaction a message: the fence, the row's lock, its sketch, the merge; acknowledged after it."""
    async with env.database("monitor") as database:
        broker, calendar, done = make_broker(env.options), fold.Calendar(ZONE), asyncio.Event()
        voice = (await (await admitted(database)).roll()).voice(beacons.AGENT, EVERY_SOURCE)
        group, handled, started = env.group(), 0, 0.0

        async def parser(record: ConsumerRecord) -> KafkaAckableMessage:
            return KafkaAckableMessage(
                raw_message=record,
                body=b"",
                correlation_id="-",
                message_id=str(record.offset),
                consumer=subscriber.consumer,
            )

        async def decoder(message: Any) -> Any:
            return message.raw_message

        subscriber = broker.subscriber(
            stream.topic,
            group_id=group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=parser,
            decoder=decoder,
        )

        @subscriber
        async def handle(record: ConsumerRecord) -> None:
            nonlocal handled, started
            started = started or time.perf_counter()
            folded = fold.Fold(calendar)
            if folded.add_all([record.value], voice):
                raise Wrong("a beacon was refused")
            moves = usage_usecases.OffsetAdvance(
                consumer=group,
                topic=stream.topic,
                partitions=(record.partition,),
                expected=(record.offset,),
                next=(record.offset + 1,),
            )
            await usage_usecases.flush_usage(database, moves, folded.result())
            handled += 1
            if handled == stream.records:
                done.set()

        await usage_usecases.start_offsets(database, group, stream.topic, dict.fromkeys(range(PARTITIONS), 0))
        await broker.start()
        try:
            await done.wait()
            spent = time.perf_counter() - started
        finally:
            await broker.stop()
        await check(database, stream)
    return stream.records / spent


async def admitted(database: Database) -> Gate:
    """The gate of a monitor that has admitted the beacons' source, on their last day."""
    clock = SteppedClock(ZONE, beacons.FIRST + timedelta(days=beacons.DAYS - 1))
    first, covers = beacons.FIRST.date(), Scope(everything=True)
    decided = Admission(
        since=first,
        admitted=True,
        agents=(beacons.AGENT,),
        measures=("views",),
        scope=covers,
        reason="all that is sent here",
    )
    await admission_usecases.admit_source(
        database, beacons.SOURCE, decided, actor="benchmarks|operator", today=first, at=clock.now()
    )
    return Gate(database, clock, Settings.model_fields["late_days"].default)


async def check(database: Database, stream: Stream) -> None:
    """Every day row holds exactly what was sent, and the sketches are as exact as they promise. Raises Wrong."""
    rows = await database.pool.fetch("select asset_id, day, total, users_estimate from usage_days")
    counts = {(str(row["asset_id"]), row["day"]): row["total"] for row in rows}
    if counts != stream.counts:
        raise Wrong(
            f"{sum(counts.values())} counted in {len(counts)} rows, {stream.records} in {len(stream.counts)} sent"
        )
    error = sum(row["users_estimate"] for row in rows) / sum(stream.users.values()) - 1
    if abs(error) > 0.02:
        raise Wrong(f"distinct users are {error:+.1%} off")
    left = await database.pool.fetchval("select count(*) from dead_letters")
    if left:
        raise Wrong(f"{left} beacons were set aside")
