"""What the decommission service tells: each step of a case, and its question to the monitor."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from libs.common.events.envelope import Event
from libs.common.events.vocabularies import Answer, Label, Outcome, Rule


class RecheckRequested(Event):
    """Is this finding still true now? Asked before each gate that needs it."""

    TYPE: ClassVar[str] = "recheck.requested"
    TOPIC: ClassVar[str] = "jianfu.decommission"
    SOURCE: ClassVar[str] = "/decommission"
    KEY: ClassVar[str] = "asset_id"
    SUBJECT: ClassVar[str] = "request_id"

    request_id: UUID
    case_id: UUID
    finding_id: UUID
    asset_id: UUID
    rule: Rule
    business_day: date


class _Case(Event):
    """`log_sha256` is the last hash of the case's log: outside its database nobody can make it another."""

    TOPIC: ClassVar[str] = "jianfu.decommission"
    SOURCE: ClassVar[str] = "/decommission"
    KEY: ClassVar[str] = "asset_id"
    SUBJECT: ClassVar[str] = "case_id"

    case_id: UUID
    asset_id: UUID
    version: int
    at: datetime
    log_sha256: str | None = None


class CaseOpened(_Case):
    """A case was opened from a finding."""

    TYPE: ClassVar[str] = "case.opened"
    finding_id: UUID
    rule: Rule


class CaseNoticed(_Case):
    """The unit's signed receipt proves the notice of this very asset."""

    TYPE: ClassVar[str] = "case.noticed"
    notice_sha256: str


class CaseUndelivered(_Case):
    """A notice has no proof of delivery; the case does not move on."""

    TYPE: ClassVar[str] = "case.undelivered"
    why: str


class CaseAnswered(_Case):
    """The unit answered."""

    TYPE: ClassVar[str] = "case.answered"
    answer: Answer


class CaseApproved(_Case):
    """The sealed plan that holds the case has its approvals."""

    TYPE: ClassVar[str] = "case.approved"
    plan_id: UUID
    plan_sha256: str


class CaseStopped(_Case):
    """The target was told to stop and answered; that is no proof yet. The asset need no longer be watched."""

    TYPE: ClassVar[str] = "case.stopped"


class CaseVerified(_Case):
    """Probes over several days found the asset gone."""

    TYPE: ClassVar[str] = "case.verified"


class CaseUnverified(_Case):
    """The target said it stopped but the asset still answers: an alarm, never a closure."""

    TYPE: ClassVar[str] = "case.unverified"
    why: str


class CaseRestored(_Case):
    """A stopped asset was brought back within its restore window and seen to answer."""

    TYPE: ClassVar[str] = "case.restored"


class CaseEnded(_Case):
    """A case ended without a closure."""

    TYPE: ClassVar[str] = "case.ended"
    outcome: Outcome
    reason: str


class CaseHeld(_Case):
    """A hold stopped the case's clock, or its end started it again."""

    TYPE: ClassVar[str] = "case.held"
    held: bool
    reason: str
    until: date | None


class CaseClosed(_Case):
    """Checked closed and disposed of: what the tombstone says."""

    TYPE: ClassVar[str] = "case.closed"
    rule: Rule
    reason: str
    closed_on: date
    stopped_on: date
    plan_sha256: str
    archive_sha256: str
    successor: str | None = None
    # The rule as the pack that judged it has it; texts are Chinese / English.
    title: str | None = None
    basis: str | None = None
    label: Label | None = None
    pack: str | None = None
    pack_version: str | None = None
