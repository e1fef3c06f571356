"""Every failure is sorted once: retried in place, buried, counted, or a reason to stop; none is lost, none blocks."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import NewTopic
from prometheus_client import REGISTRY

from deploy.kafka import topics
from deploy.local.kafka import LocalKafka
from libs.common.consumer import events
from libs.common.consumer.events import UNEXPECTED_IN_A_ROW, EventSubscription
from libs.common.consumer.patience import Patience
from libs.common.consumer.subscription import Subscription
from libs.common.db.pool import Database
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import Invalid
from libs.common.events.envelope import Headers
from libs.common.handler import Handler
from libs.common.kafka.broker import make_broker
from libs.common.kafka.end_offsets import EndOffsets
from libs.common.process import watchdog
from libs.common.telemetry import traces
from tests.integration.common import stream
from tests.integration.common.stream import Counted, Recorder, consuming, produce, record, relaying
from tests.kit import bombs
from tests.kit.waiting import eventually

NOISE = random.Random(1).randbytes(990_000)
# name → (record, the code it is buried under, words the reason must hold)
POISON: dict[str, tuple[dict[str, Any], str, str]] = {
    "bad JSON": (record("p", 1, value=b'{"thing": '), "invalid", "JSON"),
    "not even text": (record("p", 2, value=b"\xff\xfe\x00"), "invalid", "JSON"),
    "wrong schema": (record("p", 3, value=b'{"thing": "p", "value": "many"}'), "invalid", "value"),
    "a list": (record("p", 4, value=b"[1, 2]"), "invalid", "body"),
    "null header": (record("p", 5, ce_subject=None), "malformed", "ce_subject"),
    "non-UTF-8 header": (record("p", 6, ce_source=b"\xff\xfe"), "malformed", "ce_source"),
    "null value": (record("p", 7, value=None), "malformed", "value"),
    "missing header": (record("p", 8, headers=record("p", 8)["headers"][2:]), "malformed", "ce_id"),
    "no headers": (record("p", 9, headers=[]), "malformed", "ce_id"),
    "no key and no headers": (record("p", 10, headers=[], key=None), "malformed", "ce_id"),
    "time without offset": (record("p", 11, ce_time=b"2025-06-01T04:00:00"), "malformed", "ce_time"),
    "sequence in words": (record("p", 12, ce_sequence=b"twelve"), "malformed", "ce_sequence"),
    "U+0000 in the id": (record("p", 13, ce_id=b"a\0b", value=b"{}"), "malformed", "ce_id"),
    "as large as a broker takes": (record("p", 14, value=NOISE + NOISE[:55_000]), "invalid", "JSON"),
    "a key as large as a broker takes": (record("p", 15, key=NOISE + NOISE[:55_000], value=b"{}"), "invalid", "thing"),
}


def total(topic: str, kind: str, outcome: str) -> float:
    labels = {"topic": topic, "type": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("jianfu_events_total", labels) or 0.0


async def rows(store: Database) -> list[Any]:
    return list(await store.pool.fetch('select * from dead_letters order by topic, partition, "offset"'))


async def test_poison_between_good_records(store: Database, options: Any, new_topic: Any) -> None:
    """Promise 5: each good record acts once, each poison record is a row with its reason and a dead-topic copy."""
    topic = await new_topic()
    sent, place = [], {}
    for number, (name, (poison, _, _)) in enumerate(POISON.items()):
        sent.append(record("good", number))
        place[len(sent)] = name
        sent.append(poison)
    sent.append(record("good", len(POISON)))
    recorder = Recorder(store, topic)
    await produce(options, topic, sent)
    async with consuming(options, recorder) as subscription, relaying(store, options) as relay:
        await eventually(lambda: sum(subscription.done.values()) == len(sent))
        await eventually(lambda: empty(relay))
    assert recorder.seen == [("good", number) for number in range(len(POISON) + 1)]
    found = {row["offset"]: row for row in await rows(store)}
    assert {offset: name for offset, name in place.items() if offset in found} == place
    assert len(found) == len(place)
    copies = {dict(copy.headers)["dead_origin"]: copy for copy in await stream.read(options, f"{topic}.registry.dead")}
    assert len(copies) == len(place)
    for offset, name in place.items():
        poison, code, words = POISON[name]
        row, copy = found[offset], copies[f"{topic}/0/{offset}".encode()]
        assert (row["reason_code"], row["key"], row["payload"]) == (code, poison["key"], poison["value"]), name
        assert words in row["reason"], name
        assert decoded(row["headers"]) == list(poison["headers"]), name
        assert dict(copy.headers)["dead_code"] == code.encode(), name
        assert words.encode() in dict(copy.headers)["dead_reason"], name
        if name.endswith("as large as a broker takes"):
            assert copy.key == poison["key"][:1000]
            assert copy.value is None
            assert dict(copy.headers)["dead_truncated"]
        else:
            assert list(copy.headers[: len(poison["headers"])]) == list(poison["headers"]), name
            assert (copy.key, copy.value) == (poison["key"], poison["value"]), name


async def test_a_headers_name_may_be_any_bytes(store: Database, options: Any, new_topic: Any) -> None:
    """Promise 5: aiokafka dies of a name that is not UTF-8, for ever, and with it what it had read before it."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    sent = [record("a", n) for n in range(1, 8)]
    for odd in (2, 3, 6):
        sent[odd]["headers"] = [(stream.RawName("unit"), b"x"), *sent[odd]["headers"]]
    sent[6]["value"] = b"{}"
    await stream.produce_as_written(options, topic, sent)
    await stream.produce_as_written(options, topic, sent[2:3], codec=1)
    await produce(options, topic, [record("a", 8)])
    async with consuming(options, recorder) as subscription, relaying(store, options) as relay:
        await eventually(lambda: sum(subscription.done.values()) == 9)
        await eventually(lambda: empty(relay))
    assert recorder.seen == [("a", n) for n in (1, 2, 3, 4, 5, 6, 8)]
    assert recorder.calls == 8, "the compressed one came too"
    (row,) = await rows(store)
    assert (row["offset"], row["payload"]) == (6, b"{}")
    assert decoded(row["headers"])[0][1] == b"x"
    assert len(await stream.read(options, f"{topic}.registry.dead")) == 1


async def test_what_unpacks_to_too_much_is_buried_without_its_body(
    store: Database, options: Any, new_topic: Any
) -> None:
    """35 KB that unpack to 1.1 GB: aiokafka would unpack them whole, end there, and begin again there for ever."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    await produce(options, topic, [record("a", 1)])
    assert await bombs.send(options, topic, bombs.batch(1100 << 20)) == 1
    await bombs.send(options, topic, bombs.batch(1 << 20, "gzip", records=12))
    await produce(options, topic, [record("a", 2)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: len(recorder.seen) == 2)
        assert subscription.ready
    assert recorder.seen == [("a", 1), ("a", 2)]
    found = await rows(store)
    assert [(row["offset"], row["reason_code"], row["key"], row["payload"]) for row in found] == [
        (1, "too_large", None, None),
        (13, "too_large", None, None),
    ]
    assert "offsets 2 to 13" in found[1]["reason"]
    assert decoded(found[1]["headers"]) == []


async def test_a_batch_damaged_on_the_brokers_disk_is_buried_and_reading_goes_on(
    store: Database, options: Any, new_topic: Any, kafka: LocalKafka
) -> None:
    """aiokafka refuses its checksum at each fetch, loses what it had read before it, and comes no further."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    for number in (1, 2, 3):
        await produce(options, topic, [record("a", number)])
    log = kafka.folder / "data" / f"{topic}-0" / f"{0:020}.log"
    stored = bytearray(log.read_bytes())
    place = stored.index(b'"value":2')
    with log.open("r+b") as file:
        file.seek(place + 8)
        file.write(b"9")
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 3)
    assert recorder.seen == [("a", 1), ("a", 3)]
    assert [(row["offset"], row["reason_code"]) for row in await rows(store)] == [(1, "corrupt")]


async def test_a_consumer_waits_for_its_topic_and_makes_none(store: Database, options: Any, kafka: LocalKafka) -> None:
    """FastStream would make it, with the broker's own number of partitions, which is then never altered."""
    name = f"test.late-{uuid4().hex[:8]}"
    admin = topics.admin(kafka.bootstrap, "admin", kafka.password("admin"))
    recorder = Recorder(store, name)
    broker = make_broker(options)
    handlers = {Counted.TYPE: Handler(stream.counted_on(name), recorder.act)}
    subscription = EventSubscription(broker, store, name, "registry", handlers)
    starting = asyncio.create_task(broker.start())
    try:
        await eventually(lambda: subscription.consumer)
        assert name not in admin.list_topics(timeout=10).topics
        admin.create_topics([NewTopic(name, 3, 1)])[name].result(20)
        await produce(options, name, [record("a", 1)])
        await starting
        await eventually(lambda: recorder.seen)
    finally:
        starting.cancel()
        await broker.stop()


async def test_what_fails_while_partitions_are_given_is_tried_again(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client swallows an error there: the consumer would read and never know that it has joined."""
    topic = await new_topic()
    failures = [KafkaConnectionError("away"), TimeoutError()]
    real = Subscription.position

    async def position(self: Subscription, partitions: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(self, partitions)

    monkeypatch.setattr(Subscription, "position", position)
    recorder = Recorder(store, topic)
    await produce(options, topic, [record("a", 1)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: subscription.ready and recorder.seen)
    assert not failures


async def test_a_consumer_that_silently_stands_still_is_noticed(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka.md 1.13, 4: it keeps its partitions, answers nothing and reads nothing; one at work, or idle, is well."""
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.3)
    monkeypatch.setattr(watchdog, "STALLED_LOOKS", 3)
    topic = await new_topic()
    recorder = Recorder(store, topic)
    gate = asyncio.Event()

    async def before(_: Counted) -> None:
        await gate.wait()

    recorder.before = before  # type: ignore[method-assign]
    ends = EndOffsets(options)
    async with consuming(options, recorder) as subscription:
        base: Any = SimpleNamespace(subscriptions=[subscription], ends=ends, database=SimpleNamespace(silence=well))
        watch = asyncio.create_task(watchdog.watch(base))
        await asyncio.sleep(1.5)
        await produce(options, topic, [record("a", 1)])
        await eventually(lambda: recorder.calls)
        await asyncio.sleep(1.5)
        assert not watch.done(), "it was idle, then at work"
        gate.set()
        await eventually(lambda: recorder.seen)
        for task in subscription._sub.tasks:
            task.cancel()
        await produce(options, topic, [record("a", 2)])
        with pytest.raises(RuntimeError, match=f"{topic} stands still"):
            async with asyncio.timeout(30):
                await watch
    await ends.close()


async def well(_: float) -> None:
    """A database that answers."""


async def empty(relay: Any) -> bool:
    return bool(await relay.depth() == 0)


def decoded(headers: bytes) -> Headers:
    return msgspec.msgpack.decode(headers, type=list[tuple[str, bytes | None]])


async def test_unknown_types_are_acknowledged_and_counted(store: Database, options: Any, new_topic: Any) -> None:
    """Architecture 3: the first event of a newer producer's new type is no poison."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    unknown = [record("new", n, ce_type=b"thing.weighed.v2", value=b"\xff") for n in range(3)]
    await produce(options, topic, [record("a", 1), *unknown, record("a", 2)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 5)
    assert recorder.seen == [("a", 1), ("a", 2)]
    assert await rows(store) == []
    assert total(topic, "other", "unknown") == 3
    assert total(topic, Counted.TYPE, "handled") == 2


async def test_on_a_topic_of_strangers_what_is_not_known_is_buried_with_all_its_faults(
    store: Database, options: Any, new_topic: Any
) -> None:
    """A misspelt type or attribute would never be noticed by its sender; what is known beside it is handled."""
    topic = await new_topic(outside=True)
    recorder = Recorder(store, topic)
    slip = record("p", 2)
    slip["headers"] = [*slip["headers"], ("ce_tiem", b"2025-06-01T04:00:00Z")]
    wrong = record("p", 3, value=b'{"thing": 7, "value": "many"}')
    await produce(options, topic, [record("a", 1), record("p", 1, ce_type=b"thing.count"), slip, wrong, record("a", 2)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 5)
    assert recorder.seen == [("a", 1), ("a", 2)]
    found = await rows(store)
    assert [row["reason_code"] for row in found] == ["unknown_type", "malformed", "invalid"]
    assert found[0]["reason"] == "ce_type: thing.count is not known here; expected one of thing.counted"
    assert found[1]["reason"].startswith("ce_tiem: no attribute is called so")
    assert [part.partition(":")[0] for part in found[2]["reason"].split("; ")] == ["thing", "value"]


async def test_a_transient_failure_is_healed_in_place(store: Database, options: Any, new_topic: Any) -> None:
    """Habit 19: what passes by itself is retried where it stands; order is kept, nothing buried."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    failures = [ConnectionResetError("away"), TimeoutError(), "server"]

    async def before(event: Counted) -> None:
        if event.value == 3 and failures:
            failure = failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            async with store.pool.acquire() as conn:  # the database ends this session in the middle of the use case
                await conn.fetchval("select pg_terminate_backend(pg_backend_pid())")

    recorder.before = before  # type: ignore[method-assign]
    await produce(options, topic, [record("a", value) for value in range(1, 6)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 5)
    assert not failures
    assert recorder.seen == [("a", value) for value in range(1, 6)]
    assert recorder.calls == 8
    assert await rows(store) == []


async def test_a_refusal_by_a_rule_is_buried(store: Database, options: Any, new_topic: Any) -> None:
    """Habit 19: refused by a rule or by a fault of ours: dead letter with its code, and the stream goes on."""
    topic = await new_topic()
    recorder = Recorder(store, topic)

    async def before(event: Counted) -> None:
        if event.value == 2:
            raise Invalid(field="value", why="two is refused here")
        if event.value == 4:
            raise KeyError("a fault of ours")
        if event.value == 5:  # what the database cannot hold does not pass by itself
            await store.pool.execute("insert into effects values (default, $1, '', '', 1)", "a\0b")

    recorder.before = before  # type: ignore[method-assign]
    await produce(options, topic, [record("a", value) for value in range(1, 7)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 6)
    assert recorder.seen == [("a", 1), ("a", 3), ("a", 6)]
    found = await rows(store)
    assert [(row["offset"], row["reason_code"]) for row in found] == [
        (1, "invalid"),
        (3, "unexpected"),
        (4, "unstorable"),
    ]
    assert "two is refused here" in found[0]["reason"]
    assert "KeyError" in found[1]["reason"]
    assert (found[0]["event_type"], found[0]["state"]) == (Counted.TYPE, "dead")


async def test_what_is_refused_never_stops_a_consumer(store: Database, options: Any, new_topic: Any) -> None:
    """One sender never stops the others: malformed and invalid records are buried, however many come in a row."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    many = 2 * UNEXPECTED_IN_A_ROW + 5
    bad = [record("bad", n, **({"value": b"{}"} if n % 2 else {"ce_time": b"now"})) for n in range(many)]
    await produce(options, topic, [*bad, record("a", 1)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: recorder.seen)
        assert subscription.ready
        assert subscription.stopped is None
    assert len(await rows(store)) == many


async def test_many_faults_of_ours_in_a_row_make_a_consumer_wait_and_try_again_by_itself(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug would bury all that is good: it waits, each time for longer, and says so; nobody has to start it anew."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    limit = 5  # the traces of fifty would take a minute
    monkeypatch.setattr(events, "UNEXPECTED_IN_A_ROW", limit)
    mended = False

    async def before(event: Counted) -> None:
        if event.thing == "odd" and not mended:
            raise KeyError("a fault of ours")

    recorder.before = before  # type: ignore[method-assign]
    odd = [record("odd", n) for n in range(limit + 3)]
    await produce(options, topic, [*odd[1:limit], record("a", 1), *odd, record("a", 2)])
    async with consuming(options, recorder) as subscription:
        subscription.first_pause = 0.5
        await eventually(lambda: subscription.stopped)
        assert not subscription.ready
        assert topic in (subscription.reason or "")
        assert stuck(topic) == 1
        assert len(await rows(store)) == limit - 1 + limit
        assert recorder.seen == [("a", 1)]
        await eventually(lambda: "after 1 s" in (subscription.stopped or ""))
        mended = True
        assert len(await rows(store)) == 2 * limit, "one more was tried"
        await eventually(lambda: len(recorder.seen) == 4)
        assert subscription.ready
        assert stuck(topic) == 0
    assert recorder.seen == [("a", 1), ("odd", limit + 1), ("odd", limit + 2), ("a", 2)]


def stuck(topic: str) -> float:
    return REGISTRY.get_sample_value("jianfu_consumer_stuck", {"topic": topic}) or 0.0


async def test_what_fails_for_too_long_while_the_database_answers_is_set_aside(
    store: Database, options: Any, new_topic: Any
) -> None:
    """A record that never passes holds nobody up for longer than our patience, and is told of before it is given up."""
    topic = await new_topic(partitions=2)
    recorder = Recorder(store, topic)
    told: list[str | None] = []

    async def before(event: Counted) -> None:
        if event.thing == "slow":
            told.append(subscription.reason)
            raise TimeoutError("a query that never ends")

    recorder.before = before  # type: ignore[method-assign]
    sent = [record("slow", 1), *(record(f"k{n}", n) for n in range(10)), record("slow", 2)]
    async with consuming(options, recorder, patience=0.6) as subscription:
        await produce(options, topic, sent)
        await eventually(lambda: sum(subscription.done.values()) == 12)
        assert subscription.ready, "the rest went on"
    assert len(recorder.seen) == 10
    found = await rows(store)
    assert [(row["reason_code"], row["payload"]) for row in found] == [
        ("stuck", record("slow", n)["value"]) for n in (1, 2)
    ]
    assert "a query that never ends" in found[0]["reason"]
    assert told[0] is None
    assert told.count(None) >= 4, "it was tried again before"


async def test_only_the_partition_of_a_record_that_fails_waits_for_it(
    store: Database, options: Any, new_topic: Any
) -> None:
    """The others go on meanwhile, also with what is sent later; its own goes on in order once it passes."""
    topic = await new_topic(partitions=4)
    recorder = Recorder(store, topic)
    passes = False

    async def before(event: Counted) -> None:
        if event.thing == "slow" and event.value == 2 and not passes:
            raise TimeoutError("a query that never ends")

    recorder.before = before  # type: ignore[method-assign]
    keys = [f"k{n}" for n in range(12)]
    first = [record("slow", 1), record("slow", 2), *(record(key, 1) for key in keys), record("slow", 3)]
    async with consuming(options, recorder, patience=48) as subscription:
        await produce(options, topic, first)
        await eventually(subscription.consumer.paused)
        (waits,) = subscription.consumer.paused()
        await produce(options, topic, [record("slow", 4), *(record(key, 2) for key in keys), record("slow", 5)])
        ends = await subscription.consumer.end_offsets(list(subscription.consumer.assignment()))
        await eventually(lambda: all(subscription.done[tp] == end for tp, end in ends.items() if tp != waits))
        assert subscription.done[waits] < ends[waits]
        assert len({thing for thing, value in recorder.seen if value == 2}) >= 6, "of three partitions out of four"
        assert await rows(store) == []
        assert await subscription.consumer.committed(waits) == subscription.done[waits], "a restart comes back to it"
        passes = True
        await eventually(lambda: all(subscription.done[tp] == end for tp, end in ends.items()))
        assert subscription.ready
    assert [value for thing, value in recorder.seen if thing == "slow"] == [1, 2, 3, 4, 5]
    others = sorted(seen for seen in recorder.seen if seen[0] != "slow")
    assert others == sorted((key, value) for key in keys for value in (1, 2))
    assert await rows(store) == []


async def test_while_the_database_is_away_nothing_is_buried_and_it_is_told(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time in which it does not answer is not held against a record; how long it lasts is told all the same."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    away = True

    async def answers(self: Patience) -> bool:
        return not away

    async def before(_: Counted) -> None:
        if away:
            raise ConnectionRefusedError("away")

    monkeypatch.setattr(Patience, "answers", answers)
    recorder.before = before  # type: ignore[method-assign]
    await produce(options, topic, [record("a", 1)])
    async with consuming(options, recorder, patience=0.3) as subscription:
        await eventually(lambda: subscription.reason)
        assert not subscription.ready
        assert "ConnectionRefusedError" in (subscription.reason or "")
        assert "has failed since" in (subscription.reason or "")
        assert stuck(topic) == 1
        calls = recorder.calls
        await eventually(lambda: recorder.calls > calls + 2)
        away = False
        await eventually(lambda: recorder.seen)
        await eventually(lambda: subscription.ready)
        assert stuck(topic) == 0
    assert recorder.seen == [("a", 1)]
    assert await rows(store) == []


async def test_what_the_database_cannot_hold_is_refused_and_not_retried(
    store: Database, options: Any, new_topic: Any
) -> None:
    """asyncpg counts a number out of range among the interface's errors, as if the server were away."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    unfit = {
        1: ("select $1::int", 2**40),
        2: ("select $1::text", "a\0b"),
        3: ("insert into effects values (default, $1, null, null, null)", "x"),
        4: ("select repeat($1, 2000000000)", "x"),
    }

    async def before(event: Counted) -> None:
        if event.value in unfit:
            query, value = unfit[event.value]
            await store.pool.execute(query, value)

    recorder.before = before  # type: ignore[method-assign]
    await produce(options, topic, [record("a", value) for value in range(1, 6)])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 5)
    assert recorder.seen == [("a", 5)]
    assert [row["reason_code"] for row in await rows(store)] == ["unstorable"] * 4


async def test_redelivery_of_everything_changes_nothing(
    store: Database, options: Any, new_topic: Any, kafka: LocalKafka
) -> None:
    """Promise 5: at least once on the wire, once in effect, poison and refusals included."""
    topic = await new_topic(partitions=3, service="again")
    poison = [poison for poison, _, _ in POISON.values()][:9]
    good = [record(f"k{n % 7}", n) for n in range(40)]
    await produce(options, topic, [*good[:20], *poison, *good[20:]])

    async def run() -> Recorder:
        recorder = Recorder(store, topic)
        async with consuming(options, recorder, service="again") as subscription, relaying(store, options) as relay:
            await eventually(lambda: sum(subscription.done.values()) == 49)
            await eventually(lambda: empty(relay))
        return recorder

    first = await run()
    effects = await first.effects()
    letters = [dict(row) for row in await rows(store)]
    copies = len(await stream.read(options, f"{topic}.again.dead"))
    assert (len(effects), len(letters), copies) == (40, 9, 9)
    forget_offsets(kafka, f"jianfu.again.{topic}")
    second = await run()
    assert (second.calls, second.seen) == (40, [])
    assert await second.effects() == effects
    assert [dict(row) for row in await rows(store)] == letters
    assert len(await stream.read(options, f"{topic}.again.dead")) == copies


def forget_offsets(broker: LocalKafka, group: str) -> None:
    """As if the group had never read: the next member starts at the beginning."""
    admin = topics.admin(broker.bootstrap, "admin", broker.password("admin"))
    for future in admin.delete_consumer_groups([group]).values():
        future.result(10)
    left = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    assert not next(iter(left.values())).result(10).topic_partitions


async def test_the_handler_runs_in_the_trace_of_its_cause(store: Database, options: Any, new_topic: Any) -> None:
    """Metrics and traces on every hop: what a handler does belongs to the trace its record carries."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    seen = []

    async def before(event: Counted) -> None:
        seen.append(traces.traceparent())

    recorder.before = before  # type: ignore[method-assign]
    carried = record("a", 1)
    carried["headers"].append(("traceparent", b"00-%032x-%016x-01" % (0xABC, 0xDEF)))
    await produce(options, topic, [carried])
    async with consuming(options, recorder):
        await eventually(lambda: seen)
    assert (seen[0] or "").split("-")[1] == f"{0xABC:032x}"


async def test_rebalance_under_load(store: Database, options: Any, new_topic: Any) -> None:
    """Kafka.md 1.5: members join and leave while records flow; each record acts once, in order per key."""
    topic = await new_topic(partitions=6, service="crowd")
    recorders = [Recorder(store, topic) for _ in range(3)]
    for each in recorders:
        each.before = pause  # type: ignore[method-assign]
    sent = 0
    enough = asyncio.Event()

    def behind() -> int:
        return sent - sum(len(recorder.seen) for recorder in recorders)

    async def feed() -> None:
        nonlocal sent
        while not enough.is_set():
            await produce(options, topic, [record(f"k{n % 18}", n) for n in range(sent, sent + 36)])
            sent += 36
            await eventually(lambda: enough.is_set() or behind() < 150)

    feeding = asyncio.create_task(feed())
    async with consuming(options, recorders[0], service="crowd"):
        await eventually(lambda: recorders[0].seen)
        async with consuming(options, recorders[1], service="crowd"):
            await eventually(lambda: recorders[1].seen)
            async with consuming(options, recorders[2], service="crowd"):
                await eventually(lambda: recorders[2].seen)
        enough.set()
        await feeding
        await eventually(lambda: behind() == 0)
    by_key: dict[str, list[int]] = {}
    for thing, value in await recorders[0].effects():
        by_key.setdefault(thing, []).append(value)
    assert by_key == {f"k{n}": list(range(n, sent, 18)) for n in range(18)}


async def pause(_: Counted) -> None:
    await asyncio.sleep(0.002)


async def test_more_members_than_partitions_are_all_ready(store: Database, options: Any, new_topic: Any) -> None:
    """A replica that waits for a share is well: told unready, it would be taken out of service for ever."""
    topic = await new_topic(partitions=1, service="spare")
    first, second = Recorder(store, topic), Recorder(store, topic)
    async with (
        consuming(options, first, service="spare") as one,
        consuming(options, second, service="spare") as two,
    ):
        await eventually(lambda: one.ready and two.ready)
        assert sorted(len(each.done) for each in (one, two)) == [0, 1]


async def test_dead_letters_are_fetched_and_settled_once(store: Database, options: Any, new_topic: Any) -> None:
    """Architecture 9.10: replayed inside the service that refused them; their state is a table."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    await produce(options, topic, [record("a", 1, value=b"{}"), record("a", 2, value=b"[]")])
    async with consuming(options, recorder) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 2)
    assert [row["offset"] for row in await dead_letter_store.listed(store, "dead", 10)] == [0, 1]
    letter = await dead_letter_store.fetch(store, topic, 0, 0)
    assert letter["payload"] == b"{}"
    assert dict(letter["headers"])["ce_type"] == Counted.TYPE.encode()
    await dead_letter_store.settle(store, topic, 0, 0, "replayed")
    with pytest.raises(dead_letter_store.AlreadySettled):
        await dead_letter_store.fetch(store, topic, 0, 0)
    with pytest.raises(dead_letter_store.AlreadySettled):
        await dead_letter_store.settle(store, topic, 0, 0, "discarded")
    with pytest.raises(dead_letter_store.Missing):
        await dead_letter_store.fetch(store, topic, 0, 99)
    assert [row["offset"] for row in await dead_letter_store.listed(store, "dead", 10)] == [1]
    assert [row["offset"] for row in await dead_letter_store.listed(store, "replayed", 10)] == [0]


async def test_lag_is_what_lies_between_taken_and_end(store: Database, options: Any, new_topic: Any) -> None:
    """Architecture 9.2: quiet is told from end offsets asked of the broker and what was truly taken."""
    topic = await new_topic(partitions=2)
    recorder = Recorder(store, topic)
    gate = asyncio.Event()

    async def before(_: Counted) -> None:
        await gate.wait()

    recorder.before = before  # type: ignore[method-assign]
    ends = EndOffsets(options)
    async with consuming(options, recorder) as subscription:
        await produce(options, topic, [record(f"k{n}", n) for n in range(10)])
        await eventually(lambda: recorder.calls)
        found = await ends.of([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        assert sum(found.values()) == 10
        assert subscription.behind(found) == 10
        gate.set()
        await eventually(lambda: subscription.behind(found) == 0)
    await ends.close()
