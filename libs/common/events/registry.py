"""What the registry tells: every event carries the whole current record and its version."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.common.events import vocabularies
from libs.common.events.envelope import Event
from libs.common.events.vocabularies import Kind

# What this version writes; a reader may meet more.
RecordState = Literal["draft", "in_review", "filed", "withdrawn", "closed"]
RunningState = Literal["building", "online", "suspended", "offline", "gone"]


class UnitName(BaseModel):
    """One name of a unit in one language (BCP 47, `und` where unknown)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: str
    text: str


class UnitRecorded(Event):
    """The whole record of a unit; consumers apply only a higher version than they hold."""

    TYPE: ClassVar[str] = "unit.recorded"
    TOPIC: ClassVar[str] = "jianfu.registry.units"
    SOURCE: ClassVar[str] = "/registry"
    KEY: ClassVar[str] = "unit_id"
    SUBJECT: ClassVar[str] = "unit_id"

    unit_id: UUID
    version: int
    scheme: str
    value: str
    names: tuple[UnitName, ...]
    parent_id: UUID | None = None
    level: str | None = None
    region: str | None = None


class AssetRecord(Event):
    """The whole current record of an asset, as each registry event carries it."""

    TOPIC: ClassVar[str] = "jianfu.registry"
    SOURCE: ClassVar[str] = "/registry"
    KEY: ClassVar[str] = "asset_id"
    SUBJECT: ClassVar[str] = "asset_id"

    asset_id: UUID
    version: int
    kind: Kind
    platform: str
    identity: str
    incarnation: int
    address: str
    name: str
    language: str
    sponsor_id: UUID
    record: vocabularies.RecordState
    running: vocabularies.RunningState
    source: str
    listed_on: date
    opened_on: date | None
    changed_at: datetime


class AssetRegistered(AssetRecord):
    """An asset entered the register."""

    TYPE: ClassVar[str] = "asset.registered"


class AssetAmended(AssetRecord):
    """Facts of a recorded asset changed."""

    TYPE: ClassVar[str] = "asset.amended"


class AssetGone(AssetRecord):
    """Its source no longer lists it; no closure."""

    TYPE: ClassVar[str] = "asset.gone"


class AssetRestored(AssetRecord):
    """It is listed again after it was gone; the same record."""

    TYPE: ClassVar[str] = "asset.restored"


class AssetClosed(AssetRecord):
    """A case ended in its verified closure; the record is terminal and has a tombstone."""

    TYPE: ClassVar[str] = "asset.closed"
    tombstone_path: str
