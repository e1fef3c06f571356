"""Small rooms with honest names: no module over 400 lines, no drawer for everything."""

from pathlib import Path

from tests.architecture.tree import ROOT, below

FOLDERS = ("services", "libs", "deploy")
MODULE_LINES = 400
# What may be longer, and why; a length in it is a budget too.
LONGER = {
    # One file on purpose: whoever checks a case file years from now has this and nothing of the repository. It knows
    # every rule by which a log was ever led.
    "deploy/verify/jianfu_verify.py": 1303,
}
DRAWERS = ("util", "helper", "base", "manager", "misc")


def check(root: Path = ROOT) -> list[str]:
    """Modules that are too long, and file names that say nothing."""
    problems = []
    for path in below(root, *FOLDERS, suffix=".py"):
        lines = len(path.read_text().splitlines())
        most = LONGER.get(path.relative_to(root).as_posix(), MODULE_LINES)
        if lines > most:
            problems.append(f"{path.relative_to(root)}: {lines} lines; split it by noun, {most} is the limit")
    for folder in (*FOLDERS, "tests", "examples", "benchmarks"):
        for path in below(root, folder, suffix=".py"):
            words = path.stem.strip("_").lower().split("_")
            drawer = next((d for d in DRAWERS for w in words if w in (d, f"{d}s")), None)
            if drawer:
                problems.append(
                    f"{path.relative_to(root)}: {drawer!r} names a drawer, not a thing; name it by its noun"
                )
    return problems
