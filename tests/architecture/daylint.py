"""A day of business time is a day of the calendar: nothing in the product counts 24 hours for it.

Days are added to dates, and dates become instants, in `libs/common/days.py` alone. A line elsewhere that counts hours
for days says what for: `machine time` (leases, retention), `calendar days` (a number of days that is never added to an
instant), `older rule` (what the stand-alone verifier must allow of logs from before), in Python and in SQL.
"""

import ast
import re
from pathlib import Path

from tests.architecture.clocklint import _dotted, _origins
from tests.architecture.tree import ROOT, below

FOLDERS = ("services", "libs", "deploy")
THE_DOOR = "libs/common/days.py"
MARKS = ("machine time", "calendar days", "older rule")
_SHORT = {"seconds", "minutes", "milliseconds", "microseconds"}
_IN_A_DAY = {24, 1440, 86_400, 86_400_000, 86_400_000_000}
_DELTAS = {"datetime.timedelta", "dateutil.relativedelta.relativedelta", "pandas.Timedelta"}
_SQL_SUM = re.compile(
    r"\binterval\b|\bmake_interval\s*\(|\bjustify_(?:days|hours|interval)\s*\(|\b(?:age|date_part|date_add|date_subtract)\s*\("
    r"|\bextract\s*\(\s*(?:epoch|day|hour)\b|\b(?:86_?400|1440)\b",
    re.IGNORECASE,
)
_SQL_IN_PYTHON = re.compile(r"\binterval\s*'|'\s*::\s*interval\b|\bmake_interval\s*\(", re.IGNORECASE)
_FIX = "counts hours for days; take the date of an instant and count with libs.common.days"


def check(root: Path = ROOT) -> list[str]:
    """Every unmarked sum of hours for days, as `path:line: what`."""
    problems = []
    for path in below(root, *FOLDERS, suffix=".py"):
        name = path.relative_to(root).as_posix()
        if name != THE_DOOR:
            problems += [f"{name}:{line}: {what} {_FIX}" for line, what in python(path.read_text())]
    for path in below(root, *FOLDERS, suffix=".sql"):
        problems += [f"{path.relative_to(root)}:{line}: {what} {_FIX}" for line, what in sql(path.read_text())]
    return problems


def python(text: str) -> list[tuple[int, str]]:
    """Unmarked sums of one module: durations of days or hours, numbers of seconds in a day, differences in days."""
    tree = ast.parse(text)
    lines = text.splitlines()
    origins = _origins(tree)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in prose:
            what = _sum(node, origins)
            if what is not None and not _marked(lines, node):
                found.append((node.lineno, what))
    return sorted(set(found))


def _sum(node: ast.expr, origins: dict[str, str]) -> str | None:
    match node:
        case ast.Call(func=func) if _dotted(func, origins) in _DELTAS:
            return _duration(node)
        case ast.Attribute(attr="days" | "total_seconds", value=ast.BinOp(op=ast.Sub())):
            return f"the difference of two instants in {node.attr}"
        case ast.BinOp(op=ast.Mult()) if _value(node) in _IN_A_DAY:
            return f"{ast.unparse(node)}"
        case ast.BinOp(op=ast.Mult(), left=left, right=right) if 24 in (_value(left), _value(right)):
            return f"{ast.unparse(node)}"
        case ast.Constant(value=int() | float()) if node.value in _IN_A_DAY - {24}:
            return f"{node.value}"
        case ast.Constant(value=str()) if hit := _SQL_IN_PYTHON.search(node.value):
            return f"{hit.group()} in SQL text"
    return None


def _duration(call: ast.Call) -> str | None:
    """What a duration counts that may be days; one of none, or of a few minutes, is none."""
    days, *rest = [*call.args, None]
    names = {keyword.arg for keyword in call.keywords}
    if call.args and not (len(rest) == 1 and isinstance(days, ast.Constant) and days.value == 0):
        return ast.unparse(call)
    return ast.unparse(call) if names - _SHORT else None


def _value(node: ast.expr) -> object:
    """The number that constants amount to; None where it is not known."""
    match node:
        case ast.Constant(value=int() | float()):
            return node.value
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            one, other = _value(left), _value(right)
            return one * other if isinstance(one, int | float) and isinstance(other, int | float) else None
    return None


def sql(text: str) -> list[tuple[int, str]]:
    """Unmarked sums of one .sql file; comments are not code."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code, _, comment = line.partition("--")
        hit = _SQL_SUM.search(code)
        if hit and not any(mark in comment for mark in MARKS):
            found.append((number, hit.group()))
    return found


def _marked(lines: list[str], node: ast.expr) -> bool:
    end = node.end_lineno or node.lineno
    comments = (line.partition("#")[2] for line in lines[node.lineno - 1 : end])
    return any(mark in comment for comment in comments for mark in MARKS)
