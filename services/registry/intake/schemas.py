"""The bodies of the routes by which declarations come in, with an example each."""

import base64
from typing import Annotated, Any, Literal

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
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted
from libs.common.events.structured import DATA, media_type
from libs.common.exact import Instant
from libs.common.http.bodies import Body
from libs.common.http.problems import Problem
from libs.common.strings import Plain
from libs.common.text import Text
from services.registry.assets.schemas import Outcome

DECLARATION: dict[str, JsonValue] = {
    "source": "city-list",
    "on": "2025-06-01",
    "kind": "account",
    "platform": "微博",
    "address": "https://weibo.com/chengdufabu",
    "name": "成都发布",
    "language": "zh",
    "sponsor": {"scheme": "cn-uscc", "value": "11510100009182519N", "name": "成都市人民政府办公厅", "language": "zh"},
}
EVENTS: dict[str, type[AssetDeclared] | type[AssetCorrected] | type[AssetDelisted]] = {
    model.TYPE: model for model in (AssetDeclared, AssetCorrected, AssetDelisted)
}


class Declaration(AssetDeclared):
    """One asset as a source lists it; `address` is its URL, package name or group id."""

    model_config = ConfigDict(json_schema_extra={"example": DECLARATION})


class CloudEvent(Body):
    """A CloudEvent 1.0 in structured mode; the same `source` and `id` again from one sender is the same event.

    Beside these attributes it may carry the extensions that CloudEvents documents, such as `traceparent`. Its data may
    also stand in base64 under `data_base64`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "specversion": "1.0",
                "id": "2025-06-01/17",
                "source": "/city-list",
                "type": "asset.declared",
                "time": "2025-06-01T01:00:00Z",
                "data": DECLARATION,
            }
        }
    )

    id: Annotated[str, Plain(200)]
    source: Annotated[str, Plain(200)]
    type: Literal["asset.declared", "asset.corrected", "asset.delisted"]
    specversion: Literal["1.0"] = "1.0"
    time: Instant | None = None
    subject: Annotated[str, Plain(2000)] | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, Plain(2000)] | None = None
    data: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """Without extensions, and without nulls, which JSON may write for an absent attribute."""
        if not isinstance(given, dict):
            return given
        absent = {name for name in (*ATTRIBUTES, *DATA) if given.get(name, "") is None}
        stated = {name: given[name] for name in given if name not in EXTENSIONS | absent}
        if isinstance(kind := stated.get("datacontenttype"), str):
            stated["datacontenttype"] = media_type(kind)
        if "data_base64" in stated:
            stated["data"] = _unpacked(stated.pop("data_base64"), alone="data" not in stated)
        return stated

    @field_validator("data")
    @classmethod
    def _as_its_type_says(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Judged here, so that one answer names the errors of envelope and data."""
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
    why = Unfit(
        Text("须为 base64 编码的 JSON,且不得另有 data", "expected the event's JSON object in base64, and no data")
    )
    error = InitErrorDetails(type="value_error", loc=("data_base64",), input=None, ctx={"error": why})
    raise ValidationError.from_exception_data("CloudEvent", [error])


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
