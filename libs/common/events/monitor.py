"""What the monitor tells: findings and their ends, answers to rechecks, the health of sources."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.common.events import vocabularies
from libs.common.events.envelope import Event
from libs.common.events.vocabularies import Rule, Verdict

# What this version writes; a reader may meet more.
Proposal = Literal["closure", "correction"]
Label = Literal["FOUND", "FRAG", "SECOND-HAND", "RECALLED", "ASSUMED"]


class SignalRead(BaseModel):
    """One value a rule read: None is unknown. `as_of` is the day the value speaks for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    value: float | None
    source: str | None
    as_of: date | None


class _Finding(Event):
    TOPIC: ClassVar[str] = "jianfu.monitor"
    SOURCE: ClassVar[str] = "/monitor"
    KEY: ClassVar[str] = "asset_id"
    SUBJECT: ClassVar[str] = "finding_id"

    finding_id: UUID
    asset_id: UUID
    rule: Rule
    business_day: date


class FindingOpened(_Finding):
    """A rule became true of an asset; with all that is needed to recompute it."""

    TYPE: ClassVar[str] = "finding.opened"

    proposal: vocabularies.Proposal
    verdict: Verdict
    pack: str
    pack_version: str
    when: str
    basis: str
    label: vocabularies.Label
    signals: tuple[SignalRead, ...]
    clears_when: str
    opened_at: datetime
    title: str | None = None  # the rule in words, Chinese / English


class FindingCleared(_Finding):
    """A rule that had opened a finding is no longer true of the asset, as seen by the daily sweep."""

    TYPE: ClassVar[str] = "finding.cleared"

    reason: str
    cleared_at: datetime


class _Answer(Event):
    """An answer to one `recheck.requested`; `case_id` and `request` echo the question."""

    TOPIC: ClassVar[str] = "jianfu.monitor"
    SOURCE: ClassVar[str] = "/monitor"
    KEY: ClassVar[str] = "asset_id"
    SUBJECT: ClassVar[str] = "request_id"

    request_id: UUID
    case_id: UUID
    finding_id: UUID
    asset_id: UUID
    rule: Rule
    business_day: date
    signals: tuple[SignalRead, ...]


class FindingConfirmed(_Answer):
    """The rule is still true on this business day."""

    TYPE: ClassVar[str] = "finding.confirmed"


class FindingRefuted(_Answer):
    """The rule is no longer true on this business day."""

    TYPE: ClassVar[str] = "finding.refuted"


class RecheckInconclusive(_Answer):
    """Nothing can be said today, since a signal is missing or its source unhealthy; the gate stays shut."""

    TYPE: ClassVar[str] = "recheck.inconclusive"

    why: str


class _SourceHealth(Event):
    TOPIC: ClassVar[str] = "jianfu.monitor"
    SOURCE: ClassVar[str] = "/monitor"
    KEY: ClassVar[str] = "source"
    SUBJECT: ClassVar[str] = "source"

    source: str
    business_day: date
    reason: str


class SourceUnhealthy(_SourceHealth):
    """A source is late, partial or broken: its silence proves nothing."""

    TYPE: ClassVar[str] = "source.unhealthy"


class SourceRecovered(_SourceHealth):
    """A source again vouches for its days."""

    TYPE: ClassVar[str] = "source.recovered"
