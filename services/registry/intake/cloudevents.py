"""CloudEvents over HTTP (protocol binding 1.0.2): which mode a request is in, and the envelopes that it carries.

An envelope is the JSON object of structured mode, whatever the mode; a model says what it has to hold.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from libs.common.errors import Unfit
from libs.common.events.structured import AGREE, DATA, MEDIA, TAKEN, media_type

BATCH = "application/cloudevents-batch+json"
_ENCODED = re.compile(rb"(?:[!-$&-~ ]|%[0-9A-Fa-f]{2})*")  # binding §3.1.3.2: what is not ASCII stands encoded
TWICE = ("出现两次且取值不同", "it stands there twice, with two values")
FORM = ("须为百分号编码的 UTF-8 文本", "expected UTF-8 text, percent-encoded where it is not ASCII")
NAME = ("没有这个属性;属性名以 ce- 开头", "no attribute is called so; over HTTP their names begin with ce-")
UTF8 = ("须为 UTF-8", "expected charset=utf-8")
DIFFERS = ("与事件中的取值不同", "it is another than the event in the body says")
OTHER = (
    f"须为 {TAKEN}、{BATCH},或以 ce- 头表示的二进制模式",
    f"expected {TAKEN}, {BATCH}, or ce- headers in binary mode",
)


class NoEvent(RequestValidationError):
    """What came is no event; `read_as` is the model that it is none of."""

    def __init__(self, faults: Sequence[Any], read_as: Any = None) -> None:
        super().__init__(faults)
        self.read_as = read_as


@dataclass(frozen=True, slots=True)
class Sent:
    """The envelopes as they were written; those of a `batch` may be anything."""

    envelopes: tuple[Any, ...]
    batch: bool = False
    binary: bool = False

    def events(self, model: type[BaseModel]) -> "Iterable[Any | NoEvent]":
        """Each envelope as the model has it, or why it is none: places are named as its sender wrote them."""
        for envelope in self.envelopes:
            try:
                yield model.model_validate(envelope)
            except ValidationError as error:
                found = error.errors(include_url=False, include_input=False)
                yield NoEvent([fault | {"loc": self._place(fault["loc"])} for fault in found], model)

    def _place(self, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
        if not self.binary:
            return ("body", *loc)
        if loc[:1] == ("data",):
            return ("body", *loc[1:])
        return ("header", "content-type" if loc == ("datacontenttype",) else f"ce-{loc[0]}")


def sent(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Sent:
    """What a request carries. Raises NoEvent where that cannot be said, HTTPException 400 as for any body."""
    content, attributes, faults = "", dict[str, str](), list[Any]()
    for name, raw in headers:
        if name == b"content-type":
            content = raw.decode("latin-1")
        elif name.startswith((b"ce-", b"ce_")):
            _attribute(name.decode("latin-1"), raw, attributes, faults)
    media = media_type(content)
    charset = re.search(r"charset=\"?([^\s;\"]+)", content, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        faults.append(_fault("content-type", UTF8))
    if media.startswith(MEDIA) and media not in (TAKEN, BATCH):
        faults.append(_fault("content-type", OTHER))
    if faults:
        raise NoEvent(faults)
    told = _json(body)
    if media == BATCH:
        if not isinstance(told, list):
            raise NoEvent([{"type": "list_type", "loc": ("body",), "msg": "expected a list of events"}])
        return Sent(tuple(told), batch=True)
    if media == TAKEN or not attributes:
        said = told if isinstance(told, dict) else {}
        differing = [name for name in AGREE if attributes.get(name, said.get(name)) != said.get(name)]
        if differing:  # binding §3.2.2: what the headers repeat, they repeat
            raise NoEvent([_fault(f"ce-{name}", DIFFERS) for name in differing])
        return Sent((told,))
    return Sent(({"datacontenttype": media or "application/json", **attributes, "data": told},), binary=True)


def _attribute(name: str, raw: bytes, attributes: dict[str, str], faults: list[Any]) -> None:
    """One header of binary mode: its value percent-decoded once."""
    attribute = name.removeprefix("ce-")
    if attribute == name or attribute in DATA:  # `ce_` is how Kafka writes it, and data stands in the body
        faults.append(_fault(name, NAME))
        return
    try:
        if not _ENCODED.fullmatch(raw):
            raise ValueError
        text = unquote_to_bytes(raw).decode()
    except ValueError:
        faults.append(_fault(name, FORM))
        return
    if attributes.setdefault(attribute, text) != text:
        faults.append(_fault(name, TWICE))


def _fault(name: str, why: tuple[str, str]) -> dict[str, Any]:
    return {"type": "value_error", "loc": ("header", name), "msg": why[1], "ctx": {"error": Unfit(*why)}}


def _json(body: bytes) -> Any:
    """The body, read as FastAPI reads one."""
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "", "ctx": {"error": error.msg}}
        raise NoEvent([fault]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
