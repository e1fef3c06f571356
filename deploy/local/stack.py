"""`jianfu up`: all parts as children of one process, started in order, watched, stopped in reverse."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from deploy.kafka import topics
from deploy.local import datadir, schema, subprocesses
from deploy.local.external import Outside, place
from deploy.local.kafka import USERS, LocalKafka
from deploy.local.keys import Keys
from deploy.local.postgres import OWNER, LocalPostgres
from deploy.local.schema import migrate_service
from deploy.local.supervised import Service
from deploy.terminal import StackError, say
from libs.common.clock import ClockBehind, SystemClock
from libs.common.process import latest
from services import SERVICES

# read by this command, unknown to the services
OURS = ("JIANFU_CACHE_DIR", "JIANFU_JAVA_HOME", "JIANFU_DATA", "JIANFU_ADDRESS", "JIANFU_TOKEN")
READY_WITHIN = 60.0  # seconds


@dataclass
class Options:
    """What `jianfu up` was asked for; None is what the data directory was made with, else a default."""

    data: Path
    port: int | None = None
    clock: str | None = None
    egress_allow: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what for: host:port, …
    partitions: int | None = None
    timezone: str | None = None
    per_caller: int | None = None
    env: dict[str, str] = field(default_factory=dict)


class Stack:
    """Everything one data directory runs."""

    def __init__(self, options: Options, outside: Outside) -> None:
        self.options = options
        self.outside = outside
        self.data = options.data.resolve()
        self.keys = Keys(self.data / "keys")
        self.logs = self.data / "logs"
        self.postgres: LocalPostgres | None = None
        self.kafka: LocalKafka | None = None
        self.services: list[Service] = []
        self._begun = time.monotonic()
        self._ready = False
        self._ending = False
        self._ports: dict[str, int] = {}
        self._made: dict[str, Any] = {}

    # --- start

    def run(self) -> int:
        """Start all, serve until told to end; 0 after an orderly end. Raises StackError."""
        with datadir.claim(self.data):
            for signum in (signal.SIGINT, signal.SIGTERM):
                signal.signal(signum, self._asked_to_end)
            (self.data / "stack.json").unlink(missing_ok=True)  # of a stack that was killed
            try:
                self._start()
                while True:
                    self._watch()
                    time.sleep(0.1)
            except KeyboardInterrupt:
                return 0
            finally:
                self._stop()

    def _asked_to_end(self, _: int, __: FrameType | None) -> None:
        if not self._ending:
            self._ending = True
            raise KeyboardInterrupt

    def _start(self) -> None:
        self._ports = datadir.read(self.data / "ports.json")
        self._made = self._decided()
        self._port_asked_for()  # before anything is started
        self.keys.make()
        if self.outside.kafka is None:
            self.kafka = LocalKafka(
                self.data / "kafka",
                log=self.logs / "kafka.log",
                port=self._ports.get("kafka"),
                controller_port=self._ports.get("controller"),
            )
            self.kafka.launch()
            self._ports |= {"kafka": self.kafka.port, "controller": self.kafka.controller_port}
        if any(service not in self.outside.databases for service in SERVICES):
            self.postgres = LocalPostgres(
                self.data / "postgres", log=self.logs / "postgres.log", port=self._ports.get("postgres")
            ).start()
            asyncio.run(self.postgres.prepare())
            self._ports["postgres"] = self.postgres.port
            self._tell(f"PostgreSQL on 127.0.0.1:{self.postgres.port}")
        for service in SERVICES:
            applied = asyncio.run(migrate_service(service, *self._migration(service)))
            self._tell(f"{service}: {len(applied)} migrations applied" if applied else f"{service}: schema up to date")
        asyncio.run(self._set_clocks())
        self._start_topics()
        self._start_services()
        datadir.write(self.data / "ports.json", self._ports)
        datadir.write(self.data / "made.json", self._made)
        self._ready = True
        self._write_state()
        self._tell("ready; three APIs behind one address, each with /docs. Ctrl-C stops everything, the data stays")
        print(self.address, flush=True)

    def _decided(self) -> dict[str, Any]:
        """Zone, clock and partitions: as asked, else as this directory was made. Raises StackError on another zone:
        the day's boundary is fixed when a deployment is made."""
        made = datadir.read(self.data / "made.json")
        zone = self.options.timezone or made.get("timezone", "Asia/Shanghai")
        if zone != made.get("timezone", zone):
            raise StackError(f"{self.data} was made with --timezone {made['timezone']}, which cannot change later")
        return {
            "timezone": zone,
            "clock": self.options.clock or made.get("clock", "system"),
            "partitions": self.options.partitions or made.get("partitions"),
        }

    async def _set_clocks(self) -> None:
        """Business time goes on from the latest that any service has seen, in all of them. Raises StackError."""
        zone, urls = ZoneInfo(self._made["timezone"]), {name: self._migration(name)[0] for name in SERVICES}
        reached = [at for name, url in urls.items() if (at := await schema.reached(name, url, zone)) is not None]
        if self._made["clock"] == "system":
            try:
                latest.require_reached(SystemClock(zone).now(), max(reached, default=None))
            except ClockBehind as error:
                raise StackError(f"{error.text.zh} / {error.text.en}") from None
        elif reached:
            for url in urls.values():
                await schema.step(url, max(reached))
            self._tell(f"the business clock stands at {max(reached).astimezone(zone).isoformat()}")

    def _port_asked_for(self) -> int | None:
        port = self.options.port
        if port is not None and subprocesses.port(port) != port:
            raise StackError(f"port {port} is in use, or not for everyone to take; choose another with --port")
        return port

    def _start_topics(self) -> None:
        if self.kafka is not None:
            self.kafka.wait()
            client = topics.admin(self.kafka.bootstrap, "admin", self.kafka.password("admin"))
            self._tell(f"Kafka on {self.kafka.bootstrap}")
        else:
            client = topics.admin(str(self.outside.kafka), self.outside.kafka_username, self.outside.password())
        wanted = topics.wanted(partitions=self._made["partitions"])
        created = topics.apply(client, wanted, acls=self.kafka is not None)
        self._tell(f"{len(created)} topics created" if created else "topics in place")

    def _start_services(self) -> None:
        addresses = []
        for name in SERVICES:
            port = self._ports[name] = subprocesses.port(self._ports.get(name))
            run = ("-m", f"services.{name}", "--role", "all")
            self.services.append(Service(name, run, port, self.logs / f"{name}.log", self._environment(name, port)))
            addresses.append(f"{name}=http://127.0.0.1:{port}")
        port = self._ports["gateway"] = self._port_asked_for() or subprocesses.port(self._ports.get("gateway"))
        bound = () if self.options.per_caller is None else ("--per-caller", str(self.options.per_caller))
        proxy = ("-m", "deploy.gateway.app", str(port), *addresses, *bound)
        self.services.append(Service("gateway", proxy, port, self.logs / "gateway.log", dict(os.environ)))
        for service in self.services:
            service.start(time.monotonic())
        self._wait_ready()

    def _wait_ready(self) -> None:
        end = time.monotonic() + READY_WITHIN
        waiting = list(self.services)
        with httpx.Client(timeout=2, trust_env=False) as client:
            while waiting:
                self._watch()
                for service in list(waiting):
                    if _answers(client, f"http://127.0.0.1:{service.port}/readyz"):
                        waiting.remove(service)
                        self._tell(f"{service.name} is ready")
                if waiting and time.monotonic() > end:
                    late = waiting[0]
                    raise StackError(
                        f"{late.name} was not ready in {READY_WITHIN:.0f} s; the end of {late.log}:\n"
                        f"{subprocesses.tail(late.log)}"
                    )
                time.sleep(0.05)

    def _environment(self, name: str, port: int) -> dict[str, str]:
        foreign = tuple(f"JIANFU_{other.upper()}_" for other in SERVICES if other != name)
        passed = {
            k: v for k, v in os.environ.items() if k not in OURS and "_MIGRATOR_" not in k and not k.startswith(foreign)
        }
        upper = name.upper()
        env = passed | {
            "JIANFU_PROFILE": "local",
            "JIANFU_CLOCK": self._made["clock"],
            "JIANFU_TIMEZONE": self._made["timezone"],
            "JIANFU_ISSUER_JWKS_FILE": str(self.keys.issuer_public),
            f"JIANFU_{upper}_LISTEN": f"127.0.0.1:{port}",
            f"JIANFU_{upper}_DATABASE_URL": self.outside.databases.get(name) or self._local_url(name),
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
            for purpose, places in self.options.egress_allow.items():
                env[f"JIANFU_DECOMMISSION_EGRESS_ALLOW_{purpose.upper()}"] = ",".join(places)
        return env | self.options.env

    def _local_url(self, service: str, user: str | None = None) -> str:
        assert self.postgres is not None  # noqa: S101 - started unless every database is named from outside
        return self.postgres.url(f"jianfu_{service}", user=user or f"jianfu_{service}")

    def _migration(self, service: str) -> tuple[str, str | None]:
        if service in self.outside.databases:
            return self.outside.migration(service)
        return self._local_url(service, OWNER), f"jianfu_{service}"

    # --- watch

    def _watch(self) -> None:
        changed = False
        for name, part in (("PostgreSQL", self.postgres), ("Kafka", self.kafka)):
            if part is not None and not part.alive:
                say(f"{name} ended; starting it again")
                port = part.port
                part.start()
                if part.port != port:  # the services know the old one
                    raise StackError(f"{name} came back on another port, since {port} was taken; start the stack again")
                changed = True
        for service in self.services:
            changed = service.look(time.monotonic()) or changed
        if changed and self._ready:
            self._write_state()

    # --- state and end

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._ports['gateway']}"

    def _write_state(self) -> None:
        *services, gateway = self.services
        state: dict[str, Any] = {
            "address": self.address,
            "pid": os.getpid(),
            "clock": self._made["clock"],
            "timezone": self._made["timezone"],
            "services": {s.name: {"pid": s.pid, "port": s.port, "log": str(s.log)} for s in services},
            "gateway": {"pid": gateway.pid, "port": gateway.port, "log": str(gateway.log)},
            "kafka": {"bootstrap_servers": self.outside.kafka, "username": self.outside.kafka_username},
            "databases": {name: self._database(name) for name in SERVICES},
            "keys": {"issuer": str(self.keys.issuer), "decommission": str(self.keys.signing_public)},
        }
        if self.kafka is not None:
            files = {user: str(self.kafka.password_file(user)) for user in USERS}
            state["kafka"] = {
                "bootstrap_servers": self.kafka.bootstrap,
                "pid": self.kafka.pid,
                "log": str(self.kafka.log),
                "password_files": files,
            }
        if self.postgres is not None:
            state["postgres"] = {"pid": self.postgres.pid, "port": self.postgres.port, "log": str(self.postgres.log)}
        datadir.write(self.data / "stack.json", state)

    def _database(self, service: str) -> dict[str, Any]:
        """Where a service's database is and as whom to look into it; a password only as the path of its file."""
        url, _ = self._migration(service)
        where: dict[str, Any] = place(url)
        if self.postgres is not None and service not in self.outside.databases:
            where["password_file"] = str(self.postgres.password_file(OWNER))
        return where

    def _stop(self) -> None:
        self._ending = True
        begun = time.monotonic()
        say("stopping")
        (self.data / "stack.json").unlink(missing_ok=True)
        for service in reversed(self.services):
            service.ask_to_end()
        for service in self.services:
            service.end(22 if service.name in SERVICES else 3)
        if self.kafka is not None:
            self.kafka.stop()
        if self.postgres is not None:
            self.postgres.stop()
        say(f"stopped in {time.monotonic() - begun:.1f} s")

    def _tell(self, text: str) -> None:
        say(f"{time.monotonic() - self._begun:5.1f} s  {text}")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False
