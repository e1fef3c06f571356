"""Small rooms with honest names: no module over 300 lines, no drawer for everything, a budget for the plumbing."""

from pathlib import Path

from tests.architecture.tree import ROOT, below

FOLDERS = ("services", "libs", "deploy")
MODULE_LINES = 300
PLUMBING_LINES = 2200  # docs/decisions/0016: what the plumbing does once, three services do not do three times
DRAWERS = ("util", "helper", "base", "manager", "misc")


def check(root: Path = ROOT) -> list[str]:
    """Modules that are too long, file names that say nothing, and a common library that grew too fat."""
    problems = []
    for path in below(root, *FOLDERS, suffix=".py"):
        lines = len(path.read_text().splitlines())
        if lines > MODULE_LINES:
            problems.append(f"{path.relative_to(root)}: {lines} lines; split it by noun, {MODULE_LINES} is the limit")
    for folder in (*FOLDERS, "tests", "examples", "benchmarks"):
        for path in below(root, folder, suffix=".py"):
            words = path.stem.strip("_").lower().split("_")
            drawer = next((d for d in DRAWERS for w in words if w in (d, f"{d}s")), None)
            if drawer:
                problems.append(
                    f"{path.relative_to(root)}: {drawer!r} names a drawer, not a thing; name it by its noun"
                )
    if (spent := plumbing(root)) > PLUMBING_LINES:
        problems.append(f"libs/common: {spent} lines outside events/; the budget is {PLUMBING_LINES}")
    return problems


def plumbing(root: Path = ROOT) -> int:
    """Lines of libs/common outside the published language."""
    return sum(
        len(path.read_text().splitlines())
        for path in below(root, "libs", suffix=".py")
        if "events" not in path.relative_to(root).parts
    )
