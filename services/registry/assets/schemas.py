"""The bodies of the routes about assets. The record is shown with the fields that its events carry."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.events.intake import Kind
from libs.common.events.registry import AssetRecord, RecordState, RunningState
from libs.common.exact import Day
from libs.common.http.bodies import Body
from libs.common.http.paging import Page
from libs.common.strings import Plain

ACCOUNT_ID = "8e8ba1b0-65d3-5b1c-a1f5-5cf1b7b1a2c4"
UNIT_ID = "2f0a9f4e-8f0e-5c36-9d57-6d0f4e0f7a11"
RECORD: dict[str, JsonValue] = {
    "asset_id": ACCOUNT_ID,
    "version": 3,
    "kind": "account",
    "platform": "weibo",
    "identity": "chengdufabu",
    "incarnation": 1,
    "address": "https://weibo.com/chengdufabu",
    "name": "成都发布",
    "language": "zh",
    "sponsor_id": UNIT_ID,
    "record": "draft",
    "running": "online",
    "source": "city-list",
    "listed_on": "2025-06-01",
    "opened_on": None,
    "changed_at": "2025-09-01T04:00:00Z",
}


class Asset(AssetRecord):
    """The current record of an asset. `previous_id` is the closed asset that this one reopens."""

    model_config = ConfigDict(json_schema_extra={"example": RECORD | {"previous_id": None}})

    # Events keep these open for other readers; the API shows only the states of the register.
    kind: Kind
    record: RecordState
    running: RunningState
    previous_id: UUID | None = None


class Assets(Page[Asset]):
    """A page of assets; ask again with `cursor=next`."""


class Version(BaseModel):
    """One version: the whole record as it then stood, who changed it, what caused it and why."""

    version: int
    at: datetime
    actor: str
    cause: str = Field(description="事件、导入或请求 the event, import or request that caused it")
    outcome: str
    note: str | None
    record: dict[str, Any]


class Versions(Page[Version]):
    """A page of versions, oldest first; ask again with `cursor=next`."""


class Correction(Body):
    """Facts that may be corrected without touching identity; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "成都发布", "language": "zh"}})

    name: Annotated[str, Plain(400)] | None = None
    language: Annotated[str, Plain(20, least=0)] | None = None
    opened_on: Day | None = None


class Reason(Body):
    """Why an exception is made."""

    reason: Annotated[str, Plain(1000, lines=True)] = Field(
        examples=["误关停,经市政府办公室同意恢复 closed by mistake"]
    )


class Outcome(BaseModel):
    """What an event did, and to which asset; of a `duplicate` that is the twin. A person should look at a `warning`.

    `outdated` warns of an event that changed nothing because its source has already spoken of a later day.
    """

    outcome: Literal["registered", "amended", "unchanged", "gone", "restored", "held", "duplicate"]
    asset_id: UUID
    warning: str | None = None


class Count(BaseModel):
    """How many assets are in one state."""

    kind: Kind
    platform: str
    record: RecordState
    running: RunningState
    assets: int


class Counts(Page[Count]):
    """Counts by kind, platform and state; never by unit or person."""

    next: str | None = None
