"""A test of an address, and what was heard. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.common.errors import DomainError
from libs.common.text import Text
from services.decommission import reasons
from services.decommission.calls.domain import Accepted, Outcome

Part = Literal["notice", "stop", "restore", "probe"]


class TriedTooOften(DomainError):
    """Tests are few, so that nobody is rung by way of this service for as long as somebody likes."""

    code = "tried_too_often"
    kind = "busy"
    says = Text(
        "试呼过于频繁:同一地址每 {apart:g} 秒一次,全部每分钟 {most} 次。",
        "It was tried too often: one address every {apart:g} s, and {most} of all in a minute.",
    )


class NothingLeaves(DomainError):
    """The kill switch is on: a test is a call as well."""

    code = "switched_off"
    kind = "conflict"
    says = Text("总开关已开启,不对外发出任何调用。", "The kill switch is on: no call leaves this service.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A test and what was heard; with neither `status` nor `why` it was cut off. `took_ms` is machine time."""

    test_id: int
    what: str
    which: str
    part: str
    actor: str
    at: datetime
    status: int | None
    took_ms: int | None
    why: str | None

    @property
    def problem(self) -> dict[str, str] | None:
        """Why there was no answer, in both languages."""
        return None if self.why is None else {"zh": reasons.zh(self.why), "en": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was heard: a status, or why there was none."""

    status: int | None = None
    why: str | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> "Answer":
        """Of a call, whose status says enough where there is one."""
        return cls(
            status=outcome.status,
            why=None if isinstance(outcome, Accepted) or outcome.status is not None else outcome.why,
        )
