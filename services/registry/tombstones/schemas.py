"""The public view of a closed asset."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.events.intake import Kind


class SponsorName(BaseModel):
    """One name of a unit in one language (BCP 47, `und` where unknown)."""

    language: str
    text: str


class Sponsor(BaseModel):
    """The unit that answers for an asset 主办单位. `name` is in the language asked for where it has one in that."""

    unit_id: UUID
    name: str
    names: list[SponsorName]


class Words(BaseModel):
    """A sentence in both languages."""

    zh: str
    en: str


class Tombstone(BaseModel):
    """When and why an asset was closed, whose it was, what replaces it and what comes next.

    `title` says the rule in words, `basis` on what it rests and `label` how well that is established, as the version of
    the policy pack has them that judged it; null for what was closed before that was kept.
    """

    asset_id: UUID
    case_id: UUID
    kind: Kind
    name: str
    platform: str
    identity: str
    address: str
    closed_on: date
    stopped_on: date
    rule: str
    title: str | None = Field(description="规则文字 the rule in words, Chinese / English")
    basis: str | None
    label: str | None
    pack: str | None
    pack_version: str | None
    reason: str
    successor: str | None
    unit: Sponsor
    next: Words = Field(description="接下来 what comes next")
    plan_sha256: str
    archive_sha256: str
    reopened_as: UUID | None
