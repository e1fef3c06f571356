"""SQL lives in .sql files, with a name and a sentence: no module of a service holds any as text."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT, below

_SQL = re.compile(
    r"\bselect\b.+?\bfrom\b|\binsert\s+into\b|\bupdate\s+[\w.]+(?:\s+(?:as\s+)?\w+)?\s+set\b|\bdelete\s+from\b"
    r"|\bmerge\s+into\b|\b(?:create|alter|drop|truncate)\s+(?:table|index|schema|role)\b",
    re.IGNORECASE | re.DOTALL,
)


def check(root: Path = ROOT) -> list[str]:
    """Every string of a service that reads as SQL, as `path:line: beginning`."""
    problems = []
    for path in below(root, "services", suffix=".py"):
        problems += [
            f"{path.relative_to(root)}:{line}: SQL as text: {sql!r}" for line, sql in strings(path.read_text())
        ]
    return problems


def strings(text: str) -> list[tuple[int, str]]:
    """Strings and f-strings that read as SQL; docstrings are prose."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found, inside = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
            inside |= {id(part) for part in node.values}
            whole = "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            whole = node.value
        else:
            continue
        if id(node) not in prose and _SQL.search(whole):
            found.append((node.lineno, whole.strip()[:50]))
    return found
