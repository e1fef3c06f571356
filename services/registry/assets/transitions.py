"""The two axes of an asset's state, `record` (the paper) and `running` (the thing itself): one table of moves. Pure."""

from collections.abc import Mapping
from typing import ClassVar, Literal, cast

from libs.common.errors import DomainError
from libs.common.events.registry import RecordState, RunningState
from libs.common.text import Text

PublicState = Literal["official", "suspended", "gone", "closed", "unknown"]  # the better known first
PUBLIC: tuple[PublicState, ...] = ("official", "suspended", "gone", "closed", "unknown")


class IllegalTransition(DomainError):
    """The state machine has no such arrow."""

    code = "illegal_transition"
    kind = "conflict"
    says = Text("状态 {state} 不允许 {event}。", "The state {state} does not allow {event}.")
    words: ClassVar[Mapping[str, str]] = {
        "draft": "草稿",
        "in_review": "审核中",
        "filed": "已备案",
        "withdrawn": "已撤回",
        "closed": "已关停",
        "building": "建设中",
        "online": "在线",
        "suspended": "已停用",
        "offline": "已下线",
        "gone": "消失",
        "submit": "提交",
        "return": "退回",
        "file": "备案",
        "withdraw": "撤回",
        "close": "关停",
        "launch": "上线",
        "stop": "停用",
        "resume": "恢复",
        "delist": "移除",
        "relist": "重新列入",
        "amend": "更正",
    }


# (state, event) → state. The axes share no state name, so one table serves both; every other move is refused.
# `draft` … `closed` are states of the record, `building` … `gone` of the running asset. `close` moves both.
TRANSITIONS: dict[tuple[str, str], RecordState | RunningState] = {
    ("draft", "submit"): "in_review",
    ("in_review", "return"): "draft",
    ("in_review", "file"): "filed",
    ("filed", "withdraw"): "withdrawn",
    ("withdrawn", "submit"): "in_review",
    ("draft", "close"): "closed",
    ("in_review", "close"): "closed",
    ("filed", "close"): "closed",
    ("withdrawn", "close"): "closed",
    ("building", "launch"): "online",
    ("building", "stop"): "suspended",
    ("building", "delist"): "gone",
    ("building", "close"): "offline",
    ("online", "stop"): "suspended",
    ("online", "resume"): "online",  # stopped, delisted, listed again: it is back before the case gives it back
    ("online", "delist"): "gone",
    ("online", "close"): "offline",
    ("suspended", "resume"): "online",
    ("suspended", "delist"): "gone",
    ("suspended", "close"): "offline",
    ("gone", "relist"): "online",
    ("gone", "stop"): "suspended",
    ("gone", "resume"): "gone",  # a case gave it back, yet its source does not list it
    ("gone", "close"): "offline",
}
RECORD_EVENTS = frozenset({"submit", "return", "file", "withdraw"})
RUNNING_EVENTS = frozenset({"launch", "stop", "resume", "delist", "relist"})
EVENTS = RECORD_EVENTS | RUNNING_EVENTS | {"close"}


def move(record: RecordState, running: RunningState, event: str) -> tuple[RecordState, RunningState]:
    """Both axes after an event. Raises IllegalTransition; a closed record is terminal, even if the asset still runs."""
    if record == "closed":
        raise IllegalTransition(state=record, event=event)
    after = record if event in RUNNING_EVENTS else cast("RecordState", _next(record, event))
    runs = running if event in RECORD_EVENTS else cast("RunningState", _next(running, event))
    return after, runs


def _next(state: str, event: str) -> RecordState | RunningState:
    if (state, event) not in TRANSITIONS:
        raise IllegalTransition(state=state, event=event)
    return TRANSITIONS[state, event]


def public_state(record: RecordState, running: RunningState) -> PublicState:
    """The state of an asset as the public reads it: only an asset that is listed and runs is official.

    No unit vouches for an asset that is still being built, is off without a closure, or was withdrawn.
    """
    if record == "closed":
        return "closed"
    if running in ("gone", "suspended"):
        return cast("PublicState", running)
    return "official" if running == "online" and record != "withdrawn" else "unknown"
