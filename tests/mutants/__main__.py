"""Apply each `*.patch` to a copy of the tree and require that the test it names fails.

A patch begins with lines `# breaks: …` and `# test: path::name`. The named tests are first run unbroken and must pass.
Usage: python -m tests.mutants [name …]
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAILED = 1  # pytest's exit code for tests that ran and failed; anything else is no verdict


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


def run(folder: Path, tests: list[str]) -> tuple[int, str]:
    """pytest's exit code and what it printed; the folder's own code is what is imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


def survives(mutant: Mutant) -> str | None:
    """Why a mutant was not caught, or None."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        copy(folder)
        applied = subprocess.run(
            ["git", "apply", "-p1", "-"], cwd=folder, input=mutant.file.read_bytes(), capture_output=True,
            check=False,
        )  # fmt: skip
        if applied.returncode:
            return f"the patch no longer applies: {applied.stderr.decode().strip()}"
        code, output = run(folder, [mutant.test])
    if code == FAILED:
        return None
    return "the test passes on the broken code" if code == 0 else f"pytest ended with {code}:\n{output}"


def main() -> int:
    mutants = [read(file) for file in sorted(HERE.glob("*.patch"))]
    if chosen := set(sys.argv[1:]):
        mutants = [mutant for mutant in mutants if mutant.name in chosen]
    tests = sorted({mutant.test for mutant in mutants})
    print(f"{len(mutants)} mutants, {len(tests)} tests; first the tests on the code as it is", flush=True)
    code, output = run(ROOT, tests)
    if code != 0:
        print(output)
        return 1
    missed = 0
    for mutant in mutants:
        begun = time.monotonic()
        why = survives(mutant)
        missed += why is not None
        verdict = "caught" if why is None else f"MISSED: {why}"
        print(
            f"{time.monotonic() - begun:5.1f} s  {mutant.name}: {mutant.breaks}\n         {mutant.test}: {verdict}",
            flush=True,
        )
    print(f"{len(mutants) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
