"""`jianfu up`: one command, one address; nothing stays behind, nothing is lost."""

import json
import os
import signal
import stat
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError

from deploy.local.kafka import LocalKafka
from deploy.local.postgres import OWNER, LocalPostgres
from services import SERVICES
from tests.acceptance.running import Running, processes
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]
UNIT = {"scheme": "ca-name", "value": "Parks", "names": [{"text": "Parks", "language": "en"}]}


def secret(file: str) -> str:
    return Path(file).read_text().strip()


def clock(running: Running) -> str:
    with running.client("viewer") as client:
        return str(client.get("/registry/v1/clock").json()["now"])


def test_one_address_serves_three_services(stack: Running) -> None:
    with stack.client() as client:
        page = client.get("/").text
        assert client.get("/readyz").json()["ready"]
        for name in SERVICES:
            assert f"/{name}/v1/docs" in page
            assert client.get(f"/{name}/v1/openapi.json").json()["paths"]
            assert client.get(f"/{name}/readyz").json()["ready"]
            assert client.get(f"/{name}/healthz").status_code == 200
            assert client.get(f"/{name}/quiet").json().keys() >= {"quiet", "outbox", "lag", "due", "end_offsets"}
            assert "# HELP" in client.get(f"/{name}/metrics").text
            refused = client.get(f"/{name}/v1/clock")
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")


def test_progress_is_told_with_times_and_the_address_stands_alone(stack: Running) -> None:
    lines = stack.said.splitlines()
    assert lines.count(stack.state["address"]) == 1
    for part in ("PostgreSQL on", "Kafka on", "topics created", "registry is ready", "gateway is ready"):
        assert any(part in line and " s  " in line for line in lines), part


def test_what_the_stack_tells_of_itself_holds_no_secret(stack: Running) -> None:
    file = stack.data / "stack.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secrets = [
        *stack.data.rglob("*.password"),
        stack.data / "keys/issuer.jwk",
        stack.data / "keys/decommission-signing.jwk",
    ]
    assert len(secrets) >= 11
    told = secret(str(file)) + stack.said
    for file in secrets:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        text = file.read_text().strip()
        assert (json.loads(text)["d"] if file.suffix == ".jwk" else text) not in told, file
    for name, service in stack.state["services"].items():
        lines = [json.loads(line) for line in Path(service["log"]).read_text().splitlines()]
        assert any(line["event"] == "ready" and line["service"] == name for line in lines)


async def test_each_database_is_entered_as_its_owner_only_to_look(stack: Running) -> None:
    for name in SERVICES:
        place = stack.state["databases"][name]
        password = secret(place.pop("password_file"))
        conn = await asyncpg.connect(**place, password=password)
        try:
            assert await conn.fetchval("select count(*) from schema_migrations") > 0
        finally:
            await conn.close()


async def test_intake_may_not_speak_as_the_registry(stack: Running) -> None:
    producer = AIOKafkaProducer(**stack.kafka("intake"), acks="all")
    await producer.start()
    try:
        await producer.send_and_wait("jianfu.intake.sources", b"{}", key=b"k")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("jianfu.registry", b"{}", key=b"k")
    finally:
        await producer.stop()


async def test_a_killed_service_comes_back_and_the_stack_says_where(stack: Running) -> None:
    before = stack.state["services"]["registry"]["pid"]
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: stack.state["services"]["registry"]["pid"] not in (0, before), 20)
    with stack.client() as client:
        await eventually(lambda: client.get("/registry/readyz").status_code == 200, 60)
        assert client.get("/readyz").status_code == 200


def test_a_second_up_on_the_same_data_is_refused(stack: Running) -> None:
    done = stack.jianfu("up")
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert str(stack.state["pid"]) in done.stderr
    assert "Traceback" not in done.stderr
    assert stack.jianfu("status").returncode == 0


def test_status_and_tokens_are_for_the_running_stack(stack: Running) -> None:
    status = stack.jianfu("status")
    assert status.returncode == 0
    assert stack.state["address"] in status.stdout
    assert status.stdout.count("就绪") == 3
    token = stack.jianfu("token", "--role", "viewer", "--role", "clock", "--subject", "ada").stdout.strip()
    with stack.client() as client:
        reply = client.get("/monitor/v1/clock", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200
    refused = stack.jianfu("token", "--role", "emperor")
    assert (refused.returncode, "unknown role emperor" in refused.stderr) == (1, True)


def test_a_case_that_is_not_there_and_a_key_from_outside(stack: Running, tmp_path: Path) -> None:
    key = stack.jianfu("case", "key").stdout.strip()
    assert "d" not in json.loads(key)
    out = str(tmp_path / "case.json")
    nothing = stack.jianfu("case", "export", "00000000-0000-5000-8000-000000000000", "--out", out)
    assert (nothing.returncode, nothing.stderr.startswith("error: 404")) == (1, True)
    (tmp_path / "case.json").write_text("{}")
    verify = ("case", "verify", out, "--key")
    assert "✗" in stack.jianfu(*verify, key, data=False).stdout
    assert "--key" in stack.jianfu(*verify, "no-such-file", data=False).stderr


async def test_the_data_outlives_the_processes_and_the_processes_nothing(folder: Path) -> None:
    """Ctrl-C leaves no process, the second `up` has the data and the ports, `kill -9` leaves nothing running."""
    running = Running(folder / "data")
    try:
        await _twice(running.start())
    finally:
        running.end(signal.SIGKILL)


async def _twice(running: Running) -> None:
    first = running.state
    with running.client("registrar", "clock") as client:
        assert client.post("/registry/v1/clock", json={"now": "2025-06-01T04:00:00Z"}).status_code == 200
        recorded = client.post("/registry/v1/units", json=UNIT)
        assert recorded.status_code < 300, recorded.text
    assert len(processes(running.data)) >= 6
    assert running.end(signal.SIGINT) == 0
    assert processes(running.data) == []
    assert running.jianfu("status").returncode == 1
    assert running.jianfu("down").returncode == 0

    running.arguments = ("--egress-allow", "127.0.0.1:9")  # clock, zone and partitions are as they were made
    running.start()
    again = running.state
    for part in ("address", "clock", "timezone"):
        assert again[part] == first[part]
    assert again["kafka"]["bootstrap_servers"] == first["kafka"]["bootstrap_servers"]
    assert "topics in place" in running.said
    assert clock(running).startswith("2025-06-01T04:00")
    with running.client("viewer") as client:
        assert client.get("/registry/v1/units").json()["items"][0]["value"] == "Parks"
        await eventually(lambda: client.get("/monitor/quiet").json()["lag"] == 0, 30)

    assert running.child is not None
    running.child.kill()
    running.child.wait()
    await eventually(lambda: processes(running.data) == [], 10)
    assert (running.data / "stack.json").exists(), "it had no time to tidy up"
    status = running.jianfu("status")
    assert (status.returncode, "nothing runs" in status.stderr) == (1, True)
    assert running.jianfu("up", "--timezone", "Asia/Tokyo").stderr.count("cannot change later") == 1


async def test_parts_of_ones_own_are_used_instead(folder: Path, kafka: LocalKafka, postgres: LocalPostgres) -> None:
    """With Kafka and databases named by the environment, only the services and the gateway are started."""
    conn = await asyncpg.connect(postgres.url())
    names = {service: f"outside_{service}" for service in SERVICES}
    for name in names.values():
        await conn.execute(f"create database {name} owner {OWNER}")
    await conn.close()
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "JIANFU_KAFKA_USERNAME": "admin",
        "JIANFU_KAFKA_PASSWORD_FILE": str(kafka.password_file("admin")),
    }
    for service, name in names.items():
        env[f"JIANFU_{service.upper()}_DATABASE_URL"] = postgres.url(name, user=f"jianfu_{service}")
        env[f"JIANFU_{service.upper()}_MIGRATOR_DATABASE_URL"] = postgres.url(name, user=OWNER)
    running = Running(folder / "data", "--clock", "stepped", "--partitions", "4", env=env).start()
    try:
        assert not (running.data / "kafka").exists()
        assert not (running.data / "postgres").exists()
        assert running.state["kafka"] == {"bootstrap_servers": kafka.bootstrap, "username": "admin"}
        assert running.state["databases"]["monitor"]["database"] == names["monitor"]
        with running.client() as client:
            assert client.get("/readyz").status_code == 200
    finally:
        assert running.end(signal.SIGTERM) == 0
    assert processes(running.data) == []
    assert kafka.alive
    assert postgres.alive


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (("--env", "NONSENSE"), {}, "NAME=VALUE"),
        (("--timezone", "Mars/Olympus"), {}, "IANA zone"),
        ((), {"JIANFU_KAFKA_USERNAME": "me"}, "together"),
        ((), {"JIANFU_MONITOR_MIGRATOR_DATABASE_URL": "postgresql://x@127.0.0.1/x"}, "JIANFU_MONITOR_DATABASE_URL"),
        ((), {"JIANFU_JAVA_HOME": "/nowhere"}, "JIANFU_JAVA_HOME"),
    ],
)
def test_what_cannot_be_had_is_said_with_what_to_do(
    folder: Path, arguments: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    done = Running(folder / "data", env=env).jianfu("up", *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert processes(folder / "data") == []


def test_a_database_of_ones_own_that_is_away_is_named(folder: Path, kafka: LocalKafka) -> None:
    env = {f"JIANFU_{name.upper()}_DATABASE_URL": "postgresql://me:x@127.0.0.1:9/x" for name in SERVICES}
    env |= {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap}
    done = Running(folder / "data", env=env).jianfu("up")
    assert done.returncode == 1
    assert "check JIANFU_REGISTRY_DATABASE_URL" in done.stderr
