"""A unit's answer to a notice. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from libs.common import days, exact
from libs.common.errors import DomainError
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.reasons import Reasoned

AnswerKind = Literal["keep", "fix", "close"]


class BadReceipt(Reasoned):
    """A receipt is no proof: wrong key, wrong notice or wrong asset."""

    code = "bad_receipt"
    kind = "invalid"
    says = Text("回执无效:{why}", "The receipt proves nothing: {why}")


class InvalidAnswer(BadReceipt):
    """What a unit answers is no answer; in a receipt, it proves nothing either."""

    code = "invalid_answer"
    says = Text("答复无效:{why}", "The answer is not valid: {why}")


FIX_DAYS = 365  # a local setting: a promise further off is no answer to a notice, and would never be looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a unit says to a notice; `until` bounds a fix, and is when an exemption given by keep ends."""

    answer: AnswerKind
    reason: str = ""
    until: date | None = None


def read_answer(given: Any, *, today: date | None = None) -> Answer:
    """An answer from a receipt or a request; `today` bounds a fix. Raises InvalidAnswer naming what is wrong."""
    if not isinstance(given, dict):
        raise InvalidAnswer(field="answer", accepted="an object with answer, reason, until", why="answer is no object")
    kind = given.get("answer")
    if kind not in ("keep", "fix", "close"):
        raise InvalidAnswer(field="answer", accepted="keep, fix or close", why="it is none of the three answers")
    try:
        until = exact.day(given["until"]) if given.get("until") else None
    except (TypeError, ValueError):
        raise InvalidAnswer(field="until", accepted="an ISO date", why="until is no date") from None
    if kind == "fix" and until is None:
        raise InvalidAnswer(field="until", accepted="the date by which it is fixed", why="a fix needs a date")
    if kind == "fix" and until is not None and today is not None:
        last = days.later(today, FIX_DAYS)
        if not today <= until <= last:
            raise InvalidAnswer(field="until", accepted=f"{today} to {last}", why="the fix is too early or too late")
    try:
        return Answer(answer=kind, reason=_storable("reason", given.get("reason") or "", 1000), until=until)
    except BadReceipt as error:
        raise InvalidAnswer(field=error.field, accepted=error.accepted, **error.params) from None


def _storable(field: str, given: Any, most: int) -> str:
    """Text of a receipt as a log can hold it, cut to a length. Raises BadReceipt when it holds what no text may."""
    try:
        return Plain(2 * most, least=0, lines=True).clean(str(given)[:most])[:most]
    except ValueError:
        raise BadReceipt(field=field, accepted="text without control characters", why="it cannot be stored") from None


class AnsweredItself(DomainError):
    """What a unit has answered itself nobody answers otherwise on its behalf, except to keep the asset."""

    code = "answered_itself"
    kind = "conflict"
    says = Text(
        "单位已自行答复,只能代其答复保留。",
        "The unit has answered itself; on its behalf only keep can still be answered.",
    )
