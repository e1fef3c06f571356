"""What units' systems and usage agents tell: lifecycle of assets, usage, and what a source vouches for."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.common.events.envelope import Event
from libs.common.exact import Count, Day
from libs.common.strings import Plain

Kind = Literal["app", "account", "group"]
Measure = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class FromOutside(Event):
    """What strangers tell: a field that nobody knows is their slip, and not an addition by a newer version of ours."""

    model_config = ConfigDict(extra="forbid")


class UnitRef(BaseModel):
    """A unit as a source names it: a code under a scheme (`cn-uscc`, `ca-name`, …) and a name in a language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: Annotated[str, Plain(40)]
    value: Annotated[str, Plain(400)]
    name: Annotated[str, Plain(400)]
    language: Annotated[str, Plain(20, least=0)] = "und"


class _Declared(FromOutside):
    """The whole declaration of an asset by one source; `address` is its URL, package name or group id."""

    TOPIC: ClassVar[str] = "jianfu.intake.lifecycle"
    SOURCE: ClassVar[str] = "/intake"
    KEY: ClassVar[str] = "address"
    SUBJECT: ClassVar[str] = "address"

    source: Annotated[str, Plain(100)]
    on: Day
    kind: Kind
    platform: Annotated[str, Plain(60)]
    address: Annotated[str, Plain(2000)]
    name: Annotated[str, Plain(400)]
    language: Annotated[str, Plain(20, least=0)] = "und"
    sponsor: UnitRef
    opened_on: Day | None = None


class AssetDeclared(_Declared):
    """A source lists an asset: new to the register, or back after it was gone."""

    TYPE: ClassVar[str] = "asset.declared"


class AssetCorrected(_Declared):
    """A source states other facts about an asset it already lists."""

    TYPE: ClassVar[str] = "asset.corrected"


class AssetDelisted(FromOutside):
    """A source no longer lists an asset; that is not a closure."""

    TYPE: ClassVar[str] = "asset.delisted"
    TOPIC: ClassVar[str] = "jianfu.intake.lifecycle"
    SOURCE: ClassVar[str] = "/intake"
    KEY: ClassVar[str] = "address"
    SUBJECT: ClassVar[str] = "address"

    source: Annotated[str, Plain(100)]
    on: Day
    kind: Kind
    platform: Annotated[str, Plain(60)]
    address: Annotated[str, Plain(2000)]
    sponsor: UnitRef | None = None


class SourceStated(FromOutside):
    """What a source vouches for on one day: the assets it covered, the measures it took, how many records it sent.

    Its silence speaks of the measures that it names alone: who counts followers knows nothing of posts. Absence
    means zero only where `records` equals what arrived. A later statement of the same day replaces
    the earlier one when its `revision` is higher, which is how a source that was blind restates its days.
    """

    TYPE: ClassVar[str] = "source.stated"
    TOPIC: ClassVar[str] = "jianfu.intake.sources"
    SOURCE: ClassVar[str] = "/intake"
    KEY: ClassVar[str] = "source"
    SUBJECT: ClassVar[str] = "source"

    source: Annotated[str, Plain(100)]
    day: Day
    revision: Count = Field(default=1, ge=1)
    records: Count = Field(ge=0)
    measures: tuple[Measure, ...] = Field(default=(), max_length=40)
    assets: tuple[UUID, ...] = Field(max_length=20_000, fail_fast=True)  # or each of them would be a fault to tell
