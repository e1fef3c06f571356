"""What the command says when it cannot do as asked: one line that tells what to do, never a traceback."""

import os
import shlex
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from deploy.local import datadir, subprocesses
from deploy.local.datadir import HERE, typed
from deploy.terminal import StackError

ROOT = Path(__file__).parents[3]


def jianfu(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli.app", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"JIANFU_CACHE_DIR": "/dev/null/none"},  # what gets as far as the jars fails
    )


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line, after progress."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file/data" in refused(jianfu("up", "--data", tmp_path / "file" / "data"))


def test_a_port_that_is_taken_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", subprocesses.port())) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refused(jianfu("up", "--data", tmp_path / "d", "--port", str(port)))
    assert not (tmp_path / "d" / "postgres").exists()
    assert "65535" in jianfu("up", "--data", tmp_path / "d", "--port", "99999").stderr


def test_nothing_runs_there(tmp_path: Path) -> None:
    assert "nothing runs" in refused(jianfu("status", "--data", tmp_path))
    assert "no stack has been made" in refused(jianfu("token", "--role", "viewer", "--data", tmp_path))
    assert jianfu("down", "--data", tmp_path).returncode == 0


def test_it_says_its_version_and_what_each_command_takes() -> None:
    assert jianfu("--version").stdout == f"jianfu {metadata.version('jianfu')}\n"
    whole = jianfu("-h")
    assert whole.returncode == 0
    for command in ("up", "sweep", "import", "case", "alarms", "kill-switch"):
        assert f" {command} " in whole.stdout, command
        assert jianfu(command, "-h").stdout == jianfu(command, "--help").stdout != "", command
    within = f'"{Path(sys.executable).with_name("jianfu")}" --show-completion bash; exit $?'  # it looks for its shell
    shown = subprocess.run(
        ["bash", "-c", within],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "_JIANFU_COMPLETE=complete_bash" in shown.stdout


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (("status",), "up"),
        (("sweep",), "up"),
        (("alarms", "--json"), "up"),
        (("setup", "department", "parks"), "up"),
        (("token", "--role", "viewer"), "up"),
        (("case", "list"), "up"),
        (("case", "key"), "up"),
        (("kill-switch", "--reason", "it's late"), "kill-switch on"),
    ],
)
@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_hint_names_its_command_as_it_must_be_typed(
    tmp_path: Path, command: tuple[str, ...], hint: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed as it stands, by a shell, it is about the same data directory, blanks in its name and all."""
    data = tmp_path / "my data"
    named: tuple[str | Path, ...] = ("--data", data)
    if how == "environment":
        monkeypatch.setenv("JIANFU_DATA", str(data))
        named = ()
    told = refused(jianfu(*command, *named)).split("`")
    assert len(told) == 3, told
    typed = shlex.split(told[1])
    assert typed[: 1 + len(hint.split())] == ["jianfu", *hint.split()]
    assert typed[typed.index("--data") + 1] == str(data)
    if hint == "kill-switch on":
        assert typed[-2:] == ["--reason", "it's late"]


def test_a_hint_for_another_address_names_it(tmp_path: Path) -> None:
    told = refused(jianfu("kill-switch", "--reason", "r", "--address", "https://jianfu.example", "--token", "t"))
    assert "`jianfu kill-switch on --address https://jianfu.example --reason r`" in told
    assert typed("down", HERE) == "`jianfu down`"
    assert typed("down", HERE.resolve()) == "`jianfu down`"


def test_a_directory_that_is_held_names_it_too(tmp_path: Path) -> None:
    with datadir.claim(tmp_path), pytest.raises(StackError) as told, datadir.claim(tmp_path):
        pass
    assert f"`jianfu status --data {tmp_path}`, `jianfu down --data {tmp_path}`" in str(told.value)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full leaves the old one; a password that was never written is made anew."""
    file = tmp_path / "x.password"
    first = datadir.secret(file)
    assert file.stat().st_mode & 0o077 == 0

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            datadir.put(file, "new")
        with pytest.raises(OSError, match="No space"):
            datadir.secret(tmp_path / "y.password")
    assert datadir.secret(file) == first
    assert len(datadir.secret(tmp_path / "y.password")) > 20
