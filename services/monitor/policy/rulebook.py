"""The rules in force: all packs together, compiled once, and how a rule speaks in events. Pure."""

from collections.abc import Sequence
from typing import Any

from libs.common.events.monitor import SignalRead
from services.monitor.policy import pack as policy
from services.monitor.verdicts import domain

WATCHED_KINDS = frozenset({"account"})  # apps and groups are recorded and carried, not judged yet


class RuleBook:
    """All rules of the packs given, by code. Raises PackRefused for a rule that nothing would be judged by."""

    def __init__(self, packs: Sequence[policy.Pack]) -> None:
        for pack in packs:
            for rule in pack.rules:
                if rule.kind not in WATCHED_KINDS:
                    raise policy.PackRefused(
                        f"{pack.name}: rule {rule.code}: assets of kind {rule.kind} are not watched"
                    )
        self.packs = tuple(packs)
        self.sql = policy.compile_rules(packs)
        self.rules = {rule.code: rule for pack in packs for rule in pack.rules}
        self.conditions = {code: found for pack in packs for code, found in pack.conditions.items()}
        self.facts = [domain.RuleFacts(rule.code, rule.verdict) for rule in self.rules.values()]
        self._pack_of = {rule.code: pack for pack in packs for rule in pack.rules}

    def read_by(self, code: str, reading: domain.Reading) -> tuple[SignalRead, ...]:
        """The evidence of one rule."""
        return reading.read_by(self.conditions[code].signals)

    def versions(self) -> dict[str, str]:
        return {pack.name: pack.version for pack in self.packs}

    def fields(self, code: str) -> dict[str, Any]:
        """What a finding says of its rule, in words that stay when the pack changes."""
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


def recompute(when: str, signals: Sequence[SignalRead]) -> domain.Truth:
    """The truth of a finding from its stored evidence alone, with the very condition it was opened by."""
    return policy.condition(when).holds({signal.name: signal.value for signal in signals})
