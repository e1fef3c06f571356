"""What a case's log amounts to, in parts: the notice, the answer, the plan, and each thing that is done. Pure.

Instants are business time, days business days. A part that is None has not come to be: no answer, no plan, no hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from libs.common import days
from services.decommission.limits.domain import Windows
from services.decommission.routes.route import Route
from services.decommission.routes.table import FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Attempts to tell the unit.

    `not_before`: until then no receipt can be proof. `unit`: whom the last notice told.
    """

    attempts: int = 0
    last_attempt: datetime | None = None
    not_before: datetime | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The notice that is proved by a receipt; `key` is the key that signed the receipt, as it is named."""

    at: datetime
    sha256: str
    key: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The unit's answer: keep, fix or close. `checked_at`: when the monitor found a fix wanting."""

    answer: str
    at: datetime
    on_behalf: bool = False
    fix_until: date | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who signed the plan, and the mandates that stand for a second signature."""

    approvers: tuple[str, ...]
    mandates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The plan that a case is in, with what rests on the plan's signatures."""

    plan_id: str
    sha256: str
    approval: Approval | None = None
    announced_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failed archives and orders to stop since a person last looked, and when the last of them was."""

    archive: int = 0
    stop: int = 0
    last_at: datetime | None = None

    def of(self, step: str) -> int:
        """How often a step of a route has failed."""
        return {"archive": self.archive, "stop": self.stop}[step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot under the day's limits: the day for which one is reserved, the day on which there was none left."""

    day: date | None = None
    missed_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """The question to the monitor and its answer.

    `unsure_since`: the day since which the monitor, asked, has said neither yes nor no; `unsure_day` the last on which
    it said that it cannot tell.
    """

    asked_day: date | None = None
    request_id: str | None = None
    rule: str | None = None
    finding_id: str | None = None
    confirmed_day: date | None = None
    unsure_since: date | None = None
    unsure_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The order to stop.

    `ordered`: one has gone out, or may have, and nothing says that it was refused. `unclear`: one of them has no
    result; that a later one is refused says nothing of it. `at`: when the target accepted it.
    """

    ordered: bool = False
    unclear: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What probes saw.

    `gone_days`: consecutive days on which it was gone. `unclear`: days in a row without a result.
    """

    day: date | None = None
    gone_days: tuple[date, ...] = ()
    unclear: int = 0
    alive: bool = False
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The way back.

    `reason`: why somebody asked for it. `seen`: a probe has seen the asset alive again. `again`: when an order that was
    broken off for another one is repeated. `gave_way`: how many times in a row it was broken off.
    """

    reason: str | None = None
    failed_at: datetime | None = None
    again: datetime | None = None
    gave_way: int = 0
    accepted: bool = False
    looks: int = 0
    seen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold stops the clock. `until` is its last day; None is until further notice."""

    since: datetime
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """The wait that is under way: since when, and by how many days holds have prolonged it."""

    since: datetime | None = None
    paused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a log amounts to.

    `pending`: step → effect key, started without a result. `person`: why a person was called and the case waits for
    him. `ended`: the entry that ended the case.
    """

    windows: Windows
    zone: tzinfo = UTC
    route: Route = FIRST
    opened: bool = False
    pending: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery()
    notice: Notice | None = None
    reply: Reply | None = None
    plan: Membership | None = None
    archive_sha256: str | None = None
    failures: Failures = Failures()
    slot: Slot = Slot()
    recheck: Recheck = Recheck()
    refuted: bool = False
    stop: Stop = Stop()
    looks: Looks = Looks()
    restore: Restore = Restore()
    disposed: bool = False
    cancelled: str | None = None
    person: str | None = None
    hold: Hold | None = None
    timer: Timer = Timer()
    ended: str | None = None

    @property
    def window_from(self) -> datetime | None:
        """Before this no answer, not even one that agrees, lets a case go on to a plan; None before the notice."""
        if self.notice is None:
            return None
        least = min(self.windows.min_answer_days, self.windows.answer_days)
        return days.after(self.notice.at, least + self.timer.paused, self.zone) if least else self.notice.at

    @property
    def silence_ends(self) -> datetime | None:
        """When the last day is over on which the unit may answer; None before the notice."""
        if self.notice is None:
            return None
        last = days.later(days.of(self.notice.at, self.zone), self.windows.answer_days + self.timer.paused)
        return days.end(last, self.zone)

    @property
    def answer(self) -> str | None:
        """The unit's answer in a word."""
        return self.reply.answer if self.reply is not None else None

    @property
    def plan_id(self) -> str | None:
        """The plan that the case is in."""
        return self.plan.plan_id if self.plan is not None else None

    @property
    def notice_key(self) -> dict[str, Any] | None:
        """The key that signed the receipt, as it is named."""
        return self.notice.key if self.notice is not None else None

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who signed the plan under which the case is executed."""
        return self.approval.approvers if self.approval is not None else ()

    @property
    def mandates(self) -> tuple[str, ...]:
        """The mandates that stand for a second signature."""
        return self.approval.mandates if self.approval is not None else ()

    @property
    def approval(self) -> Approval | None:
        """The signatures under which the case is executed."""
        return self.plan.approval if self.plan is not None else None

    @property
    def announced_at(self) -> datetime | None:
        """When the public notice period began."""
        return self.plan.announced_at if self.plan is not None else None

    @property
    def unwinding(self) -> bool:
        """Whether what was done is being undone; a finding that falls while a stop is on its way undoes it too."""
        asked = self.cancelled is not None or self.restore.reason is not None
        return asked or (self.refuted and self.stop.ordered)
