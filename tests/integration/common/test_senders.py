"""One sender never stops the others: counted for itself, set aside, parked within a bound, released by an operator."""

from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import REGISTRY

from libs.common.db.pool import Database
from libs.common.errors import Invalid
from libs.common.handler import Handler
from libs.common.http.app import create_app
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from libs.common.senders import api, reread
from libs.common.senders.aside import BAD_TOKEN, NO_TOKEN, Bounds, Senders
from libs.common.senders.reread import Reread
from tests.integration.common import stream
from tests.integration.common.stream import Counted, Recorder, consuming, produce, record
from tests.integration.common.test_consumers import rows
from tests.kit.waiting import eventually

KEY = tokens.new_key(tokens.LOCAL_KEY)
ADA, BO = "jianfu-local|ada", "jianfu-local|bo"


def token(subject: str, *roles: str) -> str:
    from deploy.local.issuer import issue

    return f"Bearer {issue(KEY, subject, roles)}"


def by(sender: str | None, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """The records as a sender would send them; without one, without a token."""
    for each in records:
        if sender is not None:
            each["headers"].append(("authorization", sender.encode()))
    return list(records)


def senders(store: Database, topic: str, **bounds: Any) -> Senders:
    return Senders(store, Authenticator(tokens.public_jwks(KEY), allow_local=True), topic, Bounds(**bounds))


def bad(number: int) -> dict[str, Any]:
    return record("bad", number, value=b"{}")


async def test_who_is_refused_too_often_is_set_aside_and_nobody_else(
    store: Database, options: Any, new_topic: Any
) -> None:
    topic = await new_topic()
    recorder = Recorder(store, topic)
    ada, bo = token("ada"), token("bo")
    await produce(options, topic, [*by(ada, *map(bad, range(12))), *by(ada, record("a", 1)), *by(bo, record("b", 1))])
    await produce(options, topic, [*by(None, *map(bad, range(12))), *by("Bearer no.to.ken", *map(bad, range(12)))])
    await produce(options, topic, by(bo, record("b", 2)))
    async with consuming(options, recorder, senders=senders(store, topic, refused=10, kept=4)) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 39)
        assert subscription.ready
        assert subscription.stopped is None
    assert recorder.seen == [("b", 1), ("b", 2)]
    found = await rows(store)
    assert [row["state"] for row in found].count("dead") == 30
    assert sorted(row["sender"] for row in found if row["state"] == "parked") == sorted(
        [ADA] * 3 + [NO_TOKEN] * 2 + [BAD_TOKEN] * 2
    )
    assert REGISTRY.get_sample_value("jianfu_senders_aside", {"topic": topic}) == 3
    ada_again = Recorder(store, topic)
    await produce(options, topic, [*by(ada, *(record("a", n) for n in range(2, 6))), *by(bo, record("b", 3))])
    async with consuming(options, ada_again, senders=senders(store, topic, refused=10, kept=4)) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 44)
    assert ada_again.seen == [("b", 3)], "a restart remembers"
    ranges = await store.pool.fetch("select * from parked_ranges where topic = $1", topic)
    assert [(r["sender"], r["first_offset"], r["last_offset"], r["records"]) for r in ranges] == [(ADA, 40, 42, 3)]


async def test_what_is_handled_counts_against_what_is_refused(store: Database, options: Any, new_topic: Any) -> None:
    topic = await new_topic()
    recorder = Recorder(store, topic)
    mixed = [each for n in range(40) for each in (bad(n), record("a", n + 100))]
    await produce(options, topic, by(token("ada"), *mixed))
    async with consuming(options, recorder, senders=senders(store, topic, refused=5)) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 80)
    assert len(recorder.seen) == 40


async def test_long_ago_is_forgotten(store: Database, options: Any, new_topic: Any) -> None:
    """Seconds are those in which the broker took the records."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    spread = [bad(n) | {"timestamp_ms": 1_700_000_000_000 + n * 61_000} for n in range(20)]
    await produce(options, topic, [*by(token("ada"), *spread), *by(token("ada"), record("a", 1))])
    async with consuming(options, recorder, senders=senders(store, topic, refused=5, within=60)):
        await eventually(lambda: recorder.seen)
    assert await store.pool.fetchval("select count(*) from senders_aside") == 0


def application(store: Database, options: Any, topic: str, recorder: Recorder) -> httpx.AsyncClient:
    authenticator = Authenticator(tokens.public_jwks(KEY), allow_local=True)
    app = create_app("registry", title="t", description="t", authenticator=authenticator)
    handlers = {topic: {Counted.TYPE: Handler(stream.counted_on(topic), recorder.act)}}
    app.include_router(api.router("registry", store, handlers, Reread(options, authenticator)))
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": token("olga", "operator")}
    return httpx.AsyncClient(transport=transport, base_url="http://test/registry/v1", headers=headers)


async def test_a_release_handles_what_was_parked_in_its_order_and_hears_the_sender_again(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PAGE", 4)
    topic = await new_topic()
    recorder = Recorder(store, topic)
    ada = token("ada")
    later = [record("a", 1), bad(99), *(record("a", n) for n in range(2, 6))]
    await produce(options, topic, by(ada, *map(bad, range(5)), *later))

    async def before(event: Counted) -> None:
        if event.value == 3:
            raise Invalid(field="value", why="three is refused here")

    recorder.before = before  # type: ignore[method-assign]
    async with (
        consuming(options, recorder, senders=senders(store, topic, refused=5, kept=5)) as subscription,
        application(store, options, topic, recorder) as client,
    ):
        await eventually(lambda: sum(subscription.done.values()) == 11)
        assert recorder.seen == []
        (told,) = (await client.get("/senders")).json()["items"]
        assert (told["sender"], told["reason_code"], told["parked"], told["not_kept"]) == (ADA, "invalid", 5, 1)
        named = {"topic": topic, "sender": ADA}
        first = (await client.post("/senders/release", json=named)).json()
        assert (first["handled"], first["refused"], first["left"], first["released"]) == (2, 2, 2, False)
        assert first["not_kept"] == [{"partition": 0, "first": 10, "last": 10, "records": 1}]
        second = (await client.post("/senders/release", json=named)).json()
        assert (second["handled"], second["left"], second["released"]) == (1, 1, False)
        last = (await client.post("/senders/release", json=named)).json()
        assert (last["handled"], last["left"], last["released"], last["gone"]) == (1, 0, True, 0)
        assert last["not_kept"] == []
        assert recorder.seen == [("a", 1), ("a", 2), ("a", 4), ("a", 5)]
        assert (await client.get("/senders")).json()["items"] == []
        again = await client.post("/senders/release", json=named)
        assert (again.status_code, again.json()["code"]) == (404, "missing")
        await produce(options, topic, by(ada, record("a", 6)))
        await eventually(lambda: recorder.seen[-1] == ("a", 6))
    states = {row["offset"]: (row["state"], row["reason_code"]) for row in await rows(store) if row["offset"] > 4}
    assert states == {
        5: ("replayed", "parked"),
        6: ("dead", "invalid"),
        7: ("replayed", "parked"),
        8: ("dead", "invalid"),
        9: ("replayed", "parked"),
        10: ("replayed", "parked"),
    }
    assert await store.pool.fetchval("select count(*) from parked_ranges") == 0


async def test_what_was_only_counted_is_read_again_whoever_else_wrote_between(
    store: Database, options: Any, new_topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages and in order, in every partition; also what is too large to be kept, and what came meanwhile."""
    monkeypatch.setattr(reread, "MOST_FOUND", 7)
    monkeypatch.setattr(reread, "MOST_READ", 20)
    topic = await new_topic(partitions=2)
    recorder = Recorder(store, topic)
    ada, bo = token("ada"), token("bo")
    await produce(options, topic, by(ada, *map(bad, range(5))))
    wide = [record("a", 0), record("a", 1) | {"value": record("a", 1)["value"] + b" " * 70_000}]
    mixed = [each for n in range(2, 40) for each in (*by(ada, record("a", n)), *by(bo, record("b", n)))]
    await produce(options, topic, [*by(ada, *wide), *mixed, *by(ada, *(record("c", n) for n in range(20)))])
    async with (
        consuming(options, recorder, senders=senders(store, topic, refused=5, kept=4)) as subscription,
        application(store, options, topic, recorder) as client,
    ):
        await eventually(lambda: sum(subscription.done.values()) == 5 + 2 + 76 + 20)
        assert {thing for thing, _ in recorder.seen} == {"b"}
        named = {"topic": topic, "sender": ADA}
        lefts = []
        for number in range(60):
            told = (await client.post("/senders/release", json=named)).json()
            lefts.append(told["left"])
            if number == 0:
                await produce(options, topic, by(ada, record("a", 40)))
                await eventually(lambda: sum(subscription.done.values()) == 104)
            if told["released"]:
                break
        assert told["released"], lefts
        assert told["gone"] == 0
    assert [value for thing, value in recorder.seen if thing == "a"] == list(range(41))
    assert [value for thing, value in recorder.seen if thing == "c"] == list(range(20))
    assert len(recorder.seen) == 41 + 20 + 38


async def test_what_the_broker_has_no_longer_is_said_to_be_gone(store: Database, options: Any, new_topic: Any) -> None:
    """It was never judged: its sender sends it again."""
    topic = await new_topic()
    recorder = Recorder(store, topic)
    ada = token("ada")
    await produce(options, topic, by(ada, *map(bad, range(5)), *(record("a", n) for n in range(10))))
    async with (
        consuming(options, recorder, senders=senders(store, topic, refused=5, kept=2)) as subscription,
        application(store, options, topic, recorder) as client,
    ):
        await eventually(lambda: sum(subscription.done.values()) == 15)
        admin = AIOKafkaAdminClient(**options)
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=11)})
        finally:
            await admin.close()
        named = {"topic": topic, "sender": ADA}
        told = [(await client.post("/senders/release", json=named)).json() for _ in range(2)]
    assert [(each["handled"], each["gone"], each["left"], each["released"]) for each in told] == [
        (2, 0, 8, False),
        (4, 4, 0, True),
    ]
    assert [value for _, value in recorder.seen] == [0, 1, 6, 7, 8, 9]


async def test_parking_twice_is_parking_once(store: Database, options: Any, new_topic: Any) -> None:
    """A batch that is delivered again after a crash leaves the same rows and the same counts."""
    topic = await new_topic()
    await produce(options, topic, by(token("ada"), *(record("a", n) for n in range(10))))
    records = await stream.read(options, topic)
    one = senders(store, topic, kept=3)
    await store.pool.execute("insert into senders_aside values ($1, $2, default, 'c', 'r')", topic, ADA)
    for _ in range(2):
        assert await one.park(ADA, records[:6])
        assert await one.park(ADA, records[4:])
    assert len(await rows(store)) == 3
    found = await store.pool.fetchrow("select * from parked_ranges")
    assert (found["first_offset"], found["last_offset"], found["records"]) == (3, 9, 7)
    assert not await one.park(BO, records), "it is not set aside"
