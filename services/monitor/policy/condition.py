"""The language of conditions: a rule's `when:` becomes a checked tree, and evidence is recomputed from it. Pure.

A condition may read the known signals, compare numbers, add, subtract, multiply, and join with and, or, not.
All else is refused. A missing signal is NULL, so a condition is true, false or unknown (None).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from services.monitor.signals import catalogue

Truth = bool | None
Values = Mapping[str, float | int | None]
MAX_CONDITION = 500
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


class PackRefused(ValueError):
    """A policy pack cannot be used; the text names the pack, the rule and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A checked `when:`, with the signals it reads in the order of their names."""

    text: str
    tree: exp.Expr
    signals: tuple[str, ...]

    def holds(self, values: Values) -> Truth:
        """Its truth for these values, the same as PostgreSQL's: exact numbers, None for unknown."""
        return _truth(self.tree, values)


def condition(text: str) -> Condition:
    """Check one `when:` expression. Raises PackRefused with what is accepted."""
    if len(text) > MAX_CONDITION:
        raise PackRefused(f"its condition is longer than {MAX_CONDITION} characters")
    try:
        trees = sqlglot.parse(text, read="postgres")
        for tree in trees:
            (tree or exp.Null()).sql("postgres")  # a tree too deep to be written is refused here, not in the sweep
    except (SqlglotError, RecursionError) as error:
        raise PackRefused(f"{text!r} cannot be read: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or trees[0] is None:
        raise PackRefused(f"{text!r} must be one expression")
    tree = trees[0]
    if any(node.comments for node in tree.walk()):
        raise PackRefused(f"{text!r}: comments belong outside the condition")
    if _kind_of(tree) != "truth":
        raise PackRefused(f"{text!r} is a number; a condition compares")
    names = sorted({column.name for column in tree.find_all(exp.Column)})
    if not names:
        raise PackRefused(f"{text!r} reads no signal; known: {catalogue.known()}")
    return Condition(text=text, tree=tree, signals=tuple(names))


_COMPARE: dict[type[exp.Expr], Callable[[Fraction, Fraction], bool]] = {
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
}
_COMPUTE: dict[type[exp.Expr], Callable[[Fraction, Fraction], Fraction]] = {
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
}


def _kind_of(node: Any) -> Literal["number", "truth"]:
    """The type of a node; raises PackRefused for every node that is not on the list."""
    if isinstance(node, exp.Paren):
        return _kind_of(node.this)
    if type(node) in _COMPARE or type(node) in _COMPUTE:
        _expect(node.this, "number")
        _expect(node.expression, "number")
        return "truth" if type(node) in _COMPARE else "number"
    if isinstance(node, exp.And | exp.Or):
        _expect(node.this, "truth")
        _expect(node.expression, "truth")
        return "truth"
    if isinstance(node, exp.Not):
        _expect(node.this, "truth")
        return "truth"
    if isinstance(node, exp.Neg):
        _expect(node.this, "number")
        return "number"
    if isinstance(node, exp.Literal) and not node.is_string and _NUMBER.fullmatch(node.name):
        return "number"
    if isinstance(node, exp.Column) and len(node.parts) == 1 and not node.this.args.get("quoted"):
        if node.name not in catalogue.BY_NAME:
            raise PackRefused(f"unknown signal {node.name!r}; known: {catalogue.known()}")
        return "number"
    shown = node.sql("postgres") if isinstance(node, exp.Expr) else str(node)
    raise PackRefused(f"{shown!r} is not allowed; accepted are signals, numbers, + - *, comparisons, and, or, not")


def _expect(node: Any, kind: Literal["number", "truth"]) -> None:
    if _kind_of(node) != kind:
        raise PackRefused(f"{node.sql('postgres')!r} must be a {kind}")


def _truth(node: Any, values: Values) -> Truth:
    if isinstance(node, exp.Paren):
        return _truth(node.this, values)
    if isinstance(node, exp.Not):
        inner = _truth(node.this, values)
        return None if inner is None else not inner
    if isinstance(node, exp.And | exp.Or):
        deciding = isinstance(node, exp.Or)  # one true decides an or, one false an and
        sides = (_truth(node.this, values), _truth(node.expression, values))
        if deciding in sides:
            return deciding
        return None if None in sides else not deciding
    left, right = _number(node.this, values), _number(node.expression, values)
    return None if left is None or right is None else _COMPARE[type(node)](left, right)


def _number(node: Any, values: Values) -> Fraction | None:
    if isinstance(node, exp.Paren):
        return _number(node.this, values)
    if isinstance(node, exp.Literal):
        return Fraction(node.name)
    if isinstance(node, exp.Column):
        value = values[node.name]
        return None if value is None else Fraction(value)
    if isinstance(node, exp.Neg):
        inner = _number(node.this, values)
        return None if inner is None else -inner
    left, right = _number(node.this, values), _number(node.expression, values)
    return None if left is None or right is None else _COMPUTE[type(node)](left, right)
