"""Standing approvals, and when nobody may sign. Pure."""

from typing import Any

from libs.common.errors import DomainError


class MandateEnded(DomainError):
    """A standing approval is signed while it lasts."""

    code = "mandate_ended"
    kind = "conflict"
    zh = "授权已于 {until} 到期,不能再签署。"
    en = "The standing approval ended on {until}: nobody can sign it any more."


class SameApprover(DomainError):
    """Four eyes are two people."""

    code = "same_approver"
    kind = "refused"
    zh = "{who} 是提出人,需由另外两人批准。"
    en = "{who} proposed this; two other people must approve it."


class SaidNo(DomainError):
    """A plan that was rejected, or a mandate that was revoked, takes no signature and is not proposed again."""

    code = "said_no"
    kind = "conflict"
    zh = "已被 {who} 否决或撤回,不能再签署:{reason}"
    en = "{who} has rejected or revoked it, so nobody can sign it: {reason}"


def raise_if_rejected(said: Any | None) -> None:
    """Raises SaidNo where somebody has said it."""
    if said is not None:
        raise SaidNo(who=said["by"], reason=said["reason"])
