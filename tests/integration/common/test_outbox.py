"""Events leave through the transaction that made them, in order per key, none lost (promise 5)."""

import asyncio
import time
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from deploy.local import subprocesses
from deploy.local.kafka import LocalKafka
from libs.common.db.pool import Database
from libs.common.outbox import relay as outbox
from libs.common.outbox.emit import NotInTransaction
from libs.common.outbox.emit import emit as emit_event
from tests.integration.common import stream
from tests.integration.common.stream import counted_on, emit, relaying
from tests.kit.waiting import eventually

pytestmark = pytest.mark.usefixtures("kafka")


async def leader_pid(database: Database) -> int | None:
    """The backend that holds the relay's advisory lock."""
    pid: int | None = await database.pool.fetchval(
        "select pid from pg_locks where locktype = 'advisory' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return pid


async def test_emit_outside_a_transaction_raises(store: Database) -> None:
    """Rule of architecture 3: a change and its event are one transaction, so an event alone is refused."""
    async with store.pool.acquire() as conn:
        with pytest.raises(NotInTransaction):
            await emit_event(conn, counted_on("t")(thing="a", value=1), sequence=1, time=stream.NOON)
    assert await store.pool.fetchval("select count(*) from outbox") == 0


async def emit_and_fail(database: Database, event: stream.Counted) -> None:
    async with database.transaction("fails") as conn:
        await emit_event(conn, event, sequence=1, time=stream.NOON)
        raise ZeroDivisionError


async def test_a_rollback_publishes_nothing(store: Database, options: Any, new_topic: Any) -> None:
    """Promise 5: what did not happen is not told, what happened is told once."""
    topic = await new_topic()
    counted = counted_on(topic)
    async with relaying(store, options) as relay:
        with pytest.raises(ZeroDivisionError):
            await emit_and_fail(store, counted(thing="never", value=1))
        await emit(store, counted(thing="done", value=1))
        await eventually(relay_is_empty(relay))
    records = await stream.read(options, topic)
    assert [record.key for record in records] == [b"done"]


async def test_order_per_key_with_eight_writers(store: Database, options: Any, new_topic: Any) -> None:
    """Architecture 3: the aggregate's row is locked before the outbox insert, and one relay keeps that order."""
    topic = await new_topic(partitions=3)
    counted = counted_on(topic)
    keys = [f"k{i}" for i in range(5)]
    await store.pool.executemany("insert into things (thing) values ($1)", [(key,) for key in keys])

    async def writer(number: int) -> None:
        for turn in range(40):
            key = keys[(number + turn) % len(keys)]
            async with store.transaction("count") as conn:
                version = await conn.fetchval(
                    "update things set version = version + 1 where thing = $1 returning version", key
                )
                await emit_event(conn, counted(thing=key, value=version), sequence=version, time=stream.NOON)

    async with relaying(store, options, rows=50) as relay:
        await asyncio.gather(*(writer(number) for number in range(8)))
        await eventually(relay_is_empty(relay))
    by_key: dict[bytes, list[int]] = {}
    for record in await stream.read(options, topic):
        by_key.setdefault(record.key, []).append(int(dict(record.headers)["ce_sequence"]))
    assert by_key == {key.encode(): list(range(1, 65)) for key in keys}


async def test_one_relay_leads_and_another_takes_over(
    plumbing: Any, connect: Any, options: Any, new_topic: Any
) -> None:
    """Decision 0004: one active relay per database; when its connection dies the other carries on, none lost."""
    topic = await new_topic(partitions=2)
    counted = counted_on(topic)
    urls = await plumbing()
    first, second = await connect(urls), await connect(urls)
    async with relaying(first, options, poll=0.1) as one:
        await eventually(lambda: one.leading)
        async with relaying(second, options, poll=0.1) as two:
            leaders = set()
            for value in range(1, 201):
                await emit(first, counted(thing=f"k{value % 3}", value=value), sequence=value)
                if value % 60 == 0:
                    leaders.add("one" if one.leading else "two")
                    killed = await leader_pid(first)
                    assert await first.pool.fetchval("select pg_terminate_backend($1)", killed)
                    await eventually(lambda old=killed: another_leads(first, old))
                    await eventually(lambda: one.leading != two.leading)
            await eventually(relay_is_empty(one))
            assert leaders == {"one", "two"}
            await eventually(lambda: one.failing is None and two.failing is None)
    told: dict[bytes, list[int]] = {}
    for record in await stream.read(options, topic):
        told.setdefault(record.key, []).append(int(dict(record.headers)["ce_sequence"]))
    for key, sequences in told.items():
        first_told = list(dict.fromkeys(sequences))  # at least once: a repeat may come, a gap or a swap may not
        assert first_told == sorted(first_told), key
    assert sorted(set().union(*told.values())) == list(range(1, 201))


async def another_leads(database: Database, old: int | None) -> bool:
    return await leader_pid(database) not in (None, old)


def relay_is_empty(relay: outbox.Relay) -> Any:
    async def check() -> bool:
        return await relay.depth() == 0

    return check


async def test_broker_away_loses_nothing(store: Database, options: Any, kafka: LocalKafka, new_topic: Any) -> None:
    """Promise 5: rows stay until Kafka has acknowledged them, and leave when it is back."""
    topic = await new_topic()
    counted = counted_on(topic)
    port = subprocesses.port()
    away = options | {"bootstrap_servers": f"127.0.0.1:{port}"}
    async with relaying(store, away, poll=0.1) as relay:
        for value in range(1, 21):
            await emit(store, counted(thing="a", value=value), sequence=value)
        await eventually(lambda: relay.failing)
        assert "Kafka" in (relay.failing or "")
        assert await relay.depth() == 20
        forwarder = await asyncio.start_server(lambda r, w: forward(r, w, kafka.port), "127.0.0.1", port)
        async with forwarder:
            await eventually(relay_is_empty(relay))
            await eventually(lambda: relay.failing is None)
    values = [int(dict(record.headers)["ce_sequence"]) for record in await stream.read(options, topic)]
    assert values == list(range(1, 21))


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """What stands where Kafka was expected once it is back: carries bytes both ways."""
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer), return_exceptions=True)


async def test_trace_context_travels(store: Database, options: Any, new_topic: Any) -> None:
    """Issue of tracing: the span that emitted is the parent of what the consumer does, across the outbox."""
    topic = await new_topic()
    span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
    async with relaying(store, options) as relay:
        with trace.use_span(span):
            await emit(store, counted_on(topic)(thing="a", value=1))
        await eventually(relay_is_empty(relay))
    (record,) = await stream.read(options, topic)
    assert dict(record.headers)["traceparent"] == b"00-%032x-%016x-01" % (0xABC, 0xDEF)


async def test_a_commit_wakes_the_relay_at_once(plumbing: Any, connect: Any, options: Any, new_topic: Any) -> None:
    """Architecture 3: woken by a poke after commit, in this process and from another, long before it would poll."""
    topic = await new_topic()
    counted = counted_on(topic)
    urls = await plumbing()
    here, there = await connect(urls), await connect(urls)
    async with relaying(here, options, poll=60) as leader:
        await emit(here, counted(thing="warm", value=1))
        await eventually(relay_is_empty(leader))
        async with relaying(there, options, poll=60) as standby:
            for database in (here, there):
                started = time.monotonic()
                await emit(database, counted(thing="a", value=1))
                await eventually(relay_is_empty(leader), 5, every=0.005)
                assert time.monotonic() - started < 5
            assert leader.leading
            assert not standby.leading


async def test_without_pokes_polling_delivers(store: Database, options: Any, new_topic: Any) -> None:
    """Habit 18: wake-ups are accelerators; with them off, everything still happens, later."""
    topic = await new_topic()
    async with relaying(store, options, poll=0.3) as relay:
        await eventually(lambda: relay.leading)
        store.after_commit = lambda: None
        await emit(store, counted_on(topic)(thing="a", value=1))
        await eventually(relay_is_empty(relay))
    assert len(await stream.read(options, topic)) == 1


async def test_a_message_too_large_is_refused_where_it_is_written(store: Database) -> None:
    """One message no broker takes would stop all events behind it, so the use case that wrote it fails instead."""
    async with store.transaction("large") as conn:
        with pytest.raises(ValueError, match="larger than"):
            await emit_event(conn, counted_on("t")(thing="x" * 1_000_000, value=1), sequence=1, time=stream.NOON)
        assert await conn.fetchval("select count(*) from outbox") == 0


async def test_drain_waits_for_the_last_row(store: Database, options: Any, new_topic: Any) -> None:
    """Architecture 9.14: a stop drains; what was committed before it is told before the process ends."""
    topic = await new_topic()
    async with relaying(store, options, poll=60) as relay:
        await eventually(lambda: relay.leading)
        store.after_commit = lambda: None
        for value in range(1, 6):
            await emit(store, counted_on(topic)(thing="a", value=value), sequence=value)
        await relay.drain(10)
        assert await relay.depth() == 0
    assert len(await stream.read(options, topic)) == 5
