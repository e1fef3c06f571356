"""Apply each `*.patch` to a copy of the tree and require that the test it names fails.

A patch begins with lines `# breaks: …` and `# test: path::name`. The named tests are first run unbroken and must pass.
Caught is a mutant only when its test failed: a fixture that cannot be set up, or code that no longer imports, says
nothing about what the test would notice.
Usage: python -m tests.mutants [name …]
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAILED = 1  # pytest's exit code when a test failed, or when its fixtures could not be set up
# What code raises that is broken outright: it would fail every test that comes near it.
NO_CODE = ("SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError", "NameError", "UnboundLocalError")


@dataclass(frozen=True)
class Mutant:
    """One patch, what it breaks and who must notice."""

    name: str
    file: Path
    breaks: str
    test: str


def read(file: Path) -> Mutant:
    """Raises ValueError when the patch does not say what it breaks and which test must fail."""
    text = file.read_text()
    found = {key: re.search(rf"^# {key}: (.+)$", text, re.MULTILINE) for key in ("breaks", "test")}
    if not all(found.values()):
        raise ValueError(f"{file.name}: expected lines '# breaks: …' and '# test: path::name'")
    breaks, test = (match[1].strip() for match in found.values() if match)
    return Mutant(file.stem, file, breaks, test)


def copy(to: Path) -> None:
    """The tracked and the new files of the tree, as they stand."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().splitlines():
        source = ROOT / name
        if source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)


@dataclass(frozen=True)
class Ran:
    """A run of pytest: its exit code, what it printed, and the message of each test that failed or had an error."""

    code: int
    output: str
    failures: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def run(folder: Path, tests: list[str]) -> Ran:
    """Run tests; the folder's own code is what is imported."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--junitxml={report}", *tests,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        output = done.stdout[-3000:] + done.stderr[-1000:]
        if not report.exists():
            return Ran(done.returncode, output)
        tree = ET.parse(report)  # noqa: S314 - written by the pytest above
    failures, errors = (
        tuple(found.get("message", "") for found in tree.iter(what)) for what in ("failure", "error")
    )  # fmt: skip
    return Ran(done.returncode, output, failures, errors)


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


def try_out(mutant: Mutant) -> tuple[bool, str]:
    """Whether a mutant was caught, and what the test said or why that is no verdict."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        copy(folder)
        applied = subprocess.run(
            ["git", "apply", "-p1", "-"], cwd=folder, input=mutant.file.read_bytes(), capture_output=True,
            check=False,
        )  # fmt: skip
        if applied.returncode:
            return False, f"the patch no longer applies: {applied.stderr.decode().strip()}"
        ran = run(folder, [mutant.test])
    why = no_verdict(ran)
    return why is None, why or ran.failures[0].splitlines()[0][:100]


def main() -> int:
    mutants = [read(file) for file in sorted(HERE.glob("*.patch"))]
    if chosen := set(sys.argv[1:]):
        mutants = [mutant for mutant in mutants if mutant.name in chosen]
    tests = sorted({mutant.test for mutant in mutants})
    print(f"{len(mutants)} mutants, {len(tests)} tests; first the tests on the code as it is", flush=True)
    begun = time.monotonic()
    ran = run(ROOT, tests)
    if ran.code != 0:
        print(ran.output)
        return 1
    print(f"{time.monotonic() - begun:5.1f} s", flush=True)
    missed = 0
    for mutant in mutants:
        begun = time.monotonic()
        caught, why = try_out(mutant)
        missed += not caught
        verdict = f"{'caught' if caught else 'MISSED'}: {why}"
        print(
            f"{time.monotonic() - begun:5.1f} s  {mutant.name}: {mutant.breaks}\n         {mutant.test}: {verdict}",
            flush=True,
        )
    print(f"{len(mutants) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
