"""What stands in a consumer's way, since when, and whether it is time to say so."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from aiokafka.errors import KafkaError

from libs.common.db.errors import UNAVAILABLE
from libs.common.telemetry import metrics

log = structlog.get_logger()
TRANSIENT = (*UNAVAILABLE, KafkaError)
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0  # seconds


@dataclass
class Failing:
    """What has failed without a break: since when, by the counter and in words, and of what last."""

    began: float
    since: str
    error: str = ""
    alarmed: bool = False


@dataclass
class Trouble:
    """One consumer's. `patience` is in seconds; `now` counts seconds from anywhere.

    What fails is told apart by what it is about: a partition, or None for all of them.
    """

    topic: str
    patience: float = 120.0
    now: Callable[[], float] = time.monotonic  # machine time
    waits: str | None = None
    _failing: dict[Hashable, Failing] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        metrics.CONSUMER_STUCK.labels(self.topic).set_function(lambda: 0 if self.reason is None else 1)

    def failed(self, error: BaseException, about: Hashable = None) -> None:
        """Something that passes by itself has not passed yet."""
        if (failing := self._failing.get(about)) is None:
            since = datetime.now(UTC).isoformat(timespec="seconds")  # machine time
            failing = self._failing[about] = Failing(self.now(), since)
        failing.error = f"{type(error).__name__}: {error}"
        if self._lasts(failing) and not failing.alarmed:
            failing.alarmed = True
            log.error("consumer-stuck", topic=self.topic, since=failing.since, error=failing.error)

    def over(self, about: Hashable = None) -> None:
        """It went on."""
        self._failing.pop(about, None)

    def wait(self, why: str | None) -> None:
        """Stopped on purpose, or no more."""
        self.waits = why
        if why is not None:
            log.error("consumer-stopped", topic=self.topic, why=why)

    def _lasts(self, failing: Failing) -> bool:
        return self.now() - failing.began >= self.patience

    @property
    def reason(self) -> str | None:
        """Why the consumer is not well, in words; None when it is."""
        if self.waits is not None:
            return self.waits
        lasting = [failing for failing in self._failing.values() if self._lasts(failing)]
        if not lasting:
            return None
        longest = min(lasting, key=lambda failing: failing.began)
        return f"has failed since {longest.since}: {longest.error}"
