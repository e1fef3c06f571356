"""Named crash points: places where a test may kill the process, armed from a file, never in production."""

import os
import signal
from pathlib import Path

_armed: set[str] = set()
_fired: Path | None = None


def arm(points: Path | None, fired: Path | None, *, profile: str) -> None:
    """Arm every name in `points` that `fired` does not list yet.

    Raises ValueError outside the local profile: no production process may be told to die.
    """
    global _fired
    if points is None and fired is None:
        return
    if points is None or fired is None:
        raise ValueError("crash points need both JIANFU_CRASH_POINTS and JIANFU_CRASH_FIRED")
    if profile != "local":
        raise ValueError("crash points may be armed only with JIANFU_PROFILE=local")
    done = set(fired.read_text().split()) if fired.exists() else set()
    _fired = fired
    _armed.update(set(points.read_text().split()) - done)


def point(name: str) -> None:
    """Die here by SIGKILL, once, if this name is armed; what was written before is what survives."""
    if name not in _armed or _fired is None:
        return
    with _fired.open("a") as log:
        log.write(name + "\n")
        log.flush()
        os.fsync(log.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
