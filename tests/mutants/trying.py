"""Apply each `*.patch` to a copy of the tree and require that the test it names fails.

A patch begins with lines `# breaks: …` and `# test: path::name`. The named tests are run unbroken too and must pass.
Caught is a mutant only when its test failed: a fixture that cannot be set up, or code that no longer imports, says
nothing about what the test would notice.

Each worker has one copy, one PostgreSQL and, if it needs it, one Kafka for all its mutants; each run of a named test is
a process of its own, and finds no database that an earlier one left.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from deploy.local.kafka import LocalKafka
from deploy.local.postgres import LocalPostgres
from tests.conftest import LENT, lend, open_folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHOSEN = "JIANFU_MUTANTS"  # the environment's names of those to try, with commas between them
FAILED = 1  # pytest's exit code when a test failed, or when its fixtures could not be set up
WITH_KAFKA = "tests/integration/common/"  # what is named there goes on one broker; any other starts one if it must
SHARES = 3  # of the named tests that need no broker
# What code raises that is broken outright: it would fail every test that comes near it.
NO_CODE = ("SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError", "NameError", "UnboundLocalError")


@dataclass(frozen=True)
class Mutant:
    """One patch, what it breaks, who must notice, and the files that it touches."""

    name: str
    file: Path
    breaks: str
    test: str
    touched: tuple[str, ...]


def read(file: Path) -> Mutant:
    """Raises ValueError when the patch does not say what it breaks and which test must fail."""
    text = file.read_text()
    found = {key: re.search(rf"^# {key}: (.+)$", text, re.MULTILINE) for key in ("breaks", "test")}
    if not all(found.values()):
        raise ValueError(f"{file.name}: expected lines '# breaks: …' and '# test: path::name'")
    breaks, test = (match[1].strip() for match in found.values() if match)
    touched = sorted(set(re.findall(r"^(?:---|\+\+\+) [ab]/(\S+)", text, re.MULTILINE)))
    return Mutant(file.stem, file, breaks, test, tuple(touched))


def chosen() -> list[Mutant]:
    """All mutants, or those that the environment names; next to each other those that one worker's broker may serve.

    Raises ValueError when there is none of a name.
    """
    mutants = {file.stem: read(file) for file in sorted(HERE.glob("*.patch"))}
    names = [name for name in os.environ.get(CHOSEN, "").split(",") if name] or list(mutants)
    if unknown := [name for name in names if name not in mutants]:
        raise ValueError(f"there is no mutant {unknown[0]!r}")
    return sorted((mutants[name] for name in names), key=lambda one: not one.test.startswith(WITH_KAFKA))


@dataclass(frozen=True)
class Ran:
    """A run of pytest: its exit code, what it printed, and the message of each test that failed or had an error."""

    code: int
    output: str
    failures: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def no_verdict(ran: Ran) -> str | None:
    """Why a run of the named test does not show that it noticed the break, or None."""
    if ran.code == 0:
        return "the test passes on the broken code"
    if ran.code != FAILED or not ran.failures:
        told = "".join(f"\n{error}" for error in ran.errors)
        return f"the test did not fail, it could not be run (pytest ended with {ran.code}):{told}\n{ran.output}"
    if broken := [failure for failure in ran.failures if failure.startswith(NO_CODE)]:
        return f"the broken code is no code: {broken[0]}"
    return None


@dataclass
class Tree:
    """A copy of the tracked and the new files of the tree as they stand, and the servers that its tests may use."""

    folder: Path
    postgres: LocalPostgres
    kafka: LocalKafka | None = None
    kept: frozenset[str] = field(default=frozenset())

    def copy(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        )
        for name in listed.stdout.decode().splitlines():
            if (ROOT / name).is_file():
                self.put(name)

    def put(self, name: str) -> None:
        """One file as it stands in the tree, where it may not exist; what Python compiled of another is removed."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target)
        else:
            target.unlink(missing_ok=True)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Remove what Python compiled: it knows a file by its second and its size, and a mutant may share both."""
        file = self.folder / name
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()

    def broken_by(self, mutant: Mutant) -> str | None:
        """Apply a patch; why that is not possible, or None."""
        applied = subprocess.run(
            ["git", "apply", "-p1", "-"],
            cwd=self.folder,
            input=mutant.file.read_bytes(),
            capture_output=True,
            check=False,
        )
        for name in mutant.touched:
            self.forget(name)
        return f"the patch no longer applies: {applied.stderr.decode().strip()}" if applied.returncode else None

    def run(self, tests: Iterable[str], *, templates: bool = True) -> Ran:
        """Run tests on the code of this copy. Without `templates` on databases migrated by it too."""
        asyncio.run(self.tidy(templates=templates))
        report = self.folder / "build" / "report.xml"
        report.parent.mkdir(exist_ok=True)
        report.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *tests,
        ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {LENT: lend(self.postgres, self.kafka)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, env=environment)
        if not templates:
            asyncio.run(self.tidy(templates=False))
        output = done.stdout[-3000:] + done.stderr[-1000:]
        if not report.exists():
            return Ran(done.returncode, output)
        tree = ET.parse(report)  # noqa: S314 - written by the pytest above
        failures, errors = (
            tuple(found.get("message", "") for found in tree.iter(what)) for what in ("failure", "error")
        )
        return Ran(done.returncode, output, failures, errors)

    async def tidy(self, *, templates: bool) -> None:
        """Drop the databases of earlier runs, but for migrated templates unless they are to be made anew."""
        conn = await asyncpg.connect(self.postgres.url())
        try:
            names = {row["datname"] for row in await conn.fetch("select datname from pg_database")}
            self.kept = self.kept or frozenset(names)
            for name in names - self.kept:
                if not (templates and name.startswith("template_")):
                    await conn.execute(f'drop database "{name}" with (force)')
        finally:
            await conn.close()


@pytest.fixture(scope="session")
def tree(postgres: LocalPostgres) -> Iterable[Tree]:
    """This worker's copy."""
    with open_folder() as folder:
        made = Tree(folder, postgres)
        made.copy()
        yield made


@pytest.fixture
def ready(tree: Tree, request: pytest.FixtureRequest) -> Callable[[str], Tree]:
    """`ready(test)`: the copy, with a broker when that test needs one."""

    def make(test: str) -> Tree:
        if test.startswith(WITH_KAFKA):
            tree.kafka = request.getfixturevalue("kafka")
        return tree

    return make


def shares() -> Iterable[tuple[str, ...]]:
    """The named tests, in some lists that are run side by side."""
    named = sorted({mutant.test for mutant in MUTANTS})
    kafka = tuple(test for test in named if test.startswith(WITH_KAFKA))
    others = [test for test in named if test not in kafka]
    return [share for share in (kafka, *(tuple(others[n::SHARES]) for n in range(SHARES))) if share]


MUTANTS = chosen()


@pytest.mark.parametrize("tests", [pytest.param(share, id=str(n)) for n, share in enumerate(shares())])
def test_the_named_tests_pass_on_the_code_as_it_is(ready: Callable[[str], Tree], tests: tuple[str, ...]) -> None:
    ran = ready(tests[0]).run(tests)
    assert ran.code == 0, ran.output


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in MUTANTS])
def test_a_mutant_is_caught(ready: Callable[[str], Tree], mutant: Mutant) -> None:
    tree = ready(mutant.test)
    try:
        assert tree.broken_by(mutant) is None
        ran = tree.run([mutant.test], templates=not any("/migrations/" in name for name in mutant.touched))
    finally:
        for name in mutant.touched:
            tree.put(name)
    why = no_verdict(ran)
    assert why is None, f"{mutant.breaks}: {mutant.test}: {why}"
    print(f"{mutant.breaks}: {mutant.test}: caught: {ran.failures[0].splitlines()[0][:100]}")
