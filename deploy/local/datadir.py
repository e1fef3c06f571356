"""What a data directory tells about its stack: who runs it, where everything is, what it was made with."""

import fcntl
import json
import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.terminal import StackError, say

HERE = Path(".jianfu")
Data = Annotated[Path, typer.Option("--data", envvar="JIANFU_DATA", help="where the stack keeps everything 数据目录")]


def typed(command: str, data: Path, **options: str | None) -> str:
    """A command of ours as a hint names it: as it must be typed here, on this data directory and with these options.

    Whoever named no directory need not name it, and an option that is None was not given.
    """
    given = {"data": None if data.resolve() == HERE.resolve() else str(data)} | options
    named = [f"--{name} {shlex.quote(value)}" for name, value in given.items() if value is not None]
    return f"`{' '.join(['jianfu', command, *named])}`"


@contextmanager
def turn(folder: Path, what: str) -> Iterator[None]:
    """Be the only set-up of a folder; another one is waited for, and while that lasts it is said which.

    The kernel lets the next one in when a set-up ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "setup.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            say(f"waiting for another set-up of {folder} to end 等待另一项设立完成: {lock.read().strip()}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"{what} (pid {os.getpid()})\n")
        lock.flush()
        yield


@contextmanager
def claim(data: Path) -> Iterator[None]:
    """Hold a data directory while running on it. The kernel lets go when the process ends, however it ends.

    Raises StackError when another process holds it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise StackError(
                f"a stack already runs on {data} (pid {lock.read().strip()}): see {typed('status', data)}, "
                f"{typed('down', data)}, or choose another place with --data"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(data: Path) -> int | None:
    """The process that runs on a data directory; None when nobody does, whatever old files say."""
    file = data / "up.lock"
    if not file.exists():
        return None
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = lock.read().strip()
            return int(text) if text else None
    return None


def state(data: Path) -> dict[str, Any]:
    """What the running stack wrote of itself. Raises StackError when none runs or it is still starting."""
    if holder(data) is None:
        raise StackError(f"nothing runs on {data}; {typed('up', data)} starts it")
    file = data / "stack.json"
    if not file.exists():
        raise StackError(f"the stack on {data} is still starting, or stopping")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def write(file: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one go; only its owner may read it."""
    put(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def put(file: Path, text: str) -> None:
    """Replace a file in one go: a full disk or a kill leaves the old one, never half of the new; 0600."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)


def secret(file: Path) -> str:
    """The password in a file, made on first use; an empty file is one that a full disk left behind."""
    text = file.read_text().strip() if file.exists() else ""
    if not text:
        text = secrets.token_urlsafe(24)
        file.parent.mkdir(parents=True, exist_ok=True)
        put(file, text)
    return text


def read(file: Path) -> dict[str, Any]:
    """The content of such a file, empty when there is none."""
    content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return content
