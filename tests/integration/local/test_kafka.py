"""The broker: jars checked, clients held to their access lists, a commit that survives a rebalance."""

import asyncio
import contextlib
import dataclasses
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from confluent_kafka.admin import ConfigResource, NewTopic

from deploy.kafka import topics
from deploy.local import departments, jars
from deploy.local.kafka import LocalKafka, java
from deploy.terminal import StackError
from tests.conftest import kafka_options
from tests.kit import bombs
from tests.kit.waiting import eventually

pytestmark = pytest.mark.kafka


def test_a_flipped_byte_in_a_jar_is_refused(tmp_path: Path) -> None:
    """Starting goes through `verified`, so a broker never runs with a jar that the lock does not name."""
    jars.fetch()
    copy = tmp_path / "jars"
    shutil.copytree(jars.cache(), copy, ignore=shutil.ignore_patterns("*.pom"))
    assert len(jars.verified(copy)) == len(jars.locked())
    victim = copy / sorted(jars.locked())[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(StackError, match=victim.name):
        jars.verified(copy)
    with pytest.raises(StackError, match=victim.name):
        jars.fetch(copy)


def test_a_broker_is_not_started_with_an_altered_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "jars"
    shutil.copytree(jars.cache(), copy)
    victim = copy / sorted(jars.locked())[-1]
    victim.write_bytes(victim.read_bytes() + b"\0")
    monkeypatch.setenv("JIANFU_CACHE_DIR", str(copy))
    broker = LocalKafka(tmp_path / "kafka")
    with pytest.raises(StackError, match="sha256 differs"):
        broker.launch()
    assert not broker.alive


@pytest.mark.network
def test_a_missing_jar_is_fetched_and_the_committed_lock_stays_as_it_is(tmp_path: Path) -> None:
    jars.fetch()
    lock = (jars.COMMITTED / "jgo.lock.toml").read_bytes()
    copy = tmp_path / "jars"
    shutil.copytree(jars.cache(), copy)
    missing = min((copy / name for name in jars.locked()), key=lambda jar: jar.stat().st_size)
    missing.unlink()
    with pytest.raises(StackError, match=f"{missing.name} is missing"):
        jars.verified(copy)
    assert missing in jars.fetch(copy)
    assert (jars.COMMITTED / "jgo.lock.toml").read_bytes() == lock


def test_a_java_that_is_too_old_or_absent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/java"
    program.parent.mkdir()
    monkeypatch.setenv("JIANFU_JAVA_HOME", str(tmp_path))
    with pytest.raises(StackError, match="JIANFU_JAVA_HOME"):
        java()
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    program.chmod(0o755)
    with pytest.raises(StackError, match="17 or newer"):
        java()
    program.write_text("#!/bin/sh\necho 'openjdk version \"21\" 2023-09-19' >&2\n")
    assert java() == program


def test_the_committed_lock_holds_hashes_and_no_address() -> None:
    text = (jars.COMMITTED / "jgo.lock.toml").read_text()
    assert "://" not in text
    assert len(jars.locked()) > 40
    assert all(len(sha256) == 64 for sha256 in jars.locked().values())


def test_topics_are_applied_once_and_partitions_never_altered(kafka: LocalKafka) -> None:
    client = topics.admin(kafka.bootstrap, "admin", kafka.password("admin"))
    assert topics.apply(client, topics.wanted(partitions=4), acls=True) == []
    with pytest.raises(StackError, match="never altered"):
        topics.apply(client, topics.wanted(partitions=5), acls=False)


async def test_a_batch_is_held_to_its_size_unpacked_and_the_broker_lives(kafka: LocalKafka) -> None:
    """What a topic of the intake stores is never larger than it says, and what is refused costs the broker nothing."""
    options = kafka_options(kafka, "intake")
    for topic in departments.INTAKE:
        for size, records in ((1100 << 20, 1), (2 << 20, 1), (1000, 3000)):
            with pytest.raises(KafkaError):
                await bombs.send(options, topic, bombs.batch(size, records=records))
        begun = time.monotonic()
        await bombs.send(options, topic, bombs.batch(1000, records=100))
        assert time.monotonic() - begun < 10
    assert kafka.alive


@pytest.fixture(scope="module")
def department(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """aiokafka's options for a department that has been set up."""
    broker = departments.Broker(kafka.bootstrap, "admin", kafka.password("admin"))
    user = departments.principal("Parks Canada")
    file = tmp_path_factory.mktemp("departments") / f"{user}.password"
    for _ in range(2):  # again changes nothing
        departments.set_up(broker, user, file, departments.Quota(bytes_per_second=20_000))
    return kafka_options(kafka) | {
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "client_id": user,
        "sasl_plain_password": file.read_text().strip(),
        "_file": file,
        "_broker": broker,
    }


async def test_a_department_has_a_principal_of_its_own_a_quota_and_an_end(
    kafka: LocalKafka, department: dict[str, Any]
) -> None:
    """It writes the intake and nothing else, is slowed down beyond its quota, and writes no more once it is removed."""
    file, broker = department.pop("_file"), department.pop("_broker")
    user = department["sasl_plain_username"]
    assert user == "dept-parks-canada"
    assert file.stat().st_mode & 0o077 == 0

    @contextlib.asynccontextmanager
    async def producing(**changed: Any) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(**department | changed, acks="all", enable_idempotence=True)
        try:
            await producer.start()
            yield producer
        finally:
            await producer.stop()

    async with producing() as producer:
        for topic in departments.INTAKE:
            await producer.send_and_wait(topic, b"{}", key=b"k")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("jianfu.registry", b"{}", key=b"k")
        begun = time.monotonic()
        for _ in range(6):
            await producer.send_and_wait(departments.INTAKE[1], bytes(100_000))
        assert time.monotonic() - begun > 3, "600 kB at 20 kB a second"

    async def read() -> None:
        consumer = AIOKafkaConsumer(departments.INTAKE[0], **department, group_id="jianfu.dept")
        try:
            await consumer.start()
            await consumer.getmany(timeout_ms=500)
        finally:
            await consumer.stop()

    with pytest.raises((TopicAuthorizationFailedError, GroupAuthorizationFailedError)):
        await read()
    with pytest.raises(KafkaError):
        async with producing(sasl_plain_password="wrong"):
            pass
    assert "producer_byte_rate=20000" in departments.quotas(broker, user)
    for _ in range(2):  # again changes nothing
        departments.remove(broker, user, file)
    assert not file.exists()
    assert "producer_byte_rate" not in departments.quotas(broker, user)
    with pytest.raises(KafkaError):
        async with producing():
            pass


@pytest.mark.parametrize("name", ["", "--", "公园", "x" * 41, "pärks"])
def test_a_departments_name_wants_latin_letters(name: str) -> None:
    with pytest.raises(StackError, match="Latin letters"):
        departments.principal(name)


def test_the_shared_principal_is_granted_on_request_alone() -> None:
    granted = {b.principal for b in topics._bindings(topics.wanted(shared=False))}
    assert "User:intake" not in granted
    assert {"User:registry", "User:monitor"} <= granted


async def test_a_principal_writes_and_reads_only_what_the_file_says(kafka: LocalKafka) -> None:
    async def write(user: str, topic: str) -> None:
        producer = AIOKafkaProducer(**kafka_options(kafka, user), acks="all")
        await producer.start()
        try:
            await producer.send_and_wait(topic, b"{}", key=b"k")
        finally:
            await producer.stop()

    async def read(user: str, topic: str, group: str) -> None:
        consumer = AIOKafkaConsumer(topic, **kafka_options(kafka, user), group_id=group)
        try:
            await consumer.start()
            await consumer.getmany(timeout_ms=500)
        finally:
            await consumer.stop()

    await write("registry", "jianfu.registry")
    for user, topic in (("intake", "jianfu.registry"), ("monitor", "jianfu.registry"), ("registry", "jianfu.monitor")):
        with pytest.raises(TopicAuthorizationFailedError):
            await write(user, topic)
    await read("monitor", "jianfu.registry", "jianfu.monitor.try")
    with pytest.raises(TopicAuthorizationFailedError):
        await read("decommission", "jianfu.intake.usage", "jianfu.decommission.try")
    with pytest.raises(GroupAuthorizationFailedError):
        await read("monitor", "jianfu.registry", "jianfu.registry")


async def test_a_sender_with_a_wrong_clock_loses_nothing(kafka: LocalKafka) -> None:
    """Promise 5: retention goes by the broker's time; by the sender's, a record of 1970 would be deleted at once."""
    producer = AIOKafkaProducer(**kafka_options(kafka, "intake"), acks="all")
    await producer.start()
    try:
        sent = await producer.send_and_wait("jianfu.intake.usage", b"{}", key=b"k", timestamp_ms=1)
    finally:
        await producer.stop()
    assert sent.timestamp > 1_700_000_000_000


def test_what_the_file_no_longer_says_is_taken_back(kafka: LocalKafka) -> None:
    """Retention follows the file in place; a grant that was taken out of it ends."""
    client = topics.admin(kafka.bootstrap, "admin", kafka.password("admin"))
    asked = topics.wanted(partitions=4)

    def other(topic: topics.Topic) -> topics.Topic:
        if topic.name != "jianfu.intake.sources":
            return topic
        return dataclasses.replace(topic, retention_days=3, readers=("monitor", "decommission"))

    resource = ConfigResource(ConfigResource.Type.TOPIC, "jianfu.intake.sources")

    def retention() -> str:
        entry = client.describe_configs([resource])[resource].result(20)["retention.ms"]
        return str(entry.value)

    def may_read(user: str) -> bool:
        held = topics._held(client, 20)
        return any(b.principal == f"User:{user}" and b.name == "jianfu.intake.sources" for b in held)

    try:
        topics.apply(client, [other(topic) for topic in asked], acls=True)
        assert retention() == str(3 * topics.DAY_MS)
        assert may_read("decommission")
    finally:
        topics.apply(client, asked, acls=True)
    assert retention() == str(14 * topics.DAY_MS)
    assert may_read("monitor")
    assert not may_read("decommission")


async def test_an_idempotent_producer_needs_no_right_but_to_write(kafka: LocalKafka) -> None:
    for codec in ("lz4", "zstd"):
        options = kafka_options(kafka, "intake") | {"acks": "all", "enable_idempotence": True}
        producer = AIOKafkaProducer(**options, compression_type=codec)
        await producer.start()
        try:
            async with asyncio.timeout(20):
                await producer.send_and_wait("jianfu.intake.sources", b"{}", key=b"k")
        finally:
            await producer.stop()


async def test_a_broker_dies_with_its_owner_and_comes_back_with_what_it_acknowledged(
    folder: Path, alive: Callable[[int], bool]
) -> None:
    """Even on another port, when somebody took the old one meanwhile."""
    code = (
        "import time; from pathlib import Path; from deploy.local.kafka import LocalKafka;"
        f"k = LocalKafka(Path({str(folder)!r})).start(); print(k.pid, k.port, flush=True); time.sleep(600)"
    )
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    pid, port = map(int, (await owner.stdout.readline()).split())
    first = LocalKafka(folder, port=port)
    admin = topics.admin(first.bootstrap, "admin", first.password("admin"))
    admin.create_topics([NewTopic("try.survival", 1, 1)])["try.survival"].result(20)
    producer = AIOKafkaProducer(**kafka_options(first), acks="all")
    await producer.start()
    for number in range(100):
        await producer.send_and_wait("try.survival", str(number).encode())
    await producer.stop()
    owner.kill()
    await owner.wait()
    await eventually(lambda: not alive(pid), 10)

    with await eventually(lambda: socket.create_server(("127.0.0.1", port)), 10):
        again = LocalKafka(folder, port=port).start()
        try:
            assert again.port != port
            consumer = AIOKafkaConsumer("try.survival", **kafka_options(again), auto_offset_reset="earliest")
            await consumer.start()
            async with asyncio.timeout(20):
                read = [int((await consumer.getone()).value) for _ in range(100)]
            await consumer.stop()
            assert read == list(range(100))
        finally:
            again.stop()
    assert not again.alive


class CommitOnRevoke(ConsumerRebalanceListener):  # type: ignore[misc]
    """Commits what was read when partitions are taken away, as the product's consumers may."""

    def __init__(self, consumer: AIOKafkaConsumer, seen: dict[TopicPartition, int]) -> None:
        self.consumer = consumer
        self.seen = seen
        self.revoked = 0

    async def on_partitions_revoked(self, revoked: Any) -> None:
        if revoked and self.seen:
            self.revoked += 1
            await self.consumer.commit({tp: self.seen[tp] for tp in revoked if tp in self.seen})

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self.seen.clear()


async def test_a_commit_made_while_partitions_are_revoked_survives_the_rebalance(kafka: LocalKafka) -> None:
    topic, group = "try.rebalance", "jianfu.try.rebalance"
    admin = topics.admin(kafka.bootstrap, "admin", kafka.password("admin"))
    for future in admin.create_topics([NewTopic(topic, 4, 1)]).values():
        future.result(20)
    producer = AIOKafkaProducer(**kafka_options(kafka), acks="all")
    await producer.start()
    for number in range(400):
        await producer.send_and_wait(topic, str(number).encode(), partition=number % 4)

    got: list[bytes] = []

    async def consumer() -> tuple[AIOKafkaConsumer, CommitOnRevoke, asyncio.Task[None]]:
        options = kafka_options(kafka) | {
            "group_id": group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": 6000,
            "heartbeat_interval_ms": 300,
        }
        client = AIOKafkaConsumer(**options)
        listener = CommitOnRevoke(client, {})
        client.subscribe([topic], listener=listener)
        await client.start()

        async def read() -> None:
            while True:
                for tp, records in (await client.getmany(timeout_ms=200, max_records=10)).items():
                    got.extend(record.value for record in records)
                    listener.seen[tp] = records[-1].offset + 1

        return client, listener, asyncio.create_task(read())

    first, listener, reading = await consumer()
    async with asyncio.timeout(20):
        while len(got) < 400:
            await asyncio.sleep(0.05)
    second, _, also_reading = await consumer()
    for number in range(400, 800):
        await producer.send_and_wait(topic, str(number).encode(), partition=number % 4)
    async with asyncio.timeout(30):
        while len(got) < 800:
            await asyncio.sleep(0.05)
    assert listener.revoked >= 1, "nothing was revoked, so nothing was shown"
    assert len(first.assignment()) == len(second.assignment()) == 2
    for task in (reading, also_reading):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for client in (first, second, producer):
        await client.stop()
    assert sorted(map(int, got)) == list(range(800)), "a record was read twice or lost over the rebalance"
