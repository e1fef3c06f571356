"""The emitter that departments copy, against a whole stack: taken, refused, patient while the other side is away."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.local import subprocesses
from tests.acceptance.running import Running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "emitter"


def event(name: str, **more: Any) -> str:
    data = {
        "source": "emitter",
        "on": "2000-01-01",
        "kind": "account",
        "platform": "X",
        "address": f"https://x.com/{name}",
        "name": name,
        "language": "en",
        "sponsor": {"scheme": "ca-name", "value": "E", "name": "E", "language": "en"},
    } | more
    return json.dumps({"id": name, "type": "asset.declared", "data": data})


class Emitter:
    """A copy of the folder, alone, run by a Python that finds nothing of this repository."""

    def __init__(self, folder: Path, stack: Running) -> None:
        shutil.copytree(EXAMPLE, folder / "copy")
        self.folder, self.stack = folder / "copy", stack
        (self.folder / "token").write_text(stack.token("registrar"))

    def start(self, *lines: str, url: str | None = None, more: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        (self.folder / "mine.jsonl").write_text("\n".join(lines) + "\n")
        command = [
            sys.executable,
            "-I",
            "emitter.py",
            "mine.jsonl",
            "--url",
            url or self.stack.state["address"],
            "--token-file",
            "token",
            "--source",
            "/emitter",
            "--give-up",
            "60",
            *more,
        ]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": "/bin"}
        )

    def run(self, *lines: str, **more: Any) -> tuple[int, str, str]:
        with self.start(*lines, **more) as child:
            out, err = child.communicate(timeout=90)
        return child.returncode, out, err


@pytest.fixture
def emitter(tmp_path: Path, stack: Running) -> Emitter:
    return Emitter(tmp_path, stack)


def listed(stack: Running) -> set[str]:
    with stack.client("viewer") as http:
        found = http.get("/registry/v1/assets", params={"source": "emitter", "limit": 500}).json()["items"]
    return {asset["identity"] for asset in found}


def test_what_is_good_is_taken_and_what_is_not_is_shown(emitter: Emitter, stack: Running) -> None:
    """By the schema before it is sent, by the registry after; the rest is taken, and taken again changes nothing."""
    lines = (
        event("emit_a"),
        event("emit_b", nmae="x"),
        event("emit_c", on="2099-01-01"),
        "no json",
        event("emit_d"),
    )
    code, out, err = emitter.run(*lines)
    assert (code, re.findall(r"行 (\d): (\w+): (\w+)", out)) == (
        1,
        [("1", "emit_a", "registered"), ("5", "emit_d", "registered")],
    ), err
    assert "line 行 2: emit_b: not sent" in err
    assert "'nmae'" in err
    assert "line 行 4: None: not sent" in err
    assert re.search(r"line 行 3: emit_c: refused 拒绝: .*尚未到来.*has not come yet", err)
    assert {"emit_a", "emit_d"} <= listed(stack)
    assert not {"emit_b", "emit_c"} & listed(stack)
    again = emitter.run(event("emit_a"))
    assert (again[0], again[1]) == (0, out.splitlines()[0] + "\n")


def test_a_token_that_is_not_good_is_said(emitter: Emitter) -> None:
    (emitter.folder / "token").write_text("nobody's")
    code, _, err = emitter.run(event("emit_e"))
    assert (code, "refused 拒绝: 401" in err) == (1, True), err
    assert "trying again" not in err


def test_more_than_one_batch(emitter: Emitter, stack: Running) -> None:
    names = [f"emit_m{n}" for n in range(101)]
    code, out, err = emitter.run(*map(event, names))
    assert (code, len(out.splitlines())) == (0, 101), err
    assert set(names) <= listed(stack)


async def test_it_waits_while_jianfu_is_away(emitter: Emitter, stack: Running) -> None:
    """Nothing listens there at first; what comes up later takes the event. Where nothing ever comes, it says so."""
    port = subprocesses.port()
    with emitter.start(event("emit_f"), url=f"http://127.0.0.1:{port}") as child:
        assert child.stderr is not None
        assert "trying again" in child.stderr.readline()
        assert "emit_f" not in listed(stack)
        with closing(relay(port, int(stack.state["address"].rpartition(":")[2]))):
            out, err = child.communicate(timeout=60)
    assert (child.returncode, "emit_f: registered" in out) == (0, True), err
    code, out, err = emitter.run(event("emit_g"), url=f"http://127.0.0.1:{port}", more=("--give-up", "2"))
    assert (code, out, "given up" in err) == (2, "", True)


async def test_it_waits_while_the_broker_is_away(emitter: Emitter, stack: Running) -> None:
    """The broker is killed; `jianfu up` starts it again, and the client sends what it held."""
    kafka = stack.state["kafka"]
    more = (
        "--kafka",
        kafka["bootstrap_servers"],
        "--kafka-user",
        "intake",
        "--kafka-protocol",
        "SASL_PLAINTEXT",
        "--kafka-mechanism",
        "PLAIN",
        "--kafka-password-file",
        kafka["password_files"]["intake"],
    )
    code, out, err = emitter.run(event("emit_h"), event("emit_b", nmae="x"), more=more)
    assert (code, "emit_h: in Kafka" in out, "'nmae'" in err) == (1, True, True), err
    os.kill(kafka["pid"], signal.SIGKILL)
    with emitter.start(event("emit_i"), more=more) as child:
        out, err = child.communicate(timeout=120)
    assert (child.returncode, "emit_i: in Kafka" in out) == (0, True), err
    assert "the client tries again" in err
    await eventually(lambda: {"emit_h", "emit_i"} <= listed(stack), 90, every=0.5)


def relay(port: int, onward: int) -> socket.socket:
    """Listen on a port and pass on to another, both ways, until it is closed."""
    listening = socket.create_server(("127.0.0.1", port))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", onward))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listening


def test_it_needs_what_its_requirements_say_and_nothing_else() -> None:
    """In the versions that it is tried with here."""
    named = [line for line in (EXAMPLE / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = (ROOT / "requirements" / "dev.txt").read_text()
    assert all(f"\n{line} \\\n" in pinned for line in named)
    tree = ast.parse((EXAMPLE / "emitter.py").read_text())
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [])
        + ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }
    packages = {line.partition("==")[0].replace("-", "_") for line in named}
    assert modules - packages - sys.stdlib_module_names == set()
    assert packages <= modules
