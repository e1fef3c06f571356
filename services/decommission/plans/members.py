"""A plan as the person who signs it reads it: whom it closes, why, on which evidence, and what the unit has said.

What it says of a member stands in the text that is signed, or its hash stands there: of what has another hash nothing
is shown, and what an unsigned row says of names is shown only for plans whose text has none, and marked so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that a member is closed under. `words` and `basis` are the pack's, Chinese / English."""

    rule: str
    words: str | None
    basis: str
    label: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a rule was seen to be true by; None for all but the hash where what is stored has another one."""

    sha256: str
    rule: Rule | None
    finding_id: UUID | None
    found_at: datetime | None
    signals: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The unit's last answer, or an operator's on its behalf; `after_sealing`: the plan was sealed without it."""

    answer: str
    reason: str
    until: str | None
    at: datetime
    by: str
    on_behalf: bool
    after_sealing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One case of a plan. `names_signed`: name, address and unit stand in the text that is signed.

    `answer` is None where the unit has said nothing. `out`: why it is closed under this plan no more. `fault`: what is
    wrong with its log, on which then nothing rests.
    """

    case_id: UUID
    asset_id: UUID
    kind: str
    name: str | None
    platform: str | None
    identity: str | None
    address: str | None
    unit_id: UUID
    unit_code: str | None
    unit_name: str | None
    names_signed: bool
    rules: list[str]
    evidence: list[Evidence]
    answer: Said | None
    out: str | None
    fault: str | None
