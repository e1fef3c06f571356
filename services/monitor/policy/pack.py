"""Policy packs: a YAML file becomes checked rules, each with its legal basis and how well that is established. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.events.monitor import Label, Proposal
from services.monitor.policy.condition import Condition, PackRefused, condition
from services.monitor.signals.catalogue import Kind

FlagVerdict = Literal["IDLE", "ZOMBIE"]
LABELS: tuple[Label, ...] = get_args(Label)  # from the best established to the weakest


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
        """The weakest label of its parts, shown wherever the rule is shown."""
        return max((part.label for part in self.established), key=LABELS.index)


class _Pack(_Line):
    name: str = Field(pattern=r"^[a-z0-9-]+$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    sources: tuple[PackSource, ...]
    rules: tuple[Rule, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
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
        raise PackRefused(f"the pack is not YAML: {error}") from None
    except ValidationError as error:
        raise PackRefused(_first_problem(text, error)) from None
    known = {source.id for source in written.sources}
    conditions: dict[str, Condition] = {}
    for rule in written.rules:
        if rule.code in conditions:
            raise PackRefused(f"{written.name}: rule {rule.code} is listed twice")
        if rule.basis.source not in known:
            raise PackRefused(f"{written.name}: rule {rule.code} rests on {rule.basis.source!r}, which no source names")
        try:
            conditions[rule.code] = condition(rule.when)
        except PackRefused as error:
            raise PackRefused(f"{written.name}: rule {rule.code}: {error}") from None
    return Pack(
        name=written.name,
        version=written.version,
        title=written.title,
        sources=written.sources,
        rules=written.rules,
        conditions=conditions,
    )


def _first_problem(text: str, error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    path = list(problem["loc"])
    where = "the pack"
    if len(path) > 1 and path[0] == "rules" and isinstance(path[1], int):
        line = yaml.safe_load(text)["rules"][path[1]]
        where = f"rule {line.get('code', path[1] + 1) if isinstance(line, dict) else path[1] + 1}"
        path = path[2:]
    return f"{where}: {'.'.join(map(str, path)) or 'its shape'}: {problem['msg']}"
