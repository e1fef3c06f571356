"""Random conditions, and a second, independent way to their truth."""

import ast
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from services.monitor.policy.condition import MAX_CONDITION
from services.monitor.signals.catalogue import BY_NAME

NAMES = sorted(BY_NAME)
VALUES = st.fixed_dictionaries({name: st.none() | st.integers(-100, 100) for name in NAMES})

_NUMBER = st.recursive(
    st.sampled_from(NAMES) | st.integers(0, 120).map(str) | st.sampled_from(["0.1", "2.5", "14.0"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | inner.map(lambda text: f"(- {text})")
    ),
    max_leaves=4,
)
_COMPARED = st.tuples(_NUMBER, st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]), _NUMBER).map(" ".join)
CONDITIONS = st.recursive(
    _COMPARED,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | inner.map(lambda text: f"not ({text})")
    ),
    max_leaves=5,
).filter(lambda text: len(text) < MAX_CONDITION and any(name in text for name in NAMES))

_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_COMPUTE: dict[type, Callable[[Any, Any], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def brute(text: str, values: dict[str, int | None]) -> bool | None:
    """The truth of a condition, read by Python's own parser, unknowns as SQL has them."""
    return _of(ast.parse(text.replace("<>", "!=").replace(" = ", " == "), mode="eval").body, values)


def _of(node: ast.expr, values: dict[str, int | None]) -> Any:
    match node:
        case ast.BoolOp(op=op, values=parts):
            sides = [_of(part, values) for part in parts]
            decides = isinstance(op, ast.Or)
            return decides if decides in sides else (None if None in sides else not decides)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            truth = _of(inner, values)
            return None if truth is None else not truth
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            number = _of(inner, values)
            return None if number is None else -number
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = _of(left, values), _of(right, values)
            return None if a is None or b is None else _COMPARE[type(op)](a, b)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _of(left, values), _of(right, values)
            return None if a is None or b is None else _COMPUTE[type(op)](a, b)
        case ast.Name(id=name):
            value = values[name]
            return None if value is None else Fraction(value)
        case ast.Constant(value=number):
            return Fraction(str(number))
    raise TypeError(ast.dump(node))
