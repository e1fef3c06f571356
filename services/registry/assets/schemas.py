"""The bodies of the HTTP interface, with an example each."""

import base64
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, from_json

from libs.common.errors import Unfit
from libs.common.events.envelope import ATTRIBUTES, EXTENSIONS
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, Kind
from libs.common.events.registry import RecordState, RunningState
from libs.common.events.structured import DATA, media_type
from libs.common.exact import Day, Instant
from libs.common.http.bodies import Body
from libs.common.http.problems import Problem
from libs.common.text import Text

ACCOUNT_ID = "8e8ba1b0-65d3-5b1c-a1f5-5cf1b7b1a2c4"
UNIT_ID = "2f0a9f4e-8f0e-5c36-9d57-6d0f4e0f7a11"
RECORD: dict[str, JsonValue] = {
    "asset_id": ACCOUNT_ID, "version": 3, "kind": "account", "platform": "weibo", "identity": "chengdufabu",
    "incarnation": 1, "address": "https://weibo.com/chengdufabu", "name": "成都发布", "language": "zh",
    "sponsor_id": UNIT_ID, "record": "draft", "running": "online", "source": "city-list", "listed_on": "2025-06-01",
    "opened_on": None, "changed_at": "2025-09-01T04:00:00Z",
}  # fmt: skip
DECLARATION: dict[str, JsonValue] = {
    "source": "city-list", "on": "2025-06-01", "kind": "account", "platform": "微博",
    "address": "https://weibo.com/chengdufabu", "name": "成都发布", "language": "zh",
    "sponsor": {"scheme": "cn-uscc", "value": "11510100009182519N", "name": "成都市人民政府办公厅", "language": "zh"},
}  # fmt: skip
EVENTS: dict[str, type[AssetDeclared] | type[AssetCorrected] | type[AssetDelisted]] = {
    model.TYPE: model for model in (AssetDeclared, AssetCorrected, AssetDelisted)
}


class Declaration(AssetDeclared):
    """One asset as a source lists it; `address` is its URL, package name or group id."""

    model_config = ConfigDict(json_schema_extra={"example": DECLARATION})


class Asset(BaseModel):
    """The current record of an asset. `previous_id` is the closed asset that this one reopens."""

    model_config = ConfigDict(json_schema_extra={"example": RECORD | {"previous_id": None}})

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
    record: RecordState
    running: RunningState
    source: str
    listed_on: date
    opened_on: date | None
    changed_at: datetime
    previous_id: UUID | None = None


class Assets(BaseModel):
    """A page of assets; ask again with `cursor=next`."""

    items: list[Asset]
    next: str | None


class Version(BaseModel):
    """One version: the whole record as it then stood, who changed it, what caused it and why."""

    version: int
    at: datetime
    actor: str
    cause: str = Field(description="事件、导入或请求 the event, import or request that caused it")
    outcome: str
    note: str | None
    record: dict[str, Any]


class Versions(BaseModel):
    """A page of versions, oldest first; ask again with `cursor=next`."""

    items: list[Version]
    next: str | None


class Correction(Body):
    """Facts that may be corrected without touching identity; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "成都发布", "language": "zh"}})

    name: Annotated[str, Text(400)] | None = None
    language: Annotated[str, Text(20, least=0)] | None = None
    opened_on: Day | None = None


class Reason(Body):
    """Why an exception is made."""

    reason: Annotated[str, Text(1000, lines=True)] = Field(examples=["误关停,经市政府办公室同意恢复 closed by mistake"])


class CloudEvent(Body):
    """A CloudEvent 1.0 in structured mode; the same `source` and `id` again from one sender is the same event.

    Beside these attributes it may carry the extensions that CloudEvents documents, such as `traceparent`. Its data may
    also stand in base64 under `data_base64`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "specversion": "1.0", "id": "2025-06-01/17", "source": "/city-list", "type": "asset.declared",
                "time": "2025-06-01T01:00:00Z", "data": DECLARATION,
            }
        }
    )  # fmt: skip

    id: Annotated[str, Text(200)]
    source: Annotated[str, Text(200)]
    type: Literal["asset.declared", "asset.corrected", "asset.delisted"]
    specversion: Literal["1.0"] = "1.0"
    time: Instant | None = None
    subject: Annotated[str, Text(2000)] | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, Text(2000)] | None = None
    data: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """Without extensions and without what is null, which JSON may write for what is not there."""
        if not isinstance(given, dict):
            return given
        unsaid = {name for name in (*ATTRIBUTES, *DATA) if given.get(name, "") is None}
        told = {name: given[name] for name in given if name not in EXTENSIONS | unsaid}
        if isinstance(kind := told.get("datacontenttype"), str):
            told["datacontenttype"] = media_type(kind)
        if "data_base64" in told:
            told["data"] = _unpacked(told.pop("data_base64"), alone="data" not in told)
        return told

    @field_validator("data")
    @classmethod
    def _as_its_type_says(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Judged here, so that the faults of envelope and data are told together."""
        if (model := EVENTS.get(info.data.get("type", ""))) is not None:
            model.model_validate(data)
        return data


def _unpacked(packed: Any, *, alone: bool) -> Any:
    """The data that an envelope holds in base64. Raises ValidationError."""
    try:
        if alone and isinstance(packed, str):
            return from_json(base64.b64decode(packed, validate=True), allow_inf_nan=False)
    except ValueError:  # binascii.Error is one
        pass
    why = Unfit("须为 base64 编码的 JSON,且不得另有 data", "expected the event's JSON object in base64, and no data")
    fault = InitErrorDetails(type="value_error", loc=("data_base64",), input=None, ctx={"error": why})
    raise ValidationError.from_exception_data("CloudEvent", [fault])


class Outcome(BaseModel):
    """What an event did, and to which asset; of a `duplicate` that is the twin. A person should look at a `warning`.

    `outdated` warns of an event that changed nothing because its source has already spoken of a later day.
    """

    outcome: Literal["registered", "amended", "unchanged", "gone", "restored", "held", "duplicate"]
    asset_id: UUID
    warning: str | None = None


class EventVerdict(BaseModel):
    """What became of one event of a batch: the `status` and the answer that it would have got alone."""

    index: int = Field(description="序号,自 0 起 its place in the batch, from 0")
    id: str | None = Field(description="事件编号 as far as it can be read")
    status: int
    outcome: Outcome | None = None
    problem: Problem | None = None


class EventVerdicts(BaseModel):
    """A verdict for each event of a batch, in its order."""

    items: list[EventVerdict]


class Verdict(BaseModel):
    """What became of one row, or with `row` null of one asset that a complete file lacks."""

    row: int | None = Field(description="行号,自文件首行起 line of the file, counted from 1")
    verdict: Literal["added", "amended", "unchanged", "restored", "duplicate", "refused", "gone", "held"]
    code: str | None = None
    field: str | None = None
    detail: str | None = None
    detail_zh: str | None = None
    asset_id: UUID | None = None
    twin_id: UUID | None = None
    twin_row: int | None = None


class ImportReport(BaseModel):
    """What a file does or would do; running it again changes nothing."""

    import_id: UUID
    mode: Literal["dry-run", "apply"]
    rows: int
    header_row: int = Field(description="表头所在行 the line on which the header stands")
    unknown_columns: list[str] = Field(description="未读取的列 columns that stand for no field and were not read")
    summary: dict[str, int] = Field(examples=[{"added": 1799, "duplicate": 3, "refused": 0, "gone": 0, "held": 0}])
    verdicts: list[Verdict]


class Held(BaseModel):
    """A disappearance that waits for a person."""

    disappearance_id: UUID
    source: str
    asset_id: UUID
    kind: Kind
    platform: str
    identity: str
    name: str
    at: datetime
    cause: str


class HeldPage(BaseModel):
    """Disappearances that wait for a person; ask again with `cursor=next`."""

    items: list[Held]
    next: str | None


class Decision(Body):
    """What a person decides on a held disappearance: `apply` lets it happen, `drop` keeps the asset listed."""

    decision: Literal["apply", "drop"]
    reason: Annotated[str, Text(1000, lines=True)] = Field(examples=["来源已确认 confirmed by the source"])


class DayDecision(Decision):
    """What a person decides on all that is held of one source since one day."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "source": "city-list",
                "day": "2025-06-01",
                "decision": "apply",
                "reason": "来源已确认 confirmed by the source",
            }
        }
    )

    source: Annotated[str, Text(100)]
    day: Day = Field(description="被暂存之日(业务时区) the business day since which they are held")


class DayDecided(BaseModel):
    """How many were decided by this call, what became of their assets, and how many of the day still wait."""

    decided: int
    gone: int
    unchanged: int
    left: int = Field(description="尚待处理,可再次提交 still waiting: send the same again")


class Count(BaseModel):
    """How many assets are in one state."""

    kind: Kind
    platform: str
    record: RecordState
    running: RunningState
    assets: int


class Counts(BaseModel):
    """Counts by kind, platform and state; never by unit or person."""

    items: list[Count]
    next: str | None = None
