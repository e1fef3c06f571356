"""From the truth of the rules to the verdict of an asset, and which findings open and clear. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from libs.common.events.monitor import SignalRead
from services.monitor.policy.condition import Truth
from services.monitor.policy.rulebook import RuleFacts

Verdict = Literal["ACTIVE", "IDLE", "ZOMBIE", "UNKNOWN"]
GRAVITY: dict[str, int] = {"IDLE": 1, "ZOMBIE": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The conclusion of one asset on one day; `rule` is the gravest true rule."""

    verdict: Verdict
    rule: str | None
    opens: tuple[str, ...]
    clears: tuple[str, ...]


def judge_asset(rules: Sequence[RuleFacts], truths: Mapping[str, Truth], open_rules: frozenset[str]) -> Judgement:
    """The verdict, and which findings open and clear. Unknown opens nothing and clears nothing."""
    true = [rule for rule in rules if truths[rule.code] is True]
    opens = tuple(rule.code for rule in true if rule.code not in open_rules)
    clears = tuple(rule.code for rule in rules if truths[rule.code] is False and rule.code in open_rules)
    if true:
        gravest = max(true, key=lambda rule: GRAVITY[rule.verdict])
        return Judgement(verdict=gravest.verdict, rule=gravest.code, opens=opens, clears=clears)
    unknown = any(truths[rule.code] is None for rule in rules)
    return Judgement(verdict="UNKNOWN" if unknown else "ACTIVE", rule=None, opens=opens, clears=clears)


def cleared_because(condition: str, signals: Sequence[SignalRead]) -> str:
    """Why a finding ends, with the values read, in both languages."""
    values = ", ".join(f"{signal.name} = {signal.value:g}" for signal in signals if signal.value is not None)
    return f"条件不再成立({values}) / no longer true: {condition} ({values})"
