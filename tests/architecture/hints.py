"""A hint names a command as it must be typed, with the data directory that was used: `record.typed` writes it.

Looked at are the texts of `deploy`, docstrings aside, in which a command of ours stands in backticks.
"""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT, below

ELSEWHERE = ("fetch", "migrate", "topics", "case verify", "case verifier")  # about no data directory
_COMMAND = re.compile(rf"`jianfu (?!(?:{'|'.join(ELSEWHERE)})\b)(?![^`]*--data)[^`]*")


def check(root: Path = ROOT) -> list[str]:
    """Every hint that does not say where, as `path:line: what`."""
    found = []
    for path in below(root, "deploy", suffix=".py"):
        tree = ast.parse(path.read_text())
        spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
                for hint in _COMMAND.findall(node.value):
                    found.append(f"{path.relative_to(root)}:{node.lineno}: {hint!r} says no --data; see record.typed")
    return found
