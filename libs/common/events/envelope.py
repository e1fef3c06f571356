"""CloudEvents 1.0 in Kafka's binary mode: an event's fields in the body, all about it in `ce_` headers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from libs.common import exact
from libs.common.events.ids import event_id
from libs.common.text import Text

Headers = Sequence[tuple[str, bytes | None]]
# Of what names an event much is kept: its id and source in an index, all of it with what is refused.
TEXTS = {"ce_id": Text(200), "ce_source": Text(200), "ce_type": Text(100), "ce_subject": Text(2000)}

NEEDED = ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")
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
MISSING = "the header is missing; expected a CloudEvents 1.0 binary-mode record"
UNKNOWN = (
    f"no attribute is called so; expected {', '.join(f'ce_{name}' for name in sorted(ATTRIBUTES))} "
    "or an extension that CloudEvents documents, such as ce_traceparent"
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
    """A record is no CloudEvent in binary mode; `code` and the text say which headers are at fault, up to ten."""

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
    subject: str
    time: datetime
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

    Raises Malformed naming the headers that are missing, unreadable or unknown.
    """
    faults: list[tuple[str, str]] = []
    found = _texts(headers, faults)
    if outside:
        faults += [(name, UNKNOWN) for name in found if _unknown(name)]
    known = {field for field, _ in faults}
    faults += [(name, MISSING) for name in NEEDED if not found.get(name) and name not in known]
    if value is None:
        faults.append(("value", "the record has no body; expected a JSON object"))
    for name, text in TEXTS.items():
        try:
            if found.get(name):
                found[name] = text.clean(found[name])
        except ValueError as error:
            faults.append((name, str(error)))
    time = None
    try:
        time = exact.instant(found["ce_time"]) if found.get("ce_time") else None
    except ValueError as error:
        faults.append(("ce_time", str(error)))
    sequence = found.get("ce_sequence", "0")
    if not re.fullmatch("[0-9]{1,18}", sequence):
        faults.append(("ce_sequence", "expected a whole number"))
    if faults or value is None or time is None:
        raise Malformed(faults)
    return Incoming(
        id=found["ce_id"],
        source=found["ce_source"],
        type=found["ce_type"],
        subject=found["ce_subject"],
        time=time,
        sequence=int(sequence),
        traceparent=found.get("traceparent"),
        authorization=found.get("authorization"),
        key=key,
        body=value,
        appended=at,
    )


def _texts(headers: Headers, faults: list[tuple[str, str]]) -> dict[str, str]:
    """The headers that are for us to read, by their names in small letters."""
    found: dict[str, str] = {}
    for name, raw in headers:
        if raw is None:
            if name.startswith("ce_"):
                faults.append((name, "the header is null; expected UTF-8 text"))
            continue
        try:
            found[name.lower()] = raw.decode("utf-8")
        except UnicodeDecodeError:
            if name.lower().startswith("ce_") or name.lower() == "authorization":  # others are not for us to read
                faults.append((name, "the header is not UTF-8"))
    return found


def _unknown(name: str) -> bool:
    """Whether a header is meant as an attribute of CloudEvents, and none is called so."""
    if name.startswith("ce-"):  # as the attributes are written over HTTP, where they would be obeyed
        return True
    return name.startswith("ce_") and name.removeprefix("ce_") not in ATTRIBUTES | EXTENSIONS
