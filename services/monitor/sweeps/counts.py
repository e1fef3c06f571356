"""The counts of a sweep: by verdict and by rule, never by unit or person. Pure."""

from collections.abc import Iterable
from typing import Any

from services.monitor.verdicts.evaluation import Evaluation


def nothing(rules: Iterable[str]) -> dict[str, Any]:
    """The counts of a sweep that has judged no asset yet."""
    verdicts = ("assets", "opened", "cleared", "active", "idle", "zombie", "unknown")
    return {**dict.fromkeys(verdicts, 0), "by_rule": {code: _nothing() for code in rules}}


def add(counts: dict[str, Any], evaluation: Evaluation) -> None:
    """Add one asset to the counts of its day."""
    judgement = evaluation.judgement
    counts["assets"] += 1
    counts[judgement.verdict.lower()] += 1
    counts["opened"] += len(judgement.opens)
    counts["cleared"] += len(judgement.clears)
    for code, truth in evaluation.truths.items():
        rule = counts["by_rule"].setdefault(code, _nothing())  # a rule may join while a sweep is interrupted
        rule["unknown" if truth is None else "true" if truth else "false"] += 1
        rule["opened"] += code in judgement.opens
        rule["cleared"] += code in judgement.clears


def _nothing() -> dict[str, int]:
    return {"true": 0, "false": 0, "unknown": 0, "opened": 0, "cleared": 0}
