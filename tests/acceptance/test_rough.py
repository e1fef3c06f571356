"""The same story in a rough world: poison, broker and database killed, a plan altered, everything told twice.

Services are processes, Kafka and PostgreSQL are real; the end is the same.
"""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.decommission.casefiles import build
from tests.acceptance.house import House, account, beacon, declared, eventually, new_data, stated
from tests.acceptance.running import JIANFU
from tests.acceptance.story import DEAD, FIRST, SILENT_SINCE, Story
from tests.acceptance.test_crashes import ENDS
from tests.unit.decommission.life import rehash

pytestmark = pytest.mark.acceptance
LIFECYCLE, USAGE, SOURCES = "jianfu.intake.lifecycle", "jianfu.intake.usage", "jianfu.intake.sources"
# Who reads a topic; what is sent there by hand must be refused by each of them, and by nobody else.
READERS = {
    LIFECYCLE: ["registry"],
    USAGE: ["monitor"],
    SOURCES: ["monitor"],
    "jianfu.registry": ["monitor", "decommission"],
    "jianfu.registry.units": ["monitor", "decommission"],
    "jianfu.monitor": ["decommission"],
    "jianfu.decommission": ["registry", "monitor"],
}
KNOWN = {  # a type that every reader of the topic handles
    LIFECYCLE: "asset.declared",
    SOURCES: "source.stated",
    "jianfu.registry": "asset.registered",
    "jianfu.registry.units": "unit.recorded",
    "jianfu.decommission": "case.stopped",
    "jianfu.monitor": "finding.opened",
}
LAST_POST = FIRST - timedelta(days=87)  # of the account whose case meets an altered plan, alone in its plan
Records = list[dict[str, Any]]


class RoughHouse(House):
    """Somebody with the database's password makes one plan say something else before it is signed."""

    altered: dict[str, Any] | None = None
    refusals: list[str]

    async def sign(self, plan: dict[str, Any]) -> None:
        told = await self.call("GET", f"/decommission/v1/plans/{plan['plan_id']}", role="viewer")
        if str(account("altered")) not in [member["asset_id"] for member in told["content"]["members"]]:
            return await super().sign(plan)
        self.altered, self.refusals = told, []
        database = await self.database("decommission")
        try:
            # One more account, as somebody would who wants it gone without being asked.
            done = await database.execute(
                "update plans set content = replace(content, $2, $3) where plan_id = $1",
                told["plan_id"],
                str(account("altered")),
                str(account("alive")),
            )
            assert done == "UPDATE 1"
        finally:
            await database.close()
        for who in ("ada", "bo"):
            try:
                path = f"/decommission/v1/plans/{told['plan_id']}/approvals"
                await self.call("POST", path, {"sha256": told["sha256"]}, role="approver", subject=who)
            except AssertionError as refused:
                self.refusals.append(str(refused))
        return None

    async def kill_part(self, part: str) -> None:
        """SIGKILL the broker or the database server; come back when `jianfu up` has started it again."""
        file = self.data / "stack.json"
        pid = json.loads(file.read_text())[part]["pid"]
        os.kill(pid, signal.SIGKILL)

        def another() -> bool:
            with suppress(ValueError, KeyError):
                return bool(json.loads(file.read_text())[part]["pid"] != pid)
            return False

        await eventually(another, 60)


class RoughStory(Story):
    dead = (*DEAD, "altered")
    house: RoughHouse
    before: dict[str, Any]
    after: dict[str, Any]
    sent_again = 0

    async def told(self, days: list[date]) -> None:
        await super().told(days)
        if LAST_POST not in days:
            return
        # The altered account's last post, and what its source vouches for that day once more.
        house, watched = self.house, [account(n) for n in (*self.dead, "deaf", "forged", "alive")]
        await house.produce(USAGE, [beacon(house, "eye", account("altered"), LAST_POST)])
        await house.tell([stated("eye", LAST_POST, watched, 2, revision=2)], role="agent", salt="corrected")

    async def deliver(self, day: date, *, blind: bool = False) -> None:
        await super().deliver(day, blind=blind)
        if day == FIRST:
            await self.poison(day)
        if day == FIRST + timedelta(days=3):
            await self.house.kill_part("kafka")
        if day == FIRST + timedelta(days=2):
            await self.house.kill_part("postgres")

    async def poison(self, day: date) -> None:
        """On every topic a record of each bad kind, and on those of the intake good ones between them."""
        house = self.house
        agent = ("authorization", f"Bearer {house.token('agent')}".encode())
        await house.admit("spare")
        good = beacon(house, "spare", account("alive"), day - timedelta(days=30))
        for topic in READERS:
            bad = poison(topic, agent)
            records = [each for one in bad for each in ((one, good) if topic == USAGE else (one,))]
            await house.produce(topic, records, user="intake" if topic.startswith("jianfu.intake") else "admin")
            if topic == LIFECYCLE:
                await house.tell([declared("between", "ministry", day)], role="registrar")

    async def look(self) -> None:
        await super().look()
        self.before = await self.everything_there_is()
        await self.redeliver()
        await self.house.quiet()
        self.after = await self.everything_there_is()

    async def everything_there_is(self) -> dict[str, Any]:
        """Rows by table of what a repeated event could change, machine time left out."""
        tables = {
            "registry": {"assets": "*", "asset_versions": "*", "units": "*", "inbox": "consumer, event_id"},
            "monitor": {"usage_days": "*", "findings": "*", "verdicts": "*", "source_days": "*", "sources": "*"},
            "decommission": {"cases": "*", "case_log": "*", "effects": "*", "plans": "*", "alarms": "*"},
        }
        found = {}
        for service, listed in tables.items():
            database = await self.house.database(service)
            try:
                for table, columns in listed.items():
                    query = f"select {columns} from {table}"  # noqa: S608 - names from above
                    found[f"{service}.{table}"] = sorted(str(dict(row)) for row in await database.fetch(query))
            finally:
                await database.close()
        return found

    async def redeliver(self) -> None:
        """Every record of every topic but usage once more, with the same bytes.

        Beacons carry no id: where they are counted from is the database's offset, and that moves only with the count.
        """
        for topic in READERS:
            if topic == USAGE:
                continue
            user = "intake" if topic.startswith("jianfu.intake") else "admin"
            records = [
                {"key": r.key, "value": r.value, "headers": list(r.headers)} for r in await read(self.house, topic)
            ]
            self.sent_again += len(records)
            await self.house.produce(topic, records, user=user)


def poison(topic: str, bearer: tuple[str, bytes]) -> Records:
    """Records that nobody can take, each marked with what is wrong with it."""
    kind = KNOWN.get(topic, "").encode()  # beacons have none
    named = [
        ("ce_id", b"1"),
        ("ce_source", b"/test"),
        ("ce_type", kind),
        ("ce_subject", b"x"),
        ("ce_time", b"2025-06-01T00:00:00Z"),
        ("ce_sequence", b"1"),
        bearer,
    ]
    kinds: list[tuple[bytes, bytes | None, list[tuple[str, bytes | None]]]] = [
        (b"bad json", b"{not json", [*named]),
        (b"wrong schema", b'{"asset_id": 7, "count": "many"}', [*named]),
        (b"null header", b"{}", [("ce_id", None), ("authorization", None), *named[1:6]]),
        (b"not utf-8", b"{}", [("ce_id", b"\xff\xfe"), ("authorization", b"\xff\xfe"), *named[1:6]]),
        (b"no body", None, [*named]),
    ]
    return [{"key": b"poison", "value": value, "headers": [*headers, ("mark", m)]} for m, value, headers in kinds]


async def read(house: House, topic: str) -> list[Any]:
    """Every record of a topic, as the administrator."""
    admin = AIOKafkaAdminClient(**house.kafka("admin"))
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
    finally:
        await admin.close()
    partitions = [aiokafka.TopicPartition(topic, each["partition"]) for each in described["partitions"]]
    consumer = aiokafka.AIOKafkaConsumer(**house.kafka("admin"), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


@pytest.fixture(scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RoughStory]:
    house = RoughHouse(new_data(tmp_path_factory.mktemp("rough")))
    house.start()
    try:
        told = RoughStory(house)
        await told.play()
        yield told
    finally:
        await house.end()


def test_every_case_ends_where_it_ends_in_a_kind_world(story: RoughStory) -> None:
    """Broker and database were killed and came back; nothing was lost and nothing was done twice."""
    ended: dict[str, Any] = {}
    for name in ENDS.keys() - {"paused", "told"}:
        case = story.cases[name]
        ended[name] = (case["state"], case["log"][-1]["data"].get("outcome") if case["state"] == "ended" else None)
    assert ended == {name: end for name, end in ENDS.items() if name not in {"paused", "told"}}


def test_each_effect_has_one_key_and_each_case_one_of_each_entry(story: RoughStory) -> None:
    keys: dict[tuple[str, str], set[str]] = {}
    for call in story.world["calls"]:
        keys.setdefault((call["what"], call["asset"]), set()).add(call["key"])
    for name in ("plain", "willing", "returned"):
        assert len(keys["stop", str(account(name))]) == 1, name
        counts = Counter(entry["kind"] for entry in story.cases[name]["log"])
        assert {
            kind: n for kind, n in counts.items() if kind in {"noticed", "approved", "stop_accepted"} and n > 1
        } == {}


async def test_counts_equal_the_input_exactly(story: RoughStory) -> None:
    database = await story.house.database("monitor")
    try:
        posts = "select sum(total) from usage_days where measure = 'posts' and asset_id = $1"
        spare = len(poison(USAGE, ("", b"")))  # one good beacon after each bad one
        assert await database.fetchval(posts, account("alive")) == (FIRST - SILENT_SINCE).days + 12 + spare
        assert await database.fetchval(posts, account("altered")) == 1
        assert await database.fetchval(posts, account("blind-alive")) == (FIRST - SILENT_SINCE).days + 1
    finally:
        await database.close()
    assets = await story.house.everything("/registry/v1/assets")
    assert str(account("between")) in {asset["asset_id"] for asset in assets}, "what stood between the poison"


@pytest.mark.parametrize("topic", READERS)
async def test_poison_is_set_aside_with_its_reason_its_headers_and_its_origin(story: RoughStory, topic: str) -> None:
    """Each reader keeps each poison record once, as it came; redelivered ones are records of their own."""
    sent = poison(topic, ("", b""))
    for service in READERS[topic]:
        copies = [r for r in await read(story.house, f"{topic}.{service}.dead") if dict(r.headers).get("mark")]
        times = 1 if topic == USAGE else 2
        marks = Counter(dict(copy.headers)["mark"] for copy in copies)
        assert marks == {dict(record["headers"])["mark"]: times for record in sent}, service
        for copy in copies:
            headers = dict(copy.headers)
            assert headers["dead_reason"]
            assert headers["dead_code"]
            assert headers["dead_origin"].startswith(f"{topic}/".encode())
            value = {dict(record["headers"])["mark"]: record["value"] for record in sent}[headers["mark"]]
            assert topic == USAGE or copy.value == value
        letters = (await story.house.call("GET", f"/{service}/v1/dead-letters?limit=500"))["items"]
        assert len([letter for letter in letters if letter["topic"] == topic]) == times * len(sent)


def test_redelivery_of_everything_changes_nothing(story: RoughStory) -> None:
    assert story.sent_again > 200
    assert {table for table, rows in story.before.items() if rows} >= {"registry.assets", "decommission.case_log"}
    for table, rows in story.before.items():
        assert story.after[table] == rows, table


def test_an_altered_plan_is_refused_raises_an_alarm_and_stops_nothing(story: RoughStory) -> None:
    """Promise 2, with the database's own password: what was sealed is not what stands there now."""
    assert story.house.altered is not None, "its plan was sealed"
    assert len(story.house.refusals) == 2
    assert all("plan_altered" in refusal for refusal in story.house.refusals)
    assert any(alarm["kind"] == "plan-altered" for alarm in story.alarms)
    case = story.cases["altered"]
    assert case["state"] == "planned"
    stopped = {call["asset"] for call in story.world["calls"] if call["what"] == "stop"}
    assert not stopped & {str(account("altered")), str(account("alive"))}


def _swap(log: list[Any]) -> None:
    log[2], log[3] = log[3], log[2]


def _alter(log: list[Any]) -> None:
    log[1]["data"]["x"] = 1


TAMPERINGS = {
    "altered": _alter,
    "truncated": lambda log: log.__delitem__(slice(-2, None)),
    "reordered": _swap,
    "an entry missing": lambda log: log.__delitem__(2),
}


@pytest.mark.parametrize("how", TAMPERINGS)
@pytest.mark.parametrize("rehashed", [False, True])
async def test_a_tampered_case_file_is_found_out_offline(
    story: RoughStory, tmp_path: Path, how: str, rehashed: bool
) -> None:
    """Promise 7: `jianfu case verify`, with nothing but the file and the key from outside."""
    case_id = story.cases["plain"]["case_id"]
    file = await story.house.call("GET", f"/decommission/v1/cases/{case_id}/file", role="auditor")
    assert await verified(story, tmp_path, file) == 0
    TAMPERINGS[how](file["log"])
    if rehashed:
        rehash(file)
        file["head"] = build.head(file)
    assert await verified(story, tmp_path, file) == 1


async def verified(story: RoughStory, folder: Path, file: Any) -> int:
    path, key = folder / "case.json", story.house.data / "keys" / "decommission-signing.pub"
    path.write_text(json.dumps(file, ensure_ascii=False))
    child = await asyncio.create_subprocess_exec(
        str(JIANFU),
        "case",
        "verify",
        str(path),
        "--key",
        str(key),
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await child.wait()
