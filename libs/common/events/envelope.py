"""CloudEvents 1.0 over Kafka. Ours are in binary mode: an event's fields in the body, all about it in `ce_` headers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from libs.common import exact
from libs.common.events import structured
from libs.common.events.ids import event_id
from libs.common.strings import Plain, quoted

Headers = Sequence[tuple[str, bytes | None]]
# Of what names an event much is kept: its id and source in an index, all of it with what is refused.
TEXTS = {"id": Plain(200), "source": Plain(200), "type": Plain(100), "subject": Plain(2000)}

NEEDED = ("id", "source", "type")
# Ours alone: of an event from outside its data says what it is about and of which day, and these say nothing more.
OURS = (*NEEDED, "subject", "time")
ONCE = {
    "authorization",
    "content-type",
    *(f"ce_{name}" for name in OURS),
}  # of two it would not be known which is meant
ATTRIBUTES = frozenset({"id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"})
# The extensions that the CloudEvents project documents. None of them changes what an event says to us; any other name
# is taken for a slip of the pen, since a misspelt `time` would be an extension too.
EXTENSIONS = frozenset(
    {
        "authclaims",
        "authid",
        "authtype",
        "causationid",
        "correlationid",
        "dataref",
        "expirytime",
        "partitionkey",
        "recordedtime",
        "sampledrate",
        "sequence",
        "sequencetype",
        "severitynumber",
        "severitytext",
        "traceparent",
        "tracestate",
    }
)
OUTSIDE = "jianfu.intake."
TOLD = 10
MISSING = (
    "it is missing; expected a CloudEvents 1.0 record in binary mode, with ce_ headers, "
    f"or in structured mode, of content-type {structured.TAKEN}"
)


def from_outside(topic: str) -> bool:
    """Whether strangers write on a topic: what is not known there is a slip, and not a newer version of ours."""
    return topic.startswith(OUTSIDE)


class Event(BaseModel):
    """One fact, past tense. Subclasses say where it travels and which fields name its aggregate.

    `KEY` is the field whose value keys the Kafka record; `SUBJECT` the field that names the aggregate.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    SOURCE: ClassVar[str]
    KEY: ClassVar[str]
    SUBJECT: ClassVar[str]


class Malformed(Exception):
    """A record is no CloudEvent; `code` and the text say which of its attributes are at fault, up to ten."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.code = "malformed"
        self.faults = tuple(faults[:TOLD])
        self.field = faults[0][0]
        more = f"; {len(faults)} faults in all" if len(faults) > TOLD else ""
        super().__init__("; ".join(f"{field}: {why}" for field, why in faults[:TOLD]) + more)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event ready for the outbox."""

    topic: str
    key: bytes
    body: bytes
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record's envelope, checked; `body` is still JSON text. `sequence` is the aggregate's version."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    sequence: int
    traceparent: str | None
    authorization: str | None
    key: bytes | None
    body: bytes
    appended: float | None = None  # seconds since 1970, where the broker and not the sender says so


def pack(event: Event, *, sequence: int, time: datetime, traceparent: str | None = None) -> Outgoing:
    """Wrap an event; `time` is business time and `sequence` the version of its aggregate (from 1)."""
    subject = str(getattr(event, event.SUBJECT))
    headers: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id(event.TYPE, subject, sequence)).encode()),
        ("ce_source", event.SOURCE.encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_dataschema", f"urn:jianfu:schema:{event.TYPE}".encode()),
        ("ce_sequence", str(sequence).encode()),
        ("content-type", b"application/json"),
    ]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return Outgoing(
        topic=event.TOPIC,
        key=str(getattr(event, event.KEY)).encode(),
        body=event.model_dump_json().encode(),
        headers=tuple(headers),
    )


def unpack(
    headers: Headers, *, key: bytes | None, value: bytes | None, at: float | None = None, outside: bool = False
) -> Incoming:
    """Read the envelope of a record that the broker took `at` a time; of one from `outside` every attribute is known.

    The record's content-type says whether it is in structured or in binary mode. Raises Malformed naming the
    attributes that are missing, unreadable or unknown.
    """
    faults: list[tuple[str, str]] = []
    texts = _texts(headers, faults)
    unknown = [name for name in texts if _unknown(name)]
    if structured.media_type(texts.get("content-type")).startswith(structured.MEDIA):
        opened = structured.opened(texts, value, faults)
        if opened is None:
            raise Malformed(faults)
        prefix, (found, body) = "", opened
        unknown += [quoted(name, 100) for name in found if name not in ATTRIBUTES | EXTENSIONS]
    else:
        prefix, body = "ce_", value
        found = {name.removeprefix("ce_"): text for name, text in texts.items() if name.startswith("ce_")}
    if outside:
        faults += [(name, _expected(prefix)) for name in unknown]
    known = {field for field, _ in faults}
    for name in NEEDED if outside else OURS:
        if not found.get(name) and f"{prefix}{name}" not in known:
            faults.append((f"{prefix}{name}", MISSING))
    if prefix and body is None:
        faults.append(("value", "the record has no body; expected a JSON object"))
    time = _read(found, prefix, faults)
    if faults or body is None:
        raise Malformed(faults)
    return Incoming(
        id=found["id"],
        source=found["source"],
        type=found["type"],
        subject=found.get("subject"),
        time=time,
        sequence=int(found.get("sequence", "0")),
        traceparent=texts.get("traceparent"),
        authorization=texts.get("authorization"),
        key=key,
        body=body,
        appended=at,
    )


def _read(found: dict[str, str], prefix: str, faults: list[tuple[str, str]]) -> datetime | None:
    """Bring attributes into the form in which they are stored, and answer the event's time."""
    time = None
    for name, text in found.items():
        try:
            if name in OURS and not text and name not in NEEDED:
                raise ValueError("it is empty; expected a value, or no such attribute")
            if name in TEXTS and text:
                found[name] = TEXTS[name].clean(text)
            elif name == "time":
                time = exact.instant(text)
            elif name == "specversion" and text != "1.0":
                raise ValueError("expected 1.0")
            elif name == "sequence" and not re.fullmatch("[0-9]{1,18}", text):
                raise ValueError("expected a whole number")
        except ValueError as error:
            if (f"{prefix}{name}", MISSING) not in faults:
                faults.append((f"{prefix}{name}", str(error)))
    return time


def _expected(prefix: str) -> str:
    known = ", ".join(f"{prefix}{name}" for name in sorted(ATTRIBUTES))
    return (
        f"no attribute is called so; expected {known} "
        f"or an extension that CloudEvents documents, such as {prefix}traceparent"
    )


def _texts(headers: Headers, faults: list[tuple[str, str]]) -> dict[str, str]:
    """The headers that are for us to read, by their names in small letters; of two of one name the first."""
    found: dict[str, str] = {}
    for name, raw in headers:
        if raw is None:
            if name.startswith("ce_"):
                faults.append((name, "the header is null; expected UTF-8 text"))
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            if name.lower().startswith("ce_") or name.lower() == "authorization":  # others are not for us to read
                faults.append((name, "the header is not UTF-8"))
            continue
        if found.setdefault(name.lower(), text) != text and name.lower() in ONCE:
            faults.append((name, "the header stands there twice, with two values"))
    return found


def _unknown(name: str) -> bool:
    """Whether a header is meant as an attribute of CloudEvents, and none is called so."""
    if name.startswith("ce-"):  # as the attributes are written over HTTP, where they would be obeyed
        return True
    return name.startswith("ce_") and name.removeprefix("ce_") not in ATTRIBUTES | EXTENSIONS
