"""Run all tests part by part and say how long each part took.

Every part runs, also after one that failed. A part prints its twenty slowest tests. The last line is the sum of all
parts, in the form of pytest's closing line.
Usage: python -m tests.parts [part …]
"""

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTEST = (sys.executable, "-m", "pytest", "--durations=20", "--durations-min=0.5")
SIDE_BY_SIDE = ("--dist=loadfile",)


@dataclass(frozen=True)
class Part:
    """A command of its own; one of pytest is given a file for its report."""

    name: str
    command: tuple[str, ...]


def tests(name: str, *arguments: str) -> Part:
    return Part(name, (*PYTEST, *arguments))


# Pure tests fill a core each. Those of services wait for databases and brokers most of the time, so that more of them
# than there are cores run at once. Whole stacks are heavy, and the attacks that hold them to times run alone.
PARTS = (
    Part("lint", ("make", "lint")),
    tests("pure", "-n2", "--dist=worksteal", "tests/architecture", "tests/unit", "tests/contract"),
    tests(
        "integration",
        "-n4",
        *SIDE_BY_SIDE,
        "tests/integration",
        "tests/migration",
        "tests/recipes",
        "tests/attack/decommission",
        "tests/attack/monitor",
    ),
    tests("acceptance", "-n3", *SIDE_BY_SIDE, "--no-loadscope-reorder", "tests/acceptance"),
    tests("attack", "tests/attack", "--ignore=tests/attack/decommission", "--ignore=tests/attack/monitor"),
    Part("mutants", (sys.executable, "-m", "tests.mutants", "--durations=20")),
)


@dataclass
class Counts:
    """What parts came to; `errors` are fixtures that could not be set up, and parts that ended without a report."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: int = 0

    def add(self, other: "Counts") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        told = [
            f"{count} {'error' if (name, count) == ('errors', 1) else name}"
            for name, count in vars(self).items()
            if count
        ]
        return ", ".join(told) or "no tests ran"


def read(report: Path) -> Counts:
    """The counts of a report that pytest wrote; none when it wrote none."""
    counts = Counts()
    if report.exists():
        for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - written by the pytest that just ended
            of = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
            passed = of["tests"] - of["failures"] - of["errors"] - of["skipped"]
            counts.add(Counts(passed, of["failures"], of["skipped"], of["errors"]))
    return counts


def run(part: Part, report: Path) -> tuple[int, Counts]:
    """Run one part; its exit code and its counts. A part that fails without a failed test is an error."""
    command = [*part.command, *([] if part.command[0] == "make" else [f"--junitxml={report}"])]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    counts = read(report)
    if code and not counts.failed and not counts.errors:
        counts.errors = 1
    return code, counts


def main(names: list[str]) -> int:
    known = {part.name: part for part in PARTS}
    if unknown := [name for name in names if name not in known]:
        print(f"no part is called {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    total, failed, lines, begun = Counts(), False, [], time.monotonic()
    for part in [known[name] for name in names] or PARTS:
        print(f"▶ {part.name}", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            code, counts = run(part, Path(scratch) / "report.xml")
        total.add(counts)
        failed = failed or code != 0
        mark = "✘" if code else "✔"
        lines.append(
            f"{mark} {part.name:<12} {time.monotonic() - started:6.0f} s  {'' if counts == Counts() else counts}"
        )
    print("\n" + "\n".join(line.rstrip() for line in lines), flush=True)
    print(f" {total} in {time.monotonic() - begun:.2f}s ".center(80, "="), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
