"""Child processes that cannot outlive their owner, not even when it is killed."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


class StackError(RuntimeError):
    """The local stack cannot go on; the text says what to do about it."""


def die_with_parent(signum: int) -> Callable[[], None]:
    """What a child runs before exec: the kernel sends it `signum` when the thread that forked it is gone."""
    owner = os.getpid()
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != owner:  # the owner died between fork and prctl
            os._exit(1)

    return prepare


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
            preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509 - one thread, and the only way to be sure
            start_new_session=True,  # Ctrl-C reaches the owner alone, who stops the parts in order
            **more,
        )


def stop(child: "subprocess.Popen[bytes] | None", signum: int, seconds: float) -> bool:
    """Ask a child to end, and end it after the time given; True when it went by itself."""
    if child is None or child.poll() is not None:
        return True
    child.send_signal(signum)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return False
    return True


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def port(wanted: int | None = None) -> int:
    """`wanted` if it is free on loopback, else one that is."""
    for candidate in ([wanted] if wanted else []) + [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on 127.0.0.1")


def say(text: str) -> None:
    """Progress, for a person who watches."""
    print(text, file=sys.stderr, flush=True)
