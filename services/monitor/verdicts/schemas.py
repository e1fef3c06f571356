"""The API models of verdicts, findings, and explanations."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.events.monitor import SignalRead
from services.monitor.policy.pack import Established, Text
from services.monitor.policy.rulebook import recompute
from services.monitor.signals.reading import evidence


class VerdictHeld(BaseModel):
    asset_id: UUID
    verdict: str
    rule: str | None
    from_day: date = Field(description="since when it has been so")


class VerdictList(BaseModel):
    items: list[VerdictHeld]
    next: UUID | None


class Finding(BaseModel):
    """One hit of one rule on one asset, with everything needed to compute it again."""

    finding_id: UUID
    asset_id: UUID
    name: str | None = Field(description="对象现名 how the asset is called now; null where it is not known")
    platform: str | None
    address: str | None
    unit_id: UUID | None
    unit_name: str | None
    rule: str
    ordinal: int
    state: Literal["open", "cleared"]
    verdict: str
    proposal: str
    pack: str
    pack_version: str
    when: str
    basis: str
    label: str
    clears_when: str
    signals: list[SignalRead]
    agents: list[str] = Field(description="whose statements the silence rested on when it was opened 申报代理")
    recomputed: bool | None = Field(description="the truth of `when` for `signals`, computed now")
    opened_on: date
    opened_at: datetime
    cleared_on: date | None
    cleared_at: datetime | None
    cleared_because: str | None


class FindingList(BaseModel):
    items: list[Finding]
    next: str | None


def finding(row: Any) -> Finding:
    """A finding as the API shows it, its truth recomputed from the evidence it stores."""
    fields = dict(row)
    fields["when"] = fields.pop("condition")
    signals = evidence(fields["signals"])
    return Finding(**fields | {"signals": signals, "recomputed": recompute(fields["when"], signals)})


class SignalShown(BaseModel):
    """One value as it stands today; `age_days` says how old it is, None where nothing is known."""

    name: str
    value: float | None
    meaning: str
    source: str | None
    as_of: date | None
    age_days: int | None
    source_healthy: bool | None


class RuleShown(BaseModel):
    """One rule and its truth: true, false or unknown."""

    code: str
    title: Text
    truth: str = Field(pattern="^(true|false|unknown)$")
    when: str
    verdict: str
    proposal: str
    basis: Text
    level: str
    label: str = Field(description="how well the rule is established; the weakest of its parts")
    established: list[Established]
    clears_when: Text
    signals: list[SignalShown]
    finding_id: UUID | None = Field(description="the open finding, if any")


class SourceShown(BaseModel):
    """A source that speaks of the asset."""

    source: str
    healthy: bool
    code: str
    reason: str
    last_vouched: date | None
    admitted_on: date | None = Field(description="since when it is admitted; silence counts from there")
    agents: list[str] = Field(description="who may speak for it")
    watches: bool = Field(description="it is waited for: while it is ill, the asset is UNKNOWN")


class Why(BaseModel):
    """An asset's verdict today, and at the last sweep that judged it."""

    asset_id: UUID
    day: date
    watched: bool
    verdict: str | None = Field(description="as the data stand now; none for what is not watched")
    rule: str | None
    swept_verdict: str | None = Field(description="as the last sweep concluded")
    swept_since: date | None
    rules: list[RuleShown]
    sources: list[SourceShown]
    agents: list[str] = Field(description="whose statements its silence rests on today")
    packs: dict[str, str]
