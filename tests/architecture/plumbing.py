"""What stands in libs/common is needed by two services at least; the imports say by how many it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOT, below

FEWEST = 2
# What stays here for another reason, which is a decision and no formality.
KEPT = {
    "libs.common.outbound.addresses": "part of the door below: which addresses it leads to",
    "libs.common.outbound.egress": "the one door for outgoing HTTP: a second one beside it would be a way around it",
    "libs.common.process.parent": "for the child of one service, and for every process that deploy starts",
    "libs.common.outbound.targets": "part of the door: how many calls it lets out to whom",
}


def check(root: Path = ROOT) -> list[str]:
    """Modules of libs/common that one service alone reaches, or none; the published language is not meant."""
    imports = {_name(root, path): set(_imported(path)) for path in below(root, "libs", "services", suffix=".py")}
    packages = {name.rpartition(".")[0] for name in imports}
    problems = []
    for module in sorted(name for name in imports if name.startswith("libs.common.")):
        if module.startswith("libs.common.events") or module in KEPT or module in packages:
            continue
        services = sorted({service for service in _users(module, imports) if service})
        if len(services) < FEWEST:
            where = services[0] if services else "no service"
            path = module.replace(".", "/") + ".py"
            problems.append(f"{path}: needed by {where} alone; what two services do not need stands with the one")
    return problems


def _users(module: str, imports: dict[str, set[str]]) -> Iterator[str]:
    """The services that reach a module, by whatever way."""
    seen, ahead = {module}, [module]
    while ahead:
        wanted = ahead.pop()
        for user, named in imports.items():
            if user not in seen and wanted in named:
                seen.add(user)
                ahead.append(user)
                yield user.split(".")[1] if user.startswith("services.") else ""


def _name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
