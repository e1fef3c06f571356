"""What tests stand on: one real PostgreSQL and one real Kafka per process of a run, a database for each test.

`postgres` and `kafka` start with the first test that asks for them: each worker of `pytest -n 3` has its own, on ports
and in folders of its own, and one that runs no test of Kafka starts none. `database("registry")` clones a migrated
template.
"""

import asyncio
import json
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from deploy.database.migrations import migrate
from deploy.kafka import topics
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.db.pool import Database
from tests.acceptance.running import Running

ROOT = Path(__file__).parents[1]
_names = count(1)

# A run that decides about a change draws the same examples each time; the search for new ones is `make fuzz`.
# Neither minds how long an example takes: the machine is noisy.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("same")

# What is logged in a test is printed with a plain traceback: one in a frame, with all variables, takes three seconds.
structlog.configure(
    [
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


# A database of a test need not survive a power cut; how one survives kill -9 is tested on servers of its own.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# How a file of tests asks for a server that takes seconds to start.
SLOW = {
    "stack": re.compile(r"\bstack: Running\b"),
    "kafka": re.compile(r"\bkafka: LocalKafka\b|\bnew_topic: Any\b"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--attack-size`: how many times as large the attacks of tests/attack are."""
    parser.addoption("--attack-size", type=int, default=1, help="how many times as large attacks are (make attack: 10)")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "ByFile | None":
    """With `--dist=loadfile`, files that share a broker or a stack run in one worker, so that it is started once."""
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


class ByFile(LoadScopeScheduling):
    """Files are handed out whole; those of one folder that ask for one of the slow servers, together."""

    def _split_scope(self, nodeid: str) -> str:
        return _together(nodeid.partition("::")[0])


@cache
def _together(file: str) -> str:
    text = (ROOT / file).read_text()
    asked = next((server for server, asks in SLOW.items() if asks.search(text)), None)
    return file if asked is None else f"{Path(file).parent} {asked}"


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that a server running as another user can enter, and goes on entering.

    pytest's own `tmp_path` is closed to others, and closed anew by every other run that starts on this machine.
    """
    with tempfile.TemporaryDirectory(prefix="jianfu-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for servers of one test's own."""
    with open_folder() as path:
        yield path


@pytest.fixture(scope="session")
def alive() -> Callable[[int], bool]:
    """`alive(pid)`: whether that process still runs; a zombie does not."""

    def look(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return look


# Names, in the environment, the servers of another process that this one uses instead of starting its own.
LENT = "JIANFU_TEST_SERVERS"


def lend(postgres: LocalPostgres, kafka: LocalKafka | None) -> str:
    """The value of `LENT` for a run of tests as a child: name, port and folder of each server."""
    servers = {"postgres": postgres} | ({"kafka": kafka} if kafka else {})
    return json.dumps({name: (str(server.folder), server.port) for name, server in servers.items()})


def _lent(name: str) -> tuple[Path, int] | None:
    found = json.loads(os.environ.get(LENT, "{}")).get(name)
    return (Path(found[0]), int(found[1])) if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A PostgreSQL server for this process."""
    if lent := _lent("postgres"):
        yield LocalPostgres(lent[0], port=lent[1])
        return
    with open_folder() as path:
        server = LocalPostgres(path, settings=CARELESS).start()
        asyncio.run(server.prepare())
        yield server
        os.kill(server.pid, signal.SIGQUIT)  # at once: nobody looks into these databases again
        server.stop()


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """A Kafka broker for this process, with the product's topics (4 partitions), SASL and access lists."""
    if lent := _lent("kafka"):
        yield LocalKafka(lent[0], port=lent[1])
        return
    with open_folder() as path:
        broker = LocalKafka(path).start()
        client = topics.admin(broker.bootstrap, "admin", broker.password("admin"))
        topics.apply(client, topics.wanted(partitions=4), acls=True)
        yield broker
        broker.kill()


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    """A whole `jianfu up`, stepped clock, 2 partitions: its address, tokens, clients, Kafka's options."""
    with open_folder() as path:
        running = Running(path / "data")
        try:
            yield running.start()
        finally:
            running.end()


def kafka_options(broker: LocalKafka, user: str = "admin") -> dict[str, Any]:
    """aiokafka's options for one principal; `admin` may create topics of a test's own."""
    return {
        "bootstrap_servers": broker.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": broker.password(user),
    }


@dataclass(frozen=True)
class Urls:
    """How to reach one test's database: as the service (no DDL) and as the owner."""

    service: str
    owner: str


async def _template(postgres: LocalPostgres, service: str) -> str:
    name = f"template_{service}"
    conn = await asyncpg.connect(postgres.url())
    try:
        if not await conn.fetchval("select 1 from pg_database where datname = $1", name):
            await conn.execute(f"create database {name} owner {OWNER}")
            await migrate(
                postgres.url(name, user=OWNER),
                ROOT / "services" / service / "migrations",
                service_role=f"jianfu_{service}",
            )
    finally:
        await conn.close()
    return name


@pytest.fixture
def fresh_database(postgres: LocalPostgres) -> Callable[[str], Awaitable[Urls]]:
    """`await fresh_database("registry")`: URLs of a new database with that service's schema."""

    async def make(service: str) -> Urls:
        template = await _template(postgres, service)
        name = f"test_{next(_names)}_{service}"
        conn = await asyncpg.connect(postgres.url())
        try:
            await conn.execute(f"create database {name} template {template} owner {OWNER}")
        finally:
            await conn.close()
        return Urls(postgres.url(name, user=f"jianfu_{service}"), postgres.url(name, user=OWNER))

    return make


@pytest.fixture
async def database(
    fresh_database: Callable[[str], Awaitable[Urls]],
) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """`await database("registry")`: an open Database, as the service's own role, closed after the test."""
    opened = []

    async def make(service: str) -> Database:
        opened.append(await Database.connect((await fresh_database(service)).service, name=service))
        return opened[-1]

    yield make
    for each in opened:
        await each.close()
