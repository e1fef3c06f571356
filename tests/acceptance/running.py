"""`jianfu up` as a child of a test: started, spoken to, stopped, killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from deploy.local.issuer import issue
from libs.common.process.parent import die_with_parent

ROOT = Path(__file__).parents[2]
JIANFU = Path(sys.executable).with_name("jianfu")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("JIANFU_", "KAFKA_"))}


def processes(data: Path) -> list[str]:
    """Command lines of all processes that have to do with a data directory, by argument or by environment."""
    mark, found = os.fsencode(data), []
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            told = command + (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark in told:
            found.append(command.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


class Running:
    """One stack with a stepped clock and few partitions; `start` and `stop` may alternate on the same data."""

    def __init__(self, data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.arguments = arguments or ("--clock", "stepped", "--partitions", "2")
        self.env = CLEAN | dict(env or {})
        self.out = data.parent / f"{data.name}.out"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 120) -> "Running":
        """Start and wait until it has said that it is ready. Raises AssertionError with what it said instead."""
        command = [str(JIANFU), "up", "--data", str(self.data), *self.arguments]
        with self.out.open("wb") as out:
            self.child = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                env=self.env,
                stdin=subprocess.DEVNULL,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - a run of tests that is killed leaves nothing
            )
        end = time.monotonic() + seconds
        while not (self.data / "stack.json").exists():
            assert self.child.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.05)
        return self

    def end(self, signum: int = signal.SIGINT, seconds: float = 40) -> int:
        """Send a signal and wait; its exit code."""
        assert self.child is not None
        if self.child.poll() is None:
            self.child.send_signal(signum)
        return self.child.wait(seconds)

    @property
    def said(self) -> str:
        return self.out.read_text()

    @property
    def state(self) -> dict[str, Any]:
        """What it wrote of itself; read anew, since a restarted service has another pid."""
        found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        return found

    def token(self, *roles: str, subject: str = "test", unit: str | None = None) -> str:
        key = json.loads((self.data / "keys/issuer.jwk").read_text())
        return issue(key, subject, roles, unit=unit)

    def client(self, *roles: str) -> httpx.Client:
        """A client of the one address, with a token when roles are given."""
        headers = {"Authorization": f"Bearer {self.token(*roles)}"} if roles else {}
        return httpx.Client(base_url=self.state["address"], headers=headers, timeout=30, trust_env=False)

    def kafka(self, user: str) -> dict[str, Any]:
        """aiokafka's options for one principal."""
        found = self.state["kafka"]
        return {
            "bootstrap_servers": found["bootstrap_servers"],
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": Path(found["password_files"][user]).read_text().strip(),
        }

    def jianfu(self, *arguments: str, data: bool = True) -> "subprocess.CompletedProcess[str]":
        """Another `jianfu` command, on the same data unless it needs none."""
        command = [str(JIANFU), *arguments, *(("--data", str(self.data)) if data else ())]
        return subprocess.run(command, capture_output=True, text=True, env=self.env, timeout=60, check=False)
