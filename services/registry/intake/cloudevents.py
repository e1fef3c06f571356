"""CloudEvents over HTTP (protocol binding 1.0.2): which mode a request is in, and the envelopes that it carries.

An envelope is the JSON object of structured mode in every mode; a model states its required fields. Pure.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ValidationError

from libs.common.errors import Unfit
from libs.common.events.structured import AGREE, DATA, MEDIA, TAKEN, media_type
from libs.common.text import Text

BATCH = "application/cloudevents-batch+json"
_ENCODED = re.compile(rb"(?:[!-$&-~ ]|%[0-9A-Fa-f]{2})*")  # binding §3.1.3.2: all but ASCII is percent-encoded
TWICE = Text("出现两次且取值不同", "given twice, with different values")
FORM = Text("须为百分号编码的 UTF-8 文本", "expected UTF-8 text, percent-encoded where it is not ASCII")
NAME = Text("没有这个属性;属性名以 ce- 开头", "unknown attribute; over HTTP, attribute names begin with ce-")
UTF8 = Text("须为 UTF-8", "expected charset=utf-8")
DIFFERS = Text("与事件中的取值不同", "differs from the value in the event")
OTHER = Text(
    f"须为 {TAKEN}、{BATCH},或以 ce- 头表示的二进制模式",
    f"expected {TAKEN}, {BATCH}, or ce- headers in binary mode",
)


class NoEvent(Exception):
    """A request or one part of a batch is not an event; `read_as` is the model that it does not fit.

    `errors` are as pydantic reports them, each with the path at which the sender wrote the value.
    """

    def __init__(self, errors: Sequence[Any], read_as: Any = None) -> None:
        super().__init__("no event")
        self.errors = errors
        self.read_as = read_as


class NotText(Exception):
    """The body is not text, or its JSON is nested too deeply to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The envelopes that a request carries, as they were written; those of a `batch` may be anything."""

    envelopes: tuple[Any, ...]
    batch: bool = False
    binary: bool = False

    def events(self, model: type[BaseModel]) -> "Iterable[Any | NoEvent]":
        """Each envelope as the model has it, or why it does not fit, by the paths at which its sender wrote it."""
        for envelope in self.envelopes:
            try:
                yield model.model_validate(envelope)
            except ValidationError as error:
                errors = error.errors(include_url=False, include_input=False)
                yield NoEvent([each | {"loc": self._path(each["loc"])} for each in errors], model)

    def _path(self, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
        if not self.binary:
            return ("body", *loc)
        if loc[:1] == ("data",):
            return ("body", *loc[1:])
        return ("header", "content-type" if loc == ("datacontenttype",) else f"ce-{loc[0]}")


def message_of(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Message:
    """The events that a request carries. Raises NoEvent where the mode is unclear, NotText for an unreadable body."""
    content, attributes, errors = "", dict[str, str](), list[Any]()
    for name, raw in headers:
        if name == b"content-type":
            content = raw.decode("latin-1")
        elif name.startswith((b"ce-", b"ce_")):
            _attribute(name.decode("latin-1"), raw, attributes, errors)
    media = media_type(content)
    charset = re.search(r"charset=\"?([^\s;\"]+)", content, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        errors.append(_error("content-type", UTF8))
    if media.startswith(MEDIA) and media not in (TAKEN, BATCH):
        errors.append(_error("content-type", OTHER))
    if errors:
        raise NoEvent(errors)
    parsed = _json(body)
    if media == BATCH:
        if not isinstance(parsed, list):
            raise NoEvent([{"type": "list_type", "loc": ("body",), "msg": "expected a list of events"}])
        return Message(envelopes=tuple(parsed), batch=True)
    if media == TAKEN or not attributes:
        stated = parsed if isinstance(parsed, dict) else {}
        differing = [name for name in AGREE if attributes.get(name, stated.get(name)) != stated.get(name)]
        if differing:  # binding §3.2.2: a header that repeats an attribute has the same value
            raise NoEvent([_error(f"ce-{name}", DIFFERS) for name in differing])
        return Message(envelopes=(parsed,))
    envelope = {"datacontenttype": media or "application/json", **attributes, "data": parsed}
    return Message(envelopes=(envelope,), binary=True)


def _attribute(name: str, raw: bytes, attributes: dict[str, str], errors: list[Any]) -> None:
    """One header of binary mode: its value percent-decoded once."""
    attribute = name.removeprefix("ce-")
    if attribute == name or attribute in DATA:  # `ce_` is the prefix of Kafka, and data is in the body
        errors.append(_error(name, NAME))
        return
    try:
        if not _ENCODED.fullmatch(raw):
            raise ValueError
        text = unquote_to_bytes(raw).decode()
    except ValueError:
        errors.append(_error(name, FORM))
        return
    if attributes.setdefault(attribute, text) != text:
        errors.append(_error(name, TWICE))


def _error(name: str, text: Text) -> dict[str, Any]:
    return {"type": "value_error", "loc": ("header", name), "msg": text.en, "ctx": {"error": Unfit(text)}}


def _json(body: bytes) -> Any:
    """The body, read as FastAPI reads one."""
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        each = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "", "ctx": {"error": error.msg}}
        raise NoEvent([each]) from None
    except (ValueError, RecursionError):
        raise NotText from None
