"""Kinds of alarms that more than one module names, and their refusals. Pure."""

from libs.common.errors import DomainError
from libs.common.text import Text

UNSIGNED = "plan-unsigned"
UNSURE = "recheck-unsure"
UNHEARD = "unheard"
ALTERED = "plan-altered"
# About the log itself, or the row of the asset: an entry proves nothing of these, so they are looked at once a day.
BROKEN = frozenset({"chain-broken", "broken"})
OVER = "起因已消除 what it was raised for is over"


class AlarmEnded(DomainError):
    """An alarm that has ended takes no acknowledgement."""

    code = "alarm_ended"
    kind = "conflict"
    says = Text("告警 {alarm_id} 已结束。", "Alarm {alarm_id} has ended.")
