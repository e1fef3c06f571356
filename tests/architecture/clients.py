"""An example is a client: it speaks HTTP and Kafka, and imports nothing of the product."""

import ast
from pathlib import Path

from tests.architecture.tree import ROOT, below

PRODUCT = ("services", "libs", "deploy", "tests")


def check(root: Path = ROOT) -> list[str]:
    """Every import of the product below examples/, as `path:line: module`."""
    problems = []
    for path in below(root, "examples", suffix=".py"):
        for line, module in imports(path.read_text()):
            if module.split(".")[0] in PRODUCT:
                problems.append(f"{path.relative_to(root)}:{line}: imports {module}; an example is a client")
    return problems


def imports(text: str) -> list[tuple[int, str]]:
    """What a module imports, by statement or by the name it hands to importlib."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            found += [
                (node.lineno, a.value)
                for a in node.args[:1]
                if isinstance(a, ast.Constant) and isinstance(a.value, str)
            ]
    return found
