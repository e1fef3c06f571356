"""What the public is told: whether something is official, and how what was closed ended."""

from datetime import date
from typing import Literal
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


class Ending(BaseModel):
    """How a closed asset ended; its tombstone says more."""

    tombstone: str = Field(description="关停公示的地址 where its tombstone stands")
    stopped_on: date
    closed_on: date
    rule: str
    title: str | None = Field(description="规则文字 the rule in words, Chinese / English")
    basis: str | None
    reason: str
    successor: str | None


class Official(BaseModel):
    """One asset of the register as the public is told of it."""

    asset_id: UUID
    kind: Kind
    platform: str
    identity: str
    address: str
    name: str
    state: Literal["official", "suspended", "gone", "closed", "unknown"]
    since: date = Field(description="自何日起为此状态 since which day it has been so")
    sponsor: Sponsor
    closed: Ending | None


class Verified(BaseModel):
    """Whether an address or a name is official, and whose it is.

    `official` is only what is listed and runs. `look_alike` is none of the register's: only what nobody sees, or
    letters that look alike, separate it from the asset under `looks_like`, whose sponsor and day are told beside it.
    `assets` are those found, by name up to 20; with `more` there are others, which their addresses find.
    """

    status: Literal["official", "suspended", "gone", "closed", "unknown", "look_alike"]
    says: Words
    found_by: Literal["address", "name"]
    platform: str = Field(description="读作的平台;按名称查询的为所填平台 what it was read as being of, or was asked of")
    identity: str = Field(description="按名称查询的为空 empty where it was asked by name")
    asset_id: UUID | None = None
    name: str | None = None
    address: str | None = None
    sponsor: Sponsor | None = None
    since: date | None = None
    tombstone: str | None = None
    looks_like: Official | None = None
    assets: list[Official] = []
    more: bool = False
