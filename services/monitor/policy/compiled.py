"""The rules of all packs as columns of one statement, so that PostgreSQL evaluates them. Pure."""

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from services.monitor.policy.condition import PackRefused
from services.monitor.policy.pack import Pack


def compile_rules(packs: Sequence[Pack]) -> list[exp.Expr]:
    """One column per rule, named by its code, over rows that hold all signals by their names.

    Raises PackRefused when two packs carry the same code.
    """
    columns: dict[str, exp.Expr] = {}
    for pack in packs:
        for code, condition in pack.conditions.items():
            if code in columns:
                raise PackRefused(f"{pack.name}: rule {code} is already in another pack")
            columns[code] = condition.tree
    return [exp.alias_(tree.transform(_exact), code, quoted=True) for code, tree in columns.items()]


def _exact(node: Any) -> Any:
    """All is computed as numerics: a product of two, written or read, can neither overflow nor lose a digit."""
    return exp.cast(node, "numeric") if isinstance(node, exp.Column | exp.Literal) else node
