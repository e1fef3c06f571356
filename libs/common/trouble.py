"""What stands in a consumer's way, since when, and whether it is time to say so."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge

log = structlog.get_logger()
STUCK = Gauge("jianfu_consumer_stuck", "1 while a consumer fails for longer than its patience, or waits.", ["topic"])
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0  # seconds


@dataclass
class Trouble:
    """One consumer's. `patience` is in seconds; `now` counts seconds from anywhere."""

    topic: str
    patience: float = 120.0
    now: Callable[[], float] = time.monotonic  # machine time
    waits: str | None = None
    _began: float | None = field(default=None, init=False)
    _told: str = field(default="", init=False)
    _last: str = field(default="", init=False)
    _alarmed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        STUCK.labels(self.topic).set_function(lambda: 0 if self.reason is None else 1)

    def failed(self, error: BaseException) -> None:
        """Something that passes by itself has not passed yet."""
        self._last = f"{type(error).__name__}: {error}"
        if self._began is None:
            self._began = self.now()
            self._told = datetime.now(UTC).isoformat(timespec="seconds")  # machine time
        if self.lasting and not self._alarmed:
            self._alarmed = True
            log.error("consumer-stuck", topic=self.topic, since=self._told, error=self._last)

    def over(self) -> None:
        """It went on."""
        self._began, self._alarmed = None, False

    def wait(self, why: str | None) -> None:
        """Stopped on purpose, or no more."""
        self.waits = why
        if why is not None:
            log.error("consumer-stopped", topic=self.topic, why=why)

    @property
    def lasting(self) -> bool:
        return self._began is not None and self.now() - self._began >= self.patience

    @property
    def reason(self) -> str | None:
        """Why the consumer is not well, in words; None when it is."""
        if self.waits is not None:
            return self.waits
        return f"has failed since {self._told}: {self._last}" if self.lasting else None
