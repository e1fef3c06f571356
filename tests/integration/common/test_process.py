"""A service as a process: it starts without its neighbours, tells the truth, survives them, and stops in order."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.database.migrations import migrate
from deploy.local import subprocesses
from deploy.local.issuer import issue
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.consumer.events import UNEXPECTED_IN_A_ROW
from libs.common.security import tokens
from tests.conftest import CARELESS, open_folder
from tests.integration.common import stream
from tests.integration.common.service import MIGRATIONS
from tests.kit.waiting import eventually

ROOT = Path(__file__).parents[3]


class Service:
    """The child process and a client that speaks to it."""

    def __init__(self, folder: Path, kafka: LocalKafka, database: str) -> None:
        self.folder = folder
        self.key = tokens.new_key("test")
        (folder / "jwks.json").write_text(json.dumps(tokens.public_jwks(self.key)))
        self.port = subprocesses.port()
        self.env = {
            "PATH": os.environ["PATH"],
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "JIANFU_KAFKA_USERNAME": "admin",
            "JIANFU_KAFKA_PASSWORD_FILE": str(kafka.password_file("admin")),
            "JIANFU_PROFILE": "local",
            "JIANFU_CLOCK": "stepped",
            "JIANFU_REGISTRY_LISTEN": f"127.0.0.1:{self.port}",
            "JIANFU_REGISTRY_DATABASE_URL": database,
            "JIANFU_ISSUER_JWKS_FILE": str(folder / "jwks.json"),
        }
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, **env: str) -> None:
        self.child = subprocesses.spawn(
            [sys.executable, "-m", "tests.integration.common.service"],
            log=self.folder / "log",
            env=self.env | env,
            cwd=ROOT,
        )

    def end(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        token = issue(self.key, "tester", ["operator", "clock"])
        headers = {"Authorization": f"Bearer {token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            return await client.request(method, path, json=body, headers=headers)

    async def ready(self) -> bool:
        return (await self.ask("GET", "/readyz")).status_code == 200

    async def part(self, name: str) -> str | None:
        """What /readyz says is wrong with one part; None when the whole is ready."""
        reply = await self.ask("GET", "/readyz")
        parts = reply.json()["parts"]
        assert (reply.status_code == 200) == all(reason is None for reason in parts.values())
        return next((reason for key, reason in parts.items() if key.startswith(name)), None)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalPostgres]:
    """A PostgreSQL of these tests' own, since they stop it."""
    with open_folder() as folder:
        server = LocalPostgres(folder, settings=CARELESS).start()
        asyncio.run(server.prepare())
        asyncio.run(migrate(server.url("jianfu_registry", user=OWNER), MIGRATIONS, service_role="jianfu_registry"))
        yield server
        server.stop()


@pytest.fixture
def service(tmp_path: Path, kafka: LocalKafka, server: LocalPostgres) -> Iterator[Service]:
    service = Service(tmp_path, kafka, server.url("jianfu_registry", user="jianfu_registry"))
    yield service
    service.end()


async def effects(server: LocalPostgres, topic: str) -> list[tuple[str, int]]:
    conn = await asyncpg.connect(server.url("jianfu_registry"))
    try:
        rows = await conn.fetch("select thing, value from effects where topic = $1 order by n", topic)
        return [(row["thing"], row["value"]) for row in rows]
    finally:
        await conn.close()


async def test_a_life(service: Service, server: LocalPostgres, new_topic: Any) -> None:
    """Ready, writing, quiet; the database dies and comes back; SIGTERM drains and ends well (9.2, 9.14)."""
    topic = await new_topic()
    service.start(TEST_TOPIC=topic)
    await eventually(service.ready)
    assert (await service.ask("POST", "/registry/v1/things", {"thing": "a"})).json() == {"version": 1}

    async def quiet() -> dict[str, Any]:
        found: dict[str, Any] = (await service.ask("GET", "/quiet")).json()
        return found if found["quiet"] else {}

    found = await eventually(quiet)
    assert found == {"quiet": True, "outbox": 0, "lag": 0, "due": 0, "running": 0, "end_offsets": {f"{topic}/0": 1}}
    assert await effects(server, topic) == [("a", 1)]

    server.stop()
    assert await eventually(lambda: service.part("database"))
    assert (await service.ask("GET", "/healthz")).status_code == 200
    refused = await service.ask("POST", "/registry/v1/things", {"thing": "a"}, accept_language="zh-CN")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.json()["title"].startswith("依赖的服务暂时不可用")
    assert (await service.ask("GET", "/quiet")).status_code == 503
    server.start()
    await eventually(service.ready)
    assert (await service.ask("POST", "/registry/v1/things", {"thing": "a"})).json() == {"version": 2}

    assert service.child is not None
    service.child.send_signal(signal.SIGTERM)
    assert service.child.wait(20) == 0, service.log
    told = [int(dict(record.headers)["ce_sequence"]) for record in await stream.read(service_options(service), topic)]
    assert told == [1, 2]


def service_options(service: Service) -> dict[str, Any]:
    password = Path(service.env["JIANFU_KAFKA_PASSWORD_FILE"]).read_text().strip()
    return {
        "bootstrap_servers": service.env["KAFKA_BOOTSTRAP_SERVERS"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "admin",
        "sasl_plain_password": password,
    }


async def test_kafka_away_at_start_and_later(service: Service, kafka: LocalKafka, new_topic: Any) -> None:
    """Writes go on without a broker, /readyz says what is missing, and no restart is needed when it answers again."""
    topic = await new_topic()
    service.start(TEST_TOPIC=topic, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{subprocesses.port()}")
    await eventually(lambda: says(service, "broker", "not connected"))
    assert await service.part("database") is None
    assert (await service.ask("POST", "/registry/v1/things", {"thing": "k"})).status_code == 201
    assert (await service.ask("GET", "/quiet")).json()["outbox"] == 1
    await eventually(lambda: says(service, "relay", "Kafka"))
    service.end()

    service.start(TEST_TOPIC=topic)
    await eventually(service.ready)
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        await eventually(lambda: says(service, "broker", "does not answer"))
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    await eventually(service.ready)
    await eventually(lambda: holds(service, topic, 1))


async def says(service: Service, part: str, words: str) -> bool:
    return words in (await service.part(part) or "")


async def holds(service: Service, topic: str, records: int) -> bool:
    return len(await stream.read(service_options(service), topic)) == records


async def test_many_faults_of_ours_are_told(service: Service, options: Any, new_topic: Any) -> None:
    """Reading on would bury what is good: the consumer waits, and /readyz names the topic and says for how long."""
    topic = await new_topic()
    faults = [stream.record("fault", n) for n in range(UNEXPECTED_IN_A_ROW + 1)]
    await stream.produce(options, topic, faults)
    service.start(TEST_TOPIC=topic)
    await eventually(lambda: says(service, f"consumer {topic}", f"{UNEXPECTED_IN_A_ROW} records in a row"))
    assert await says(service, f"consumer {topic}", "trying again after 30 s")
    assert not await service.ready()
    assert (await service.ask("GET", "/quiet")).json()["quiet"] is False


async def test_refused_records_are_no_fault_of_the_stream(
    service: Service, server: LocalPostgres, options: Any, new_topic: Any
) -> None:
    """However many come in a row: the service stays ready, and what follows is handled."""
    topic = await new_topic()
    bad = [stream.record("a", n, value=b"{}") for n in range(UNEXPECTED_IN_A_ROW + 1)]
    await stream.produce(options, topic, [*bad, stream.record("after", 1)])
    service.start(TEST_TOPIC=topic)
    await eventually(service.ready)
    await eventually(lambda: effects(server, topic))
    assert await service.ready()


async def test_what_does_not_pass_makes_a_service_unready_until_it_does(
    service: Service, server: LocalPostgres, options: Any, new_topic: Any, tmp_path: Path
) -> None:
    """The database answers, so other parts are well; /readyz names the consumer and since when it fails."""
    topic = await new_topic()
    await stream.produce(options, topic, [stream.record("slow", 1), stream.record("a", 2)])
    passes = tmp_path / "passes"
    service.start(TEST_TOPIC=topic, TEST_PASSES=str(passes), JIANFU_CONSUMER_PATIENCE="6")
    await eventually(service.ready)
    await eventually(lambda: says(service, f"consumer {topic}", "has failed since"))
    assert not await service.ready()
    passes.touch()
    await eventually(service.ready)

    async def both() -> bool:
        return len(await effects(server, topic)) >= 2

    await eventually(both)
    assert await effects(server, topic) == [("slow", 1), ("a", 2)], "it passed in time, so nothing was set aside"


async def test_business_time_is_persisted_and_never_goes_back(service: Service, new_topic: Any) -> None:
    """Architecture 9.1: stepped from outside with a role of its own, kept over a kill, never back."""
    topic = await new_topic()
    service.start(TEST_TOPIC=topic)
    await eventually(service.ready)

    async def clock() -> str:
        reply = await service.ask("GET", "/registry/v1/clock")
        assert reply.json()["mode"] == "stepped"
        return str(reply.json()["now"])

    assert (await service.ask("POST", "/registry/v1/clock", {"now": "2031-05-01T08:00:00+08:00"})).status_code == 200
    assert await clock() == "2031-05-01T00:00:00Z"
    back = await service.ask("POST", "/registry/v1/clock", {"now": "2031-04-30T23:59:59Z"}, accept_language="zh")
    assert (back.status_code, back.json()["code"]) == (409, "clock_backwards")
    assert "业务时间不能倒退" in back.json()["title"]
    assert back.json()["errors"][0]["field"] == "now"
    naive = await service.ask("POST", "/registry/v1/clock", {"now": "2031-06-01T00:00:00"})
    assert naive.status_code == 422
    service.end()
    service.start(TEST_TOPIC=topic)
    assert await eventually(clock) == "2031-05-01T00:00:00Z"


@pytest.mark.parametrize("hangs", [{}, {"TEST_HANGS": "1"}], ids=["cleanly", "while a thread hangs"])
async def test_a_part_that_dies_takes_the_process_down(service: Service, new_topic: Any, hangs: dict[str, str]) -> None:
    """No service keeps answering while a loop of it lies dead: the supervisor is told by the exit code.

    Python would wait for ever for a thread; past the limit the process ends all the same.
    """
    service.start(TEST_TOPIC=await new_topic(), TEST_DIES=str(service.folder / "die"), **hangs)
    await eventually(service.ready)
    (service.folder / "die").touch()
    assert service.child is not None
    assert await asyncio.to_thread(service.child.wait, 20) == 1
    assert "this part died" in service.log


async def test_a_repeated_create_acts_once(service: Service, new_topic: Any) -> None:
    """Architecture 9.3: under one Idempotency-Key the first answer is given again, to requests at once as well."""
    service.start(TEST_TOPIC=await new_topic())
    await eventually(service.ready)

    def create(thing: str) -> Any:
        return service.ask("POST", "/registry/v1/things", {"thing": thing}, idempotency_key="k1")

    answers = await asyncio.gather(*(create("once") for _ in range(6)))
    assert [answer.json() for answer in answers] == [{"version": 1}] * 6
    other = await create("another")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_an_unknown_setting_stops_the_start(service: Service) -> None:
    """Architecture 9.14: a misspelt setting is no silent default."""
    service.start(TEST_TOPIC="none", JIANFU_REGISTRY_LISTENS="127.0.0.1:1")
    assert service.child is not None
    assert await asyncio.to_thread(service.child.wait, 20) != 0
    assert "JIANFU_REGISTRY_LISTENS" in service.log
