"""The processes of the demo: `jianfu up` on a data directory of its own, and the accounts' world beside it."""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

HERE = Path(__file__).parent
JIANFU = Path(sys.executable).with_name("jianfu")
PEOPLE = {
    "clock": ["clock"],
    "registrar": ["registrar", "viewer"],
    "agent": ["agent"],
    "operator": ["operator", "viewer"],
    "approver one": ["approver", "viewer"],
    "approver two": ["approver", "viewer"],
    "viewer": ["viewer"],
    "auditor": ["auditor", "viewer"],
}


class StackFailed(RuntimeError):
    """Something the demo needs did not start, or ended."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def closed_port() -> tuple[socket.socket, str]:
    """A place where nobody listens and nobody else can: whoever calls there is refused. Keep the socket open."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, f"127.0.0.1:{taken.getsockname()[1]}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class World:
    """The accounts' world as a process; `kill` and `start` again lose nothing."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._seed = seed
        self._http = httpx.Client(base_url=self.address, timeout=60, trust_env=False)
        self._child: subprocess.Popen[bytes] | None = None

    def forget(self) -> None:
        """A run begins with a world in which nothing has happened yet."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start on what its log holds, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(HERE / "world.py"), str(self.port), str(self._folder / "calls.log")]
        with (self._folder / "world.log").open("ab") as log:
            self._child = subprocess.Popen(
                [*command, str(self._seed)],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
                start_new_session=True,
            )
        end = time.monotonic() + 20
        while not _answers(f"{self.address}/state"):
            if self._child.poll() is not None or time.monotonic() > end:
                raise StackFailed(f"the accounts' world did not start; see {self._folder / 'world.log'}")
            time.sleep(0.05)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def tell(self, what: str, value: Any) -> None:
        """`day`, `keys` or `manners`: known and written down when this returns."""
        self._http.put(f"/{what}", json=value).raise_for_status()

    def calls(self, **wanted: str) -> list[dict[str, Any]]:
        """Its raw calls, each as it was logged."""
        items: list[dict[str, Any]] = self._http.get("/calls", params=wanted).json()["items"]
        return items

    def state(self) -> dict[str, Any]:
        """Its day, its dark pages, how many calls it has had."""
        found: dict[str, Any] = self._http.get("/state").json()
        return found


class Stack:
    """One `jianfu up` with the stepped clock, and what its stack.json says."""

    def __init__(self, data: Path, *, egress: list[str], settings: dict[str, str]) -> None:
        self.data = data
        self._command = [str(JIANFU), "up", "--data", str(data), "--clock", "stepped"]
        for place in egress:
            self._command += ["--egress-allow", place]
        for name, value in settings.items():
            self._command += ["--env", f"{name}={value}"]
        self._log = data.with_suffix(".log")
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, console: Console) -> None:
        """Start on a fresh data directory and wait until all of it is ready."""
        if self.data.exists():
            shutil.rmtree(self.data)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JIANFU_") or k in KEPT}
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                env=environment,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
                start_new_session=True,
            )
        begun = time.monotonic()
        with console.status("jianfu up: PostgreSQL, Kafka, three services …"):
            while not (self.data / "stack.json").exists():
                if self._child.poll() is not None:
                    raise StackFailed(f"`jianfu up` ended with {self._child.returncode}:\n{self.last_words()}")
                if time.monotonic() - begun > 180:
                    raise StackFailed(f"`jianfu up` was not ready in 180 s:\n{self.last_words()}")
                time.sleep(0.1)
        console.print(f"stack ready in {time.monotonic() - begun:.1f} s: {self.state['address']}")

    @property
    def state(self) -> dict[str, Any]:
        """What `jianfu up` wrote of itself; read anew, since a restarted service has another pid."""
        found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        return found

    def last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-25:])

    def check(self) -> None:
        """Raise StackFailed when the stack has ended."""
        if self._child is None or self._child.poll() is not None:
            raise StackFailed(f"`jianfu up` ended:\n{self.last_words()}")

    def kill_service(self, name: str) -> None:
        """`kill -9` of one service; `jianfu up` starts it again."""
        os.kill(self.state["services"][name]["pid"], signal.SIGKILL)

    async def tokens(self) -> dict[str, str]:
        """A token for each of the demo's people, from the local issuer."""

        async def one(who: str, roles: list[str]) -> tuple[str, str]:
            named = [part for role in roles for part in ("--role", role)]
            command = ["token", "--data", str(self.data), "--subject", who, *named]
            child = await asyncio.create_subprocess_exec(JIANFU, *command, stdout=asyncio.subprocess.PIPE)
            out, _ = await child.communicate()
            if child.returncode != 0:
                raise StackFailed(f"`jianfu token` for {who} ended with {child.returncode}")
            return who, out.decode().strip()

        return dict(await asyncio.gather(*(one(who, roles) for who, roles in PEOPLE.items())))

    async def wait(self) -> None:
        """Until the stack ends or Ctrl-C does."""
        while self._child is not None and self._child.poll() is None:
            await asyncio.sleep(0.5)

    def remove(self) -> None:
        """Its data; the log of its start stays."""
        shutil.rmtree(self.data, ignore_errors=True)

    def stop(self) -> None:
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(60)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


KEPT = ("JIANFU_CACHE_DIR", "JIANFU_JAVA_HOME")  # what `jianfu` itself may be told from outside


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
