"""The rules in force: all packs together, compiled once, and how a rule speaks in events. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from libs.common.events.monitor import SignalRead
from services.monitor.policy.compiled import compile_rules
from services.monitor.policy.condition import PackRefused, Truth, condition
from services.monitor.policy.pack import FlagVerdict, Pack
from services.monitor.signals.catalogue import BY_NAME
from services.monitor.signals.reading import Reading

WATCHED_KINDS = frozenset({"account"})  # apps and groups are recorded and carried, not judged yet


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """The part of a rule that decisions use."""

    code: str
    verdict: FlagVerdict


class RuleBook:
    """All rules of the packs given, by code. Raises PackRefused for a rule that nothing would be judged by."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        for pack in packs:
            _check_kinds(pack)
        self.packs = tuple(packs)
        self.columns = compile_rules(packs)
        self.rules = {rule.code: rule for pack in packs for rule in pack.rules}
        self.conditions = {code: checked for pack in packs for code, checked in pack.conditions.items()}
        self.facts = [RuleFacts(code=rule.code, verdict=rule.verdict) for rule in self.rules.values()]
        self._pack_of = {rule.code: pack for pack in packs for rule in pack.rules}

    def evidence(self, code: str, reading: Reading) -> tuple[SignalRead, ...]:
        """The signals that one rule reads."""
        return reading.read_by(self.conditions[code].signals)

    def versions(self) -> dict[str, str]:
        return {pack.name: pack.version for pack in self.packs}

    def fields(self, code: str) -> dict[str, Any]:
        """The wording of a rule in a finding, which stays when the pack changes."""
        rule, pack = self.rules[code], self._pack_of[code]
        return {
            "rule": code,
            "title": rule.title.both(),
            "verdict": rule.verdict,
            "proposal": rule.proposal,
            "pack": pack.name,
            "pack_version": pack.version,
            "basis": rule.basis.text.both(),
            "label": rule.label,
            "clears_when": rule.clears_when.both(),
        }


def _check_kinds(pack: Pack) -> None:
    """Raise PackRefused where a rule is about assets that are not watched, or that lack a signal it reads."""
    for rule in pack.rules:
        if rule.kind not in WATCHED_KINDS:
            raise PackRefused(f"{pack.name}: rule {rule.code}: assets of kind {rule.kind} are not watched")
        for name in pack.conditions[rule.code].signals:
            if rule.kind not in BY_NAME[name].kinds:
                raise PackRefused(f"{pack.name}: rule {rule.code}: {name} is not known of assets of kind {rule.kind}")


def recompute(when: str, signals: Sequence[SignalRead]) -> Truth:
    """The truth of a finding from its stored evidence alone, with the very condition it was opened by."""
    return condition(when).holds({signal.name: signal.value for signal in signals})
