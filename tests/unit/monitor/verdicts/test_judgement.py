"""What the truth of rules means for an asset: unknown neither flags nor clears."""

import pytest

from services.monitor.policy.rulebook import RuleFacts
from services.monitor.verdicts.judgement import judge_asset

RULES = [
    RuleFacts(code="C06", verdict="IDLE"),
    RuleFacts(code="C15", verdict="ZOMBIE"),
    RuleFacts(code="C16", verdict="ZOMBIE"),
]


@pytest.mark.parametrize("c06", [True, False, None])
@pytest.mark.parametrize("c15", [True, False, None])
@pytest.mark.parametrize("c16", [True, False, None])
@pytest.mark.parametrize("open_rules", [frozenset(), frozenset({"C06"}), frozenset({"C06", "C15", "C16"})])
def test_unknown_neither_flags_nor_clears(
    c06: bool | None, c15: bool | None, c16: bool | None, open_rules: frozenset[str]
) -> None:
    truths = {"C06": c06, "C15": c15, "C16": c16}
    judgement = judge_asset(RULES, truths, open_rules)
    assert set(judgement.opens) == {code for code, truth in truths.items() if truth is True and code not in open_rules}
    assert set(judgement.clears) == {code for code, truth in truths.items() if truth is False and code in open_rules}
    if c15 or c16:
        assert judgement.verdict == "ZOMBIE"
    elif c06:
        assert judgement.verdict == "IDLE"
    else:
        assert judgement.verdict == ("UNKNOWN" if None in truths.values() else "ACTIVE")
