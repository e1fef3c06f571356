"""Two kinds of time: business time is an argument; the machine's clock is read only where a line says so.

A line that reads the machine's clock carries `# machine time` (Python) or `-- machine time` (SQL).
"""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT, below

FOLDERS = ("services", "libs", "deploy", "examples")
_CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
}
_SQL_CLOCK = re.compile(
    r"\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|current_date\b|current_timestamp\b|current_time\b|localtimestamp\b|localtime\b)"
    r"|'(?:now|today|tomorrow|yesterday)'\s*::|\b(?:date|timestamp|timestamptz)\s+'(?:now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
_SQL_IN_PYTHON = re.compile(
    r"\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)"
    r"|current_date\b|current_timestamp\b|localtimestamp\b)",
    re.IGNORECASE,
)


def check(root: Path = ROOT) -> list[str]:
    """Every unmarked reading of a clock, as `path:line: what`."""
    problems = []
    for path in below(root, *FOLDERS, suffix=".py"):
        problems += [f"{path.relative_to(root)}:{line}: {what}" for line, what in python(path.read_text())]
    for path in below(root, *FOLDERS, suffix=".sql"):
        problems += [f"{path.relative_to(root)}:{line}: {what}" for line, what in sql(path.read_text())]
    return problems


def python(text: str) -> list[tuple[int, str]]:
    """Unmarked clocks of one module, whatever names it imported them under."""
    tree = ast.parse(text)
    lines = text.splitlines()
    origins = _origins(tree)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = _dotted(node, origins)
            if name in _CLOCKS and not _marked(lines, node):
                found.append((node.lineno, f"{name} is machine time; take the instant as an argument"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            hit = _SQL_IN_PYTHON.search(node.value)
            if hit and not _marked(lines, node):
                found.append((node.lineno, f"{hit.group()} in SQL text is machine time; pass the instant"))
    return found


def sql(text: str) -> list[tuple[int, str]]:
    """Unmarked clocks of one .sql file; comments are not code."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code, _, comment = line.partition("--")
        hit = _SQL_CLOCK.search(code)
        if hit and "machine time" not in comment:
            found.append((number, f"{hit.group()} is machine time; pass the instant as a parameter"))
    return found


def _origins(tree: ast.AST) -> dict[str, str]:
    """Local name → where it was imported from, for every import in the module."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                origins[name.asname or name.name.split(".")[0]] = name.name if name.asname else name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                origins[name.asname or name.name] = f"{node.module}.{name.name}"
    return origins


def _dotted(node: ast.expr, origins: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return origins.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, origins)
        return f"{owner}.{node.attr}" if owner else None
    return None


def _marked(lines: list[str], node: ast.expr) -> bool:
    end = node.end_lineno or node.lineno
    return any("# machine time" in line for line in lines[node.lineno - 1 : end])
