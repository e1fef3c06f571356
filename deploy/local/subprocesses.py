"""Child processes that cannot outlive their owner, not even when it is killed."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deploy.terminal import StackError
from libs.common.process.parent import die_with_parent

FIRST_PORT = 15_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    death_signal: int = signal.SIGKILL,
    **more: Any,
) -> subprocess.Popen[bytes]:
    """Start a child with its output appended to `log`. Call from the main thread only: the signal that
    ends the child comes when the forking thread ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            preexec_fn=partial(die_with_parent, os.getpid(), death_signal),  # noqa: PLW1509 - one thread, and the only way to be sure
            start_new_session=True,  # Ctrl-C reaches the owner alone, who stops the parts in order
            **more,
        )


def ended(child: "subprocess.Popen[bytes]") -> bool:
    """Whether a child has ended; what it had started itself is then ended too, before its number is free again."""
    if child.returncode is not None:
        return True
    with contextlib.suppress(ChildProcessError):
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.poll() is not None


def stop(child: "subprocess.Popen[bytes] | None", signum: int, seconds: float, *, then: int = signal.SIGKILL) -> bool:
    """Ask a child to end, and insist after the time given; True when it went by itself."""
    if child is None or ended(child):
        return True
    child.send_signal(signum)
    if _within(child, seconds):
        return True
    child.send_signal(then)
    if not _within(child, 5):
        child.kill()
        child.wait()
    return False


def _within(child: "subprocess.Popen[bytes]", seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not ended(child):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def port(wanted: int | None = None) -> int:
    """`wanted` if it is free on loopback, else one that is, below those the kernel hands out to connections:
    a service that comes back a second later must find its own port free."""
    end = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
    span = range(FIRST_PORT, end) if end > FIRST_PORT + 1000 else range(20_000, 60_000)
    chosen = random.SystemRandom().sample(span, 200)
    for candidate in ([wanted] if wanted else []) + chosen:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise StackError("no free port on 127.0.0.1")
