"""The main job in small: three weeks of the real register with short windows, from its start to its digest.

The same input gives the same rows, whatever was killed on the way; one changed line of it gives others.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, open_folder

pytestmark = pytest.mark.acceptance
EXAMPLE = ROOT / "examples" / "canada-register"
REGISTER = EXAMPLE / "data" / "register-2024-10-24.csv"
WINDOWS = {
    "answer_days": 2,
    "announce_days": 2,
    "verify_days": 2,
    "restore_days": 3,
    "min_answer_days": 1,
    "key_age_days": 1,
}


@dataclass(frozen=True)
class Run:
    """One run of the demo: what it printed and what it wrote."""

    code: int
    said: str
    told: dict[str, Any]

    @property
    def digest(self) -> str:
        return re.findall(r"^digest: ([0-9a-f]{64})$", self.said, re.MULTILINE)[0]


def run(folder: Path, *more: str) -> Run:
    told = folder / "demo.json"
    command = [
        sys.executable,
        str(EXAMPLE / "demo.py"),
        "--days",
        "20",
        "--windows",
        json.dumps(WINDOWS),
        "--data",
        str(folder / "data"),
        "--json",
        str(told),
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert told.exists(), done.stdout + done.stderr
    return Run(done.returncode, done.stdout + done.stderr, json.loads(told.read_text()))


@pytest.fixture(scope="module")
def plain() -> Iterator[Run]:
    """The run that the others are held against."""
    with open_folder() as folder:
        yield run(folder)


def test_every_number_is_the_one_computed_before(plain: Run) -> None:
    assert plain.code == 0, plain.said
    assert plain.told["faults"] == []
    table = {line["name"]: line["measured"] for line in plain.told["table"]}
    assert all(line["agrees"] for line in plain.told["table"])
    ends = ("closed and verified", "restored", "kept", "fixed", "refuted", "held", "undelivered", "unverified")
    assert {name: table[name] for name in ends if table[name] == 0} == {}, "the small play shows every end of a case"
    assert (table["opened while blind"], table["cleared while blind"]) == (0, 0)
    assert plain.digest == plain.told["digest"]
    assert "VERIFIES: nothing in it contradicts its signatures or the rules" in plain.said
    assert "the archive package is the one recorded, whole" in plain.said
    assert "the unit's key signed the receipt" in plain.said


def test_the_digest_is_the_same_when_each_service_is_killed_once(plain: Run) -> None:
    with open_folder() as folder:
        killed = run(folder, "--kill-each-once")
    assert killed.code == 0, killed.said
    assert killed.told["killed"] == ["registry", "monitor", "decommission"]
    assert killed.told["digest_tables"] == plain.told["digest_tables"]
    assert killed.digest == plain.digest


def test_the_digest_differs_when_one_line_of_the_input_does(plain: Run) -> None:
    text = REGISTER.read_text()
    assert text.count("\nCanadianPM,X,") == 1
    with open_folder() as folder:
        changed = folder / "register.csv"
        changed.write_text(text.replace("\nCanadianPM,X,", "\nThe Prime Minister,X,"))
        other = run(folder, "--register", str(changed))
    assert other.code == 0, other.said
    assert other.digest != plain.digest
    tables, before = other.told["digest_tables"], plain.told["digest_tables"]
    differing = {name for name in before if tables[name] != before[name]}
    assert {"registry.assets", "registry.asset_versions"} <= differing
    assert not {name for name in differing if name.startswith("decommission.case")}
