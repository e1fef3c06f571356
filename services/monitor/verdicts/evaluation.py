"""The evaluation of one asset on one business day: its reading, the truth of each rule, the verdict. Pure.

Sweep, recheck and `why` judge by this alone, so none of them can come to another result for the same data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.common.events.monitor import SignalRead
from services.monitor.policy.condition import Truth
from services.monitor.policy.rulebook import RuleBook
from services.monitor.signals.reading import Reading, reading
from services.monitor.verdicts.judgement import Judgement, judge_asset


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """An open finding, as far as judging its asset needs it; `condition` is the one it was opened by."""

    finding_id: UUID
    condition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One asset judged by all rules of a book; `findings` are its open ones, by rule."""

    asset_id: UUID
    truths: Mapping[str, Truth]
    findings: Mapping[str, OpenFinding]
    judgement: Judgement
    book: RuleBook
    row: Mapping[str, Any]

    @property
    def reading(self) -> Reading:
        """The signals that were read. Made when asked for: of most assets a sweep needs the truths alone."""
        return reading(self.row)

    def evidence(self, code: str) -> tuple[SignalRead, ...]:
        """The signals that one rule read."""
        return self.book.evidence(code, self.reading)


def evaluation(book: RuleBook, row: Mapping[str, Any], findings: Mapping[str, OpenFinding]) -> Evaluation:
    """Judge the asset of one row of the statement, which has its signals and the truth of every rule."""
    truths = {code: row[code] for code in book.rules}
    judgement = judge_asset(book.facts, truths, frozenset(findings))
    return Evaluation(
        asset_id=row["asset_id"], truths=truths, findings=findings, judgement=judgement, book=book, row=row
    )
