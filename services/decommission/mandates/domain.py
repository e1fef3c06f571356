"""Standing approvals, and when nobody may sign. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from libs.common.errors import DomainError
from libs.common.text import Text
from services.decommission.cases import foureyes


class MandateEnded(DomainError):
    """A standing approval is signed while it lasts."""

    code = "mandate_ended"
    kind = "conflict"
    says = Text(
        "授权已于 {until} 到期,不能再签署。", "The standing approval ended on {until}: nobody can sign it any more."
    )


class SameApprover(DomainError):
    """Four eyes are two people."""

    code = "same_approver"
    kind = "refused"
    says = Text("{who} 是提出人,需由另外两人批准。", "{who} proposed this; two other people must approve it.")


class SaidNo(DomainError):
    """A plan that was rejected, or a mandate that was revoked, takes no signature and is not proposed again."""

    code = "said_no"
    kind = "conflict"
    says = Text(
        "已被 {who} 否决或撤回,不能再签署:{reason}", "{who} has rejected or revoked it, so nobody can sign it: {reason}"
    )


def raise_if_rejected(rejection: Any | None) -> None:
    """Raises SaidNo where somebody has said it."""
    if rejection is not None:
        raise SaidNo(who=rejection["by"], reason=rejection["reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A standing approval as it is now; `used_today`: slots of today that cases approved under it have."""

    mandate_id: str
    max_per_day: int
    until: date
    proposed_by: str
    approvers: Sequence[str]
    revoked: bool
    used_today: int = 0


def standing(mandate: Mandate, approver: str, involved: Iterable[str]) -> bool:
    """Whether a mandate has two signers of whom none proposed it or is involved, and somebody may approve under it."""
    return signed_by_others(mandate.proposed_by, mandate.approvers, approver, involved)


def signed_by_others(proposed_by: str, approvers: Iterable[str], approver: str, involved: Iterable[str]) -> bool:
    """The same of its parts: two people signed, neither its proposer nor involved, and the approver is another."""
    excluded = [proposed_by, *involved]
    others = [name for name in approvers if not foureyes.among(name, excluded)]
    return len(foureyes.people(others)) >= 2 and not foureyes.same(approver, proposed_by)
