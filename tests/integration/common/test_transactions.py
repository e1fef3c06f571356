"""Consumers read what was committed: what a sender takes back has no effect, and nobody waits for it for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from libs.common.db.pool import Database
from libs.common.kafka.end_offsets import EndOffsets
from libs.common.process import watchdog
from libs.common.security import tokens
from libs.common.senders.aside import NO_TOKEN
from libs.common.senders.reread import Reread
from tests.integration.common.stream import Recorder, consuming, produce, record
from tests.kit.waiting import eventually


async def well(_: float) -> None:
    """A database that answers."""


async def letters(store: Database) -> int:
    return int(await store.pool.fetchval("select count(*) from dead_letters"))


@asynccontextmanager
async def transaction(options: Any, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A sender that has begun a transaction; the block ends it as it likes."""
    sender = AIOKafkaProducer(**options, transactional_id=name)
    await sender.start()
    try:
        await sender.begin_transaction()
        yield sender
    finally:
        await sender.stop()


async def send(sender: AIOKafkaProducer, topic: str, each: dict[str, Any]) -> None:
    await (await sender.send(topic, **each))


async def test_what_a_sender_takes_back_has_never_been_sent(store: Database, options: Any, new_topic: Any) -> None:
    """An aborted transaction has no effect and leaves nothing to wait for, whether or not anything follows it."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    ends = EndOffsets(options)
    tp = TopicPartition(topic, 0)
    async with consuming(options, recorder) as subscription:
        for number in (1, 2):  # read while it is there, and at the start of a topic
            async with transaction(options, topic) as sender:
                await send(sender, topic, record("aborted", number))
                await sender.abort_transaction()
            await eventually(lambda: level(subscription, ends, tp))
        assert recorder.calls == 0
        await produce(options, topic, [record("good", 1)])
        await eventually(lambda: recorder.seen)
        await eventually(lambda: level(subscription, ends, tp))
    assert recorder.seen == [("good", 1)]
    async with consuming(options, recorder) as subscription:  # a new member begins behind the last mark, or before it
        await eventually(lambda: level(subscription, ends, tp))
    assert recorder.calls == 1
    assert await letters(store) == 0
    await ends.close()


async def level(subscription: Any, ends: EndOffsets, tp: TopicPartition) -> bool:
    """Whether nothing is on its way, and something was sent at all."""
    found = await ends.of([tp])
    return (
        found[tp] > 0
        and subscription.behind(found) == 0
        and not await subscription.fetching.stalled(subscription.consumer, found)
    )


@pytest.mark.parametrize("commit", [True, False])
async def test_an_open_transaction_holds_up_what_follows_and_stalls_nobody(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch, commit: bool
) -> None:
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(watchdog, "STALLED_LOOKS", 3)
    topic = await new_topic()
    recorder = Recorder(store, topic)
    ends = EndOffsets(options)
    tp = TopicPartition(topic, 0)
    async with consuming(options, recorder) as subscription:
        base: Any = SimpleNamespace(subscriptions=[subscription], ends=ends, database=SimpleNamespace(silence=well))
        watch = asyncio.create_task(watchdog.watch(base))
        await produce(options, topic, [record("before", 1)])
        await eventually(lambda: recorder.seen)
        async with transaction(options, topic) as sender:
            await send(sender, topic, record("open", 1))
            await produce(options, topic, [record("after", 1)])
            await asyncio.sleep(1.5)
            assert recorder.seen == [("before", 1)], "whether it is taken back nobody knows yet"
            assert await level(subscription, ends, tp)
            await (sender.commit_transaction() if commit else sender.abort_transaction())
        await eventually(lambda: ("after", 1) in recorder.seen)
        await eventually(lambda: level(subscription, ends, tp))
        assert not watch.done(), "to wait for the end of a transaction is no standing still"
        watch.cancel()
    assert recorder.seen == [("before", 1), *([("open", 1)] if commit else []), ("after", 1)]
    await ends.close()


async def test_of_many_transactions_in_one_fetch_only_the_committed_count(
    store: Database, options: Any, new_topic: Any
) -> None:
    """Marks, aborted and committed records in turn, compressed or not, read from the beginning."""
    topic = await new_topic()
    for number in range(12):
        packed = {"compression_type": "lz4"} if number % 2 else {}
        async with transaction(options | packed, topic) as sender:
            for _ in range(3):
                await send(sender, topic, record("t", number))
            await (sender.abort_transaction() if number % 3 == 0 else sender.commit_transaction())
    recorder = Recorder(store, topic)
    ends = EndOffsets(options)
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: level(subscription, ends, TopicPartition(topic, 0)))
    assert recorder.calls == 3 * 8
    assert {value for _, value in recorder.seen} == {number for number in range(12) if number % 3}
    assert await letters(store) == 0
    await ends.close()


async def test_what_is_read_again_of_a_sender_was_committed(options: Any, new_topic: Any) -> None:
    topic = await new_topic()
    await produce(options, topic, [record("kept", 1)])
    for commit in (False, True):
        async with transaction(options, topic) as sender:
            await send(sender, topic, record("committed" if commit else "aborted", 1))
            await (sender.commit_transaction() if commit else sender.abort_transaction())
    reread = Reread(options, tokens.Authenticator(tokens.public_jwks(tokens.new_key("k")), allow_local=True))
    found = await reread.page(topic, 0, 0, 4, NO_TOKEN)  # each transaction ends with a mark
    assert [dict(one.headers)["ce_id"] for one in found.records] == [
        dict(record(name, 1)["headers"])["ce_id"] for name in ("kept", "committed")
    ]
    assert found.next_offset == 5
