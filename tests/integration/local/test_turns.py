"""Two set-ups of one place at once: the second waits, says for what, and goes on when the first ends or is killed."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.datadir import turn

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from deploy.local.datadir import turn
with turn(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
    print("done", flush=True)
"""


def start(place: Path, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place), what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line(child: "subprocess.Popen[str]", of: str = "stdout") -> str:
    return str(getattr(child, of).readline()).strip()


def waits(child: "subprocess.Popen[str]") -> bool:
    """Whether the kernel has it waiting for a lock."""
    return any("->" in lock and f" {child.pid} " in lock for lock in Path("/proc/locks").read_text().splitlines())


@pytest.mark.parametrize("killed", [False, True])
def test_the_second_waits_and_says_for_what(tmp_path: Path, killed: bool) -> None:
    with start(tmp_path, "jianfu setup department parks") as first:
        assert line(first) == "held"
        with start(tmp_path, "jianfu setup department roads") as second:
            said = line(second, "stderr")
            assert f"waiting for another set-up of {tmp_path} to end" in said
            assert f"jianfu setup department parks (pid {first.pid})" in said
            deadline = time.monotonic() + 10
            while not waits(second):
                assert time.monotonic() < deadline
            if killed:
                first.kill()
            else:
                first.communicate("")
            assert line(second) == "held"
            second.communicate("")
    with turn(tmp_path, "third"):
        assert (tmp_path / "setup.lock").read_text() == f"third (pid {os.getpid()})\n"


def test_places_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with turn(tmp_path / "a", "one"), turn(tmp_path / "b", "two"):
        pass


def test_two_make_setups_of_one_folder(tmp_path: Path) -> None:
    """The second finds what the first has made, also when that one was killed right after."""
    for name in (".ci/setup", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("nothing-of-this-name==1\n")
    command, env = ["bash", str(tmp_path / ".ci" / "setup")], os.environ | {"PYTHON": sys.executable}
    with start(tmp_path / "build", "another make setup") as holder:
        assert line(holder) == "held"
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
            assert line(second) == (
                f"▶ set-up: waiting for another set-up of {tmp_path} to end (another make setup (pid {holder.pid}))"
            )
            made(tmp_path)
            holder.kill()
            out, err = second.communicate(timeout=20)
            assert (second.returncode, out) == (0, ""), err


def made(folder: Path) -> None:
    """What a set-up that has ended leaves behind."""
    about = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.version, sys.base_prefix)"], capture_output=True, check=True
    )
    parts = [(folder / name).read_bytes() for name in ("requirements/dev.txt", "pyproject.toml", ".ci/setup")]
    wanted = hashlib.sha256(b"".join([*parts, about.stdout, f"{folder}\n".encode()])).hexdigest()
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / ".venv" / ".set-up-for").write_text(f"{wanted}\n")
