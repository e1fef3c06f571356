"""What a case is made of: its row, and what its log refuses. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from libs.common.errors import DomainError
from libs.common.text import Text
from services.decommission.cases.words import WORDS
from services.decommission.limits.domain import Windows
from services.decommission.reasons import Reasoned


class IllegalEntry(DomainError):
    """A case in this state cannot take this entry."""

    code = "illegal_transition"
    kind = "conflict"
    says = Text("个案处于 {state} 状态,不允许 {entry}。", "The case is {state}; {entry} is not possible there.")
    words: ClassVar[Mapping[str, str]] = WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """The row of a case. `state` and `due_at` are what the log amounts to, kept for finding work."""

    case_id: UUID
    asset_id: UUID
    ordinal: int
    finding_id: UUID
    rule: str
    state: str
    version: int
    due_at: datetime | None
    opened_at: datetime
    windows: Windows


class BrokenChain(Reasoned):
    """The log of a case is not what was written: nothing rests on it until a person has found out why."""

    code = "chain_broken"
    kind = "conflict"
    says = Text("个案 {case_id} 的日志已被改动:{why}", "The log of case {case_id} was altered: {why}")

    def __init__(self, *, case_id: UUID, why: str) -> None:
        self.case_id, self.why = case_id, why
        super().__init__(case_id=str(case_id), why=why)
