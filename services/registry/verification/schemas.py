"""The public answer: whether an address or name is official, and whose it is."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.events.intake import Kind
from services.registry.tombstones.schemas import Sponsor, Words


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
