"""Policy packs: YAML lines become checked rules, rules become one SQL statement, and evidence is recomputed.

A condition may read the known signals, compare numbers, add, subtract, multiply, and join with and, or, not.
All else is refused. A missing signal is NULL, so a condition is true, false or unknown (None).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, get_args

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from libs.common.events.monitor import Label, Proposal

Truth = bool | None
FlagVerdict = Literal["IDLE", "ZOMBIE"]
Kind = Literal["app", "account", "group"]
LABELS: tuple[Label, ...] = get_args(Label)  # from the best established to the weakest
MAX_CONDITION = 500
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")

SIGNALS: dict[str, str] = {
    "days_since_post": "days from the last post to the day judged; unknown unless every day since was vouched for",
    "days_observed_silent": "days in a row, up to the day judged, that were vouched for and held no post",
    "posts_total": "posts the account shows in all; unknown when older than 35 days or from an unhealthy source",
    "followers": "followers the account shows; unknown when older than 35 days or from an unhealthy source",
    "days_listed": "days since the account was opened, or listed where its opening is unknown",
}


class PackRefused(ValueError):
    """A policy pack cannot be used; the text names the pack, the rule and what was expected."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Line):
    """A text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def both(self) -> str:
        return f"{self.zh} / {self.en}"


class Basis(_Line):
    """Where a rule comes from: one of the pack's sources, and what it says."""

    source: str
    text: Text


class Established(_Line):
    """How well one part of a rule is established."""

    part: str
    label: Label


class PackSource(_Line):
    """A document that rules rest on."""

    id: str
    title: str
    doc_no: str | None
    issued: str | None
    effective_from: str | None


class Rule(_Line):
    """One rule as its pack writes it."""

    code: str = Field(pattern=r"^[ACG]\d{2}$")
    name: str = Field(pattern=r"^[a-z0-9_]+$")
    kind: Kind
    title: Text
    when: str
    verdict: FlagVerdict
    proposal: Proposal
    level: Literal["national", "provincial", "local", "assumed"]
    basis: Basis
    established: tuple[Established, ...] = Field(min_length=1)
    clears_when: Text

    @property
    def label(self) -> Label:
        """The weakest of its parts: what is shown wherever the rule is shown."""
        return max((part.label for part in self.established), key=LABELS.index)


class _Pack(_Line):
    name: str = Field(pattern=r"^[a-z0-9-]+$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    sources: tuple[PackSource, ...]
    rules: tuple[Rule, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Condition:
    """A checked `when:`, with the signals it reads in the order of their names."""

    text: str
    tree: exp.Expr
    signals: tuple[str, ...]

    def holds(self, values: Mapping[str, float | int | None]) -> Truth:
        """Its truth for these values, the same as PostgreSQL's: exact numbers, None for unknown."""
        return _truth(self.tree, values)


@dataclass(frozen=True)
class Pack:
    """A checked pack; `conditions` by rule code."""

    name: str
    version: str
    title: Text
    sources: tuple[PackSource, ...]
    rules: tuple[Rule, ...]
    conditions: Mapping[str, Condition] = field(compare=False)


def load(text: str) -> Pack:
    """A pack from YAML. Raises PackRefused naming the rule that cannot be taken and why."""
    try:
        written = _Pack.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PackRefused(f"the pack is no YAML: {error}") from None
    except ValidationError as error:
        raise PackRefused(_first_fault(text, error)) from None
    known = {source.id for source in written.sources}
    conditions: dict[str, Condition] = {}
    for rule in written.rules:
        if rule.code in conditions:
            raise PackRefused(f"{written.name}: rule {rule.code} stands twice")
        if rule.basis.source not in known:
            raise PackRefused(f"{written.name}: rule {rule.code} rests on {rule.basis.source!r}, which no source names")
        try:
            conditions[rule.code] = condition(rule.when)
        except PackRefused as error:
            raise PackRefused(f"{written.name}: rule {rule.code}: {error}") from None
    return Pack(written.name, written.version, written.title, written.sources, written.rules, conditions)


def _first_fault(text: str, error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    path = list(fault["loc"])
    where = "the pack"
    if len(path) > 1 and path[0] == "rules" and isinstance(path[1], int):
        line = yaml.safe_load(text)["rules"][path[1]]
        where = f"rule {line.get('code', path[1] + 1) if isinstance(line, dict) else path[1] + 1}"
        path = path[2:]
    return f"{where}: {'.'.join(map(str, path)) or 'its shape'}: {fault['msg']}"


def condition(text: str) -> Condition:
    """Check one `when:` expression. Raises PackRefused with what is accepted."""
    if len(text) > MAX_CONDITION:
        raise PackRefused(f"its condition is longer than {MAX_CONDITION} characters")
    try:
        trees = sqlglot.parse(text, read="postgres")
        for tree in trees:
            (tree or exp.Null()).sql("postgres")  # what nests too deep to be written is found here, not in the sweep
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
        raise PackRefused(f"{text!r} reads no signal; known: {', '.join(sorted(SIGNALS))}")
    return Condition(text, tree, tuple(names))


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
    """What a node yields; raises PackRefused for every node that is not on the list."""
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
        if node.name not in SIGNALS:
            raise PackRefused(f"{node.name!r} is no signal; known: {', '.join(sorted(SIGNALS))}")
        return "number"
    shown = node.sql("postgres") if isinstance(node, exp.Expr) else str(node)
    raise PackRefused(f"{shown!r} is not allowed; accepted are signals, numbers, + - *, comparisons, and, or, not")


def _expect(node: Any, kind: Literal["number", "truth"]) -> None:
    if _kind_of(node) != kind:
        raise PackRefused(f"{node.sql('postgres')!r} must be a {kind}")


def _truth(node: Any, values: Mapping[str, float | int | None]) -> Truth:
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


def _number(node: Any, values: Mapping[str, float | int | None]) -> Fraction | None:
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


def compile_rules(packs: Sequence[Pack]) -> str:
    """The select that evaluates every rule over the rows of `signals`: one column per rule, named by its code.

    Raises PackRefused when two packs carry the same code.
    """
    columns: dict[str, exp.Expr] = {}
    for pack in packs:
        for code, checked in pack.conditions.items():
            if code in columns:
                raise PackRefused(f"{pack.name}: rule {code} is already in another pack")
            columns[code] = checked.tree
    selected = [exp.alias_(tree.transform(_exact), code, quoted=True) for code, tree in columns.items()]
    return exp.select("*", *selected).from_("signals").sql("postgres")


def _exact(node: Any) -> Any:
    """All is computed as numerics: a product of two, written or read, can neither overflow nor lose a digit."""
    return exp.cast(node, "numeric") if isinstance(node, exp.Column | exp.Literal) else node
