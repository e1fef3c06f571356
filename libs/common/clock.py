"""Business time: one injected clock, either the system's or one that is stepped from outside and persisted."""

from datetime import UTC, date, datetime
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from libs.common.errors import DomainError
from libs.common.text import Text


class ClockBackwards(DomainError):
    """Business time never goes back."""

    code = "clock_backwards"
    kind = "conflict"
    says = Text("业务时间不能倒退:当前为 {current}。", "Business time never goes back: it stands at {current}.")


class ClockBehind(DomainError):
    """The machine's clock is behind what has happened already: business time would run backwards."""

    code = "clock_behind"
    kind = "conflict"
    says = Text(
        "系统时钟为 {now},而数据已到 {latest},业务时间不能倒退,因此未启动。请校准本机时钟;"
        "数据若由步进时钟产生,请以 --clock stepped(JIANFU_CLOCK=stepped)启动,或以 --data 换用另一数据目录。",
        "The machine's clock says {now}, the data has come to {latest}, and business time never goes back: not "
        "started. Set the machine's clock right; where the data is of a stepped clock, start with --clock stepped "
        "(JIANFU_CLOCK=stepped), or use another data directory with --data.",
    )


class ClockNotStepped(DomainError):
    """A system clock cannot be stepped."""

    code = "clock_not_stepped"
    kind = "conflict"
    says = Text("此服务使用系统时钟,不能步进。", "This service runs on the system clock, which cannot be stepped.")


class Clock(Protocol):
    """What says which instant and which business day it is."""

    mode: Literal["system", "stepped"]
    zone: ZoneInfo

    def now(self) -> datetime: ...

    def today(self) -> date: ...


class SystemClock:
    """The machine's clock, in UTC; the day is that of the deployment's zone.

    It stands still while the machine's clock is behind what it has said before, or behind `reached`.
    """

    mode: Literal["system", "stepped"] = "system"

    def __init__(self, zone: ZoneInfo, reached: datetime | None = None) -> None:
        self.zone = zone
        self._reached = (reached or datetime.min.replace(tzinfo=UTC)).astimezone(UTC)

    def now(self) -> datetime:
        self._reached = max(self._reached, datetime.now(UTC))  # machine time: this class is the one door to it
        return self._reached

    def today(self) -> date:
        return self.now().astimezone(self.zone).date()


class SteppedClock:
    """Stands still until `set` moves it forward; the caller persists the instant first."""

    mode: Literal["system", "stepped"] = "stepped"

    def __init__(self, zone: ZoneInfo, instant: datetime) -> None:
        self.zone = zone
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        return self._instant

    def today(self) -> date:
        return self._instant.astimezone(self.zone).date()

    def check(self, instant: datetime) -> None:
        """Raise ClockBackwards when the instant lies before the current one."""
        if instant < self._instant:
            raise ClockBackwards(field="now", accepted=f">= {self._instant.isoformat()}", current=self._instant)

    def set(self, instant: datetime) -> None:
        self.check(instant)
        self._instant = instant.astimezone(UTC)
