"""`jianfu up`: all parts as children of one process, started in order, watched, stopped in reverse."""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from deploy import topics
from deploy.local import children
from deploy.local.children import StackError, say
from deploy.local.kafka import USERS, LocalKafka
from deploy.local.keys import Keys
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.db import migrate
from libs.common.settings import SERVICES

ROOT = Path(__file__).parents[2]
OURS = (
    "JIANFU_CACHE_DIR",
    "JIANFU_JAVA_HOME",
    "JIANFU_DATA",
    "JIANFU_ADDRESS",
    "JIANFU_TOKEN",
)  # read by this command, unknown to the services
FAST_DEATH = 10.0  # seconds; a service that dies sooner after its start did not really start
FAST_DEATHS = 5


@dataclass
class Options:
    """What `jianfu up` was asked for."""

    data: Path
    port: int | None = None
    clock: str = "system"
    egress_allow: tuple[str, ...] = ()
    partitions: int | None = None
    timezone: str = "Asia/Shanghai"
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Service:
    """One service process and how often it died young."""

    name: str
    port: int
    log: Path
    env: dict[str, str]
    child: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    young_deaths: int = 0
    again_at: float = 0.0

    def start(self) -> None:
        command = [sys.executable, "-m", f"services.{self.name}", "--role", "all"]
        self.child = children.spawn(command, log=self.log, env=self.env, death_signal=signal.SIGTERM, cwd=ROOT)
        self.started = time.monotonic()


class Stack:
    """Everything one data directory runs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.data = options.data.resolve()
        self.keys = Keys(self.data / "keys")
        self.logs = self.data / "logs"
        self.postgres: LocalPostgres | None = None
        self.kafka: LocalKafka | None = None
        self.services: list[Service] = []
        self.gateway: subprocess.Popen[bytes] | None = None
        self._begun = time.monotonic()
        self._ending = False
        self._ports: dict[str, int] = {}

    # --- start

    def run(self) -> int:
        """Start all, serve until told to end; 0 after an orderly end. Raises StackError."""
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "up.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StackError(f"a stack already runs on {self.data}; see `jianfu status`, `jianfu down`") from None
            for signum in (signal.SIGINT, signal.SIGTERM):
                signal.signal(signum, self._asked_to_end)
            try:
                self._start()
                while not self._ending:
                    self._watch()
                    time.sleep(0.1)
            finally:
                self._stop()
        return 0

    def _asked_to_end(self, _: int, __: FrameType | None) -> None:
        if not self._ending:
            self._ending = True
            raise KeyboardInterrupt

    def _start(self) -> None:
        ports = self.data / "ports.json"
        self._ports = json.loads(ports.read_text()) if ports.exists() else {}
        self.keys.make()
        if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
            self.kafka = LocalKafka(
                self.data / "kafka", port=self._ports.get("kafka"), controller_port=self._ports.get("controller")
            )
            self.kafka.launch()
        if any(self._external(service) is None for service in SERVICES):
            self.postgres = LocalPostgres(self.data / "postgres", port=self._ports.get("postgres")).start()
            asyncio.run(self.postgres.prepare())
            self._tell(f"PostgreSQL on 127.0.0.1:{self.postgres.port}")
        for service in SERVICES:
            applied = asyncio.run(migrate_service(service, *self._owner(service)))
            self._tell(f"{service}: {len(applied)} migrations applied" if applied else f"{service}: schema up to date")
        self._start_topics()
        self._start_services()
        ports.write_text(json.dumps(self._ports))
        self._write_state()
        self._tell(f"ready: {self.address}")
        say("    three APIs behind one address, each with /docs; Ctrl-C stops everything, the data stays")

    def _start_topics(self) -> None:
        if self.kafka is not None:
            self.kafka.wait()
            client = topics.admin(self.kafka.bootstrap, "admin", self.kafka.password("admin"))
            self._tell(f"Kafka on {self.kafka.bootstrap}")
        else:
            user, file = os.environ.get("JIANFU_KAFKA_USERNAME"), os.environ.get("JIANFU_KAFKA_PASSWORD_FILE")
            password = Path(file).read_text().strip() if file else None
            client = topics.admin(os.environ["KAFKA_BOOTSTRAP_SERVERS"], user, password)
        wanted = topics.wanted(partitions=self.options.partitions)
        created = topics.apply(client, wanted, acls=self.kafka is not None)
        self._tell(f"{len(created)} topics created" if created else "topics in place")

    def _start_services(self) -> None:
        for name in SERVICES:
            port = self._ports[name] = children.port(self._ports.get(name))
            service = Service(name, port, self.logs / f"{name}.log", self._environment(name, port))
            service.start()
            self.services.append(service)
        self._ports["gateway"] = children.port(self.options.port or self._ports.get("gateway"))
        if self.options.port and self._ports["gateway"] != self.options.port:
            raise StackError(f"port {self.options.port} is in use; choose another with --port")
        targets = [f"{service.name}=http://127.0.0.1:{service.port}" for service in self.services]
        command = [sys.executable, "-m", "deploy.gateway", str(self._ports["gateway"]), *targets]
        self.gateway = children.spawn(command, log=self.logs / "gateway.log", cwd=ROOT)
        self._wait_ready(60)

    def _wait_ready(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        waiting = {service.name for service in self.services}
        while waiting:
            self._watch()
            for service in self.services:
                if service.name in waiting and _ready(f"http://127.0.0.1:{service.port}/readyz"):
                    waiting.discard(service.name)
                    self._tell(f"{service.name} is ready")
            if time.monotonic() > end:
                service = next(s for s in self.services if s.name in waiting)
                raise StackError(f"{service.name} was not ready in {seconds:.0f} s:\n{children.tail(service.log)}")
            time.sleep(0.05)
        while not _ready(f"{self.address}/healthz") and time.monotonic() < end:
            time.sleep(0.05)

    def _environment(self, name: str, port: int) -> dict[str, str]:
        passed = {k: v for k, v in os.environ.items() if k not in OURS and "_MIGRATOR_" not in k}
        upper = name.upper()
        env = passed | {
            "JIANFU_PROFILE": "local",
            "JIANFU_CLOCK": self.options.clock,
            "JIANFU_TIMEZONE": self.options.timezone,
            "JIANFU_ISSUER_JWKS_FILE": str(self.keys.issuer_public),
            "JIANFU_EGRESS_ALLOW": ",".join(self.options.egress_allow),
            f"JIANFU_{upper}_LISTEN": f"127.0.0.1:{port}",
            f"JIANFU_{upper}_DATABASE_URL": self._external(name) or self._local_url(name),
        }
        if self.kafka is not None:
            env |= {
                "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
                "JIANFU_KAFKA_USERNAME": name,
                "JIANFU_KAFKA_PASSWORD_FILE": str(self.kafka.password_file(name)),
            }
        if name == "decommission":
            env["JIANFU_DECOMMISSION_SIGNING_KEY_FILE"] = str(self.keys.signing)
            env["JIANFU_DECOMMISSION_ARCHIVE_DIR"] = str(self.data / "archive")
        return env | self.options.env

    def _local_url(self, service: str) -> str:
        assert self.postgres is not None  # noqa: S101 - started unless every database is external
        return self.postgres.url(f"jianfu_{service}", user=f"jianfu_{service}")

    def _external(self, service: str) -> str | None:
        return os.environ.get(f"JIANFU_{service.upper()}_DATABASE_URL")

    def _owner(self, service: str) -> tuple[str, str | None]:
        external = self._external(service)
        if external is not None:
            return os.environ.get(f"JIANFU_{service.upper()}_MIGRATOR_DATABASE_URL", external), None
        assert self.postgres is not None  # noqa: S101
        return self.postgres.url(f"jianfu_{service}", user=OWNER), f"jianfu_{service}"

    # --- watch

    def _watch(self) -> None:
        if self.postgres is not None and not self.postgres.alive:
            say("PostgreSQL ended; starting it again")
            self.postgres.start()
            self._write_state()
        if self.kafka is not None and not self.kafka.alive:
            say("Kafka ended; starting it again")
            self.kafka.start()
            self._write_state()
        for service in self.services:
            self._watch_service(service)
        if self.gateway is not None and self.gateway.poll() is not None:
            raise StackError(f"the gateway ended:\n{children.tail(self.logs / 'gateway.log')}")

    def _watch_service(self, service: Service) -> None:
        now = time.monotonic()
        if service.child is not None and service.child.poll() is not None:
            killed = service.child.returncode == -signal.SIGKILL  # from outside: no fault of its own
            young = now - service.started < FAST_DEATH and not killed
            service.young_deaths = service.young_deaths + 1 if young else 0
            say(f"{service.name} ended with {service.child.returncode}; starting it again")
            if service.young_deaths >= FAST_DEATHS:
                raise StackError(f"{service.name} cannot start:\n{children.tail(service.log)}")
            service.child = None
            service.again_at = now + (0.0 if not young else 0.2 * 2**service.young_deaths)
        if service.child is None and now >= service.again_at:
            service.start()
            self._write_state()

    # --- state and end

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._ports['gateway']}"

    def _write_state(self) -> None:
        if "gateway" not in self._ports:
            return
        state: dict[str, Any] = {
            "address": self.address,
            "pid": os.getpid(),
            "clock": self.options.clock,
            "services": {
                s.name: {"pid": s.child.pid if s.child else 0, "port": s.port, "log": str(s.log)} for s in self.services
            },
            "kafka": {"bootstrap_servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS")},
            "databases": {},
            "keys": {"issuer": str(self.keys.issuer), "decommission": str(self.keys.signing_public)},
        }
        if self.kafka is not None:
            files = {user: str(self.kafka.password_file(user)) for user in USERS}
            state["kafka"] = {
                "bootstrap_servers": self.kafka.bootstrap, "pid": self.kafka.pid, "password_files": files,
            }  # fmt: skip
        if self.postgres is not None:
            state["postgres"] = {"pid": self.postgres.pid, "port": self.postgres.port}
            for name in SERVICES:
                if self._external(name) is None:
                    state["databases"][name] = {
                        "host": "127.0.0.1", "port": self.postgres.port, "database": f"jianfu_{name}",
                        "user": OWNER, "password_file": str(self.postgres.folder / f"{OWNER}.password"),
                    }  # fmt: skip
        file = self.data / "stack.json"
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(file)

    def _stop(self) -> None:
        self._ending = True
        begun = time.monotonic()
        say("stopping")
        children.stop(self.gateway, signal.SIGTERM, 3)
        for service in self.services:
            if service.child is not None and service.child.poll() is None:
                service.child.send_signal(signal.SIGTERM)
        for service in self.services:
            children.stop(service.child, signal.SIGTERM, 22)
        if self.kafka is not None:
            self.kafka.stop()
        if self.postgres is not None:
            self.postgres.stop()
        (self.data / "stack.json").unlink(missing_ok=True)
        say(f"stopped in {time.monotonic() - begun:.1f} s")

    def _tell(self, text: str) -> None:
        say(f"{time.monotonic() - self._begun:5.1f} s  {text}")


async def migrate_service(service: str, url: str, role: str | None) -> list[str]:
    """Bring one service's schema up to date; `role` is granted what the service needs."""
    return await migrate(url, ROOT / "services" / service / "migrations", service_role=role)


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
