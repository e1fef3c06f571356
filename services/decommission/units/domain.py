"""For whom a token of a unit speaks. Pure."""

from libs.common.errors import Forbidden
from libs.common.text import Text


class OtherUnit(Forbidden):
    """A token speaks for its own unit and those below it."""

    says = Text(
        "没有权限:令牌所属单位不能代表该单位。",
        "Not allowed: the token's unit does not stand for this one.",
    )


class NoUnit(Forbidden):
    """A unit's token reads what belongs to its unit, so that has to be known."""

    says = Text(
        "没有权限:此处没有令牌所属的单位 {scope}。",
        "Not allowed: the token's unit {scope} is not known here.",
    )
