"""Named crash points: places where a test may kill the process, armed from a file, never in production."""

import os
import signal
from pathlib import Path

_armed: set[str] = set()
_sent: set[str] = set()  # points behind a commit that the database has been sent and not answered yet
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


def commit_sent(name: str) -> None:
    """From here on a death anywhere in the process is also one at `name`, which stands behind the commit."""
    if name in _armed:
        _sent.add(name)


def commit_answered(name: str) -> None:
    """The commit came to its end, whichever."""
    _sent.discard(name)


def point(name: str) -> None:
    """Die here by SIGKILL, once, if this name is armed; what was written before is what survives.

    A commit that was sent is carried out though nobody hears the answer, and is never made again: its point would never
    be met, so it dies with this one.
    """
    if name not in _armed or _fired is None:
        return
    with _fired.open("a") as log:
        log.write("".join(f"{fired}\n" for fired in sorted({name} | _sent)))
        log.flush()
        os.fsync(log.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
