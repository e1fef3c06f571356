"""How the supervisor treats a service that ends: its own fault, a kill from outside, what it leaves behind."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import subprocesses
from deploy.local.supervised import FAULTS, YOUNG, Service
from deploy.terminal import StackError
from tests.kit.waiting import eventually


def service(tmp_path: Path, code: str) -> Service:
    return Service("try", ("-c", code), 0, tmp_path / "try.log", dict(os.environ))


def fall(each: Service, now: float) -> float:
    """Let it end, let the supervisor see it, and answer when it may start again."""
    assert each.child is not None
    os.waitid(os.P_PID, each.child.pid, os.WEXITED | os.WNOWAIT)
    each.look(now)
    return each.again_at


def test_what_cannot_start_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    each = service(tmp_path, "raise SystemExit('a setting is wrong')")
    now, pauses = 100.0, []
    each.start(now)
    for _ in range(FAULTS - 1):
        again = fall(each, now + 1)
        pauses.append(again - now - 1)
        assert each.child is None, "it was started again without a pause"
        now = again
        assert each.look(now)
    with pytest.raises(StackError, match=r"cannot start(.|\n)*a setting is wrong"):
        fall(each, now + 1)
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] < pauses[-1] <= 3


def test_what_is_killed_from_outside_comes_back_at_once_and_for_ever(tmp_path: Path) -> None:
    each = service(tmp_path, "import time; time.sleep(600)")
    each.start(0.0)
    seen = set()
    for number in range(FAULTS + 2):
        assert each.child is not None
        seen.add(each.pid)
        os.kill(each.pid, signal.SIGKILL)
        fall(each, number + 1.0)
    assert len(seen) == FAULTS + 2
    each.end(5)


def test_a_failure_long_after_the_start_is_a_first_one(tmp_path: Path) -> None:
    each = service(tmp_path, "raise SystemExit(1)")
    now = 0.0
    each.start(now)
    for _ in range(FAULTS + 1):
        assert fall(each, now + YOUNG + 1) == now + YOUNG + 1
        now += YOUNG + 1
    each.end(5)


async def test_what_a_killed_service_had_started_ends_with_it(tmp_path: Path, alive: Callable[[int], bool]) -> None:
    """An archive is written by a child of its own; two of them at work on one folder would be a race."""
    code = (
        "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(c.pid, flush=True); time.sleep(600)"
    )
    each = service(tmp_path, code)
    each.start(0.0)
    grandchild = int(await eventually(lambda: each.log.exists() and each.log.read_text().strip()))
    os.kill(each.pid, signal.SIGKILL)
    fall(each, 1.0)
    await eventually(lambda: not alive(grandchild), 5)
    each.end(5)


def test_the_port_wanted_is_kept_while_it_is_free(tmp_path: Path) -> None:
    first = subprocesses.port()
    assert subprocesses.port(first) == first
    kernels_own = int(subprocesses.EPHEMERAL.read_text().split()[0])
    assert first < kernels_own, "a connection of the kernel's choosing could take a port that is to come back"
    holder = service(
        tmp_path, f"import socket, time; s = socket.create_server(('127.0.0.1', {first})); time.sleep(600)"
    )
    holder.start(0.0)
    end = time.monotonic() + 10
    while subprocesses.port(first) == first and time.monotonic() < end:
        time.sleep(0.02)
    assert subprocesses.port(first) != first
    holder.end(5)
