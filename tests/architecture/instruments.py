"""Only a `metrics.py` makes an instrument: one list of them per service, with meaning and labels, is all there is."""

import ast
from pathlib import Path

from tests.architecture.tree import ROOT, below

MAKERS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
THROUGH = "libs/common/telemetry/instruments.py"


def check(root: Path = ROOT) -> list[str]:
    """Instruments that are made elsewhere, as `path:line: …`."""
    problems = []
    for path in below(root, "libs", "services", "deploy", suffix=".py"):
        name = path.relative_to(root).as_posix()
        if name == THROUGH:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            taken: set[str] = set()
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client"):
                taken = {alias.name for alias in node.names} & MAKERS
            elif isinstance(node, ast.Import):
                taken = {alias.name for alias in node.names if alias.name.startswith("prometheus_client")}
            elif isinstance(node, ast.ImportFrom) and node.module == "libs.common.telemetry.instruments":
                taken = {alias.name for alias in node.names} if path.name != "metrics.py" else set()
            problems += [
                f"{name}:{getattr(node, 'lineno', 0)}: {each}: instruments are made in a metrics.py alone"
                for each in sorted(taken)
            ]
    return problems
