"""The statement that reads all signals and evaluates all rules, built as a tree from the catalogue. Pure.

Only names of the catalogue and checked conditions become part of the statement; assets, days and sources are
parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from services.monitor.signals.catalogue import SIGNALS, Gauge, Listing, Signal, Silence, columns

# The parameters of `queries.sql` with their types, in the order in which they are numbered.
PARAMETERS: Mapping[str, str] = {
    "assets": "uuid[]",
    "day": "date",
    "healthy": "text[]",
    "gauges": "text[]",
    "measures": "text[]",
    "fresh_days": "int[]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement for PostgreSQL, and the values of those parameters that the catalogue gives."""

    sql: str
    declared: Mapping[str, Any]

    def arguments(self, **given: Any) -> list[Any]:
        """The values of all parameters, in their order. Raises KeyError for one that is missing."""
        values = {**self.declared, **given}
        return [values[name] for name in PARAMETERS]


def compose(base: str, rules: Sequence[exp.Expr], signals: Sequence[Signal] = SIGNALS) -> Statement:
    """The signals of the query `base`, one row per asset in the order of their ids, and beside them every rule."""
    read = sqlglot.parse_one(base, read="postgres").transform(_numbered)
    if not isinstance(read, exp.Select):
        raise TypeError("expected one select")
    for signal in signals:
        read = _with_signal(read, signal)
    judged = (
        exp.select("*", *rules).from_("signals").with_("signals", as_=read).order_by("asset_id", dialect="postgres")
    )
    gauges = [(signal.name, signal.reads) for signal in signals if isinstance(signal.reads, Gauge)]
    return Statement(
        sql=judged.sql("postgres", comments=False),
        declared={
            "gauges": [name for name, _ in gauges],
            "measures": [gauge.measure for _, gauge in gauges],
            "fresh_days": [gauge.fresh_days for _, gauge in gauges],
        },
    )


def _numbered(node: Any) -> Any:
    """A named parameter as PostgreSQL numbers it, with its type, so that none is inferred from its first use."""
    if not isinstance(node, exp.Placeholder):
        return node
    number = list(PARAMETERS).index(node.name) + 1
    return exp.cast(exp.Parameter(this=exp.Literal.number(number)), PARAMETERS[node.name])


def _known(value: exp.Expr) -> exp.Expr:
    return exp.not_(exp.Is(this=value, expression=exp.Null()))


def _with_signal(read: exp.Select, signal: Signal) -> exp.Select:
    """The query with the value, the source and the day of one more signal."""
    value: exp.Expr
    match signal.reads:
        case Silence(days=days):
            relation, value = "silence", exp.column(days, "silence")
        case Listing():
            relation, value = "listing", exp.column("days", "listing")
        case Gauge(with_post=with_post):
            relation = f"gauge_{signal.name}"
            value = exp.column("value", relation)
            same = exp.and_(
                exp.column("asset_id", relation).eq(exp.column("asset_id", "chosen")),
                exp.column("gauge", relation).eq(exp.Literal.string(signal.name)),
            )
            if with_post:
                one = exp.func("greatest", value, exp.Literal.number(1))
                both = exp.and_(_known(value), _known(exp.column("day", "posted")))
                value = exp.Case().when(both, one).else_(value)
            read = read.join(exp.to_table("gauges").as_(relation), on=same, join_type="left")
    parts = (value, exp.column("source", relation), exp.column("as_of", relation))
    return read.select(*(exp.alias_(part, name) for part, name in zip(parts, columns(signal), strict=True)))
