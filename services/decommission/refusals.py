"""What people are refused, with the reason in both languages. Pure."""

from libs.common.errors import DomainError


class AnsweredItself(DomainError):
    """What a unit has answered itself nobody answers otherwise on its behalf, except to keep the asset."""

    code = "answered_itself"
    kind = "conflict"
    zh = "单位已自行答复,只能代其答复保留。"
    en = "The unit has answered itself; on its behalf only keep can still be answered."


class SaidNo(DomainError):
    """A plan that was rejected, or a mandate that was revoked, takes no signature and is not proposed again."""

    code = "said_no"
    kind = "conflict"
    zh = "已被 {who} 否决或撤回,不能再签署:{reason}"
    en = "{who} has rejected or revoked it, so nobody can sign it: {reason}"
