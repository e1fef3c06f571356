"""What was refused of a sender, kept so that it can read it: with the reason, the fields, and the record's own id.

Nothing but this is remembered of a refused record: mended and sent again under its id it is judged as if it were new.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import ValidationError

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.errors import DomainError
from libs.common.events.envelope import Headers, Incoming, Malformed
from libs.common.http.bodies import TOLD, Fault, faults, in_words
from libs.common.security.tokens import Principal
from libs.common.strings import quoted
from libs.common.text import Text

KEPT = 1000  # of one sender; the oldest go first
KEEP_DAYS = 90  # of the machine, as long as a topic keeps its records
# Why a record was refused that its own words do not explain, by code.
ZH = {
    "unstorable": "含有无法保存的内容",
    "unexpected": "服务自身出错,记录已留存,由运行人员处理",
    "stuck": "服务自身出错,记录已留存,由运行人员处理",
}
UNREADABLE = "记录无法读取"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused; `faults` are the fields at fault, each with what would be accepted."""

    code: str
    text: Text
    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, error: Exception, model: Any = None) -> "Refusal":
        """The refusal that an error stands for; `model` is what was read, to name the fields that it knows."""
        if isinstance(error, ValidationError):
            found = faults(error.errors(include_url=False, include_input=False), model)
            return cls("invalid", in_words(error, model), tuple(found))
        if isinstance(error, Malformed):
            named = ", ".join(field for field, _ in error.faults)
            return cls(
                error.code,
                Text(f"头或正文无法读取:{named}", str(error)),
                tuple(Fault(field, Text(UNREADABLE, why)) for field, why in error.faults),
            )
        if isinstance(error, DomainError):
            accepted = error.accepted or ""
            at = () if error.field is None else (Fault(error.field, Text(accepted, accepted)),)
            return cls(error.code, error.text, at)
        return cls.plain("unstorable", f"{type(error).__name__}: {error}")

    @classmethod
    def plain(cls, code: str, why: str) -> "Refusal":
        """A refusal that names no field."""
        return cls(code, Text(ZH.get(code, UNREADABLE), why))

    @classmethod
    def by_field(cls, code: str, why: str) -> "Refusal":
        """One whose reason is written `field: what would be accepted; field: …`, as those of usage are."""
        parts = [part.partition(": ") for part in why.split("; ")]
        found = [Fault(field, Text(UNREADABLE, accepted)) for field, colon, accepted in parts if colon]
        named = ", ".join(fault.field for fault in found)
        return cls(code, Text(f"该记录不能计入:{named or 'JSON'}", why), tuple(found[:TOLD]))


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose record it was: an identity, or what stands for none; and what its token spoke for, where it did."""

    name: str
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What was refused, as its sender knows it: the id that it gave, its type, and where it came in."""

    place: str
    id: str | None = None
    type: str | None = None
    letter: tuple[str, int, int] | None = None


def sender(who: Principal) -> Sender:
    """A caller as a sender."""
    return Sender(quoted(who.identity, 600), who.speaks_for)


def of_letter(
    topic: str, partition: int, offset: int, headers: Headers, value: bytes | None, incoming: Incoming | None
) -> Record:
    """A record of Kafka; where its envelope could not be read, by what can be read of it all the same."""
    named: Mapping[str, str | None] = {"id": None, "type": None}
    if incoming is not None:
        named = {"id": incoming.id, "type": incoming.type}
    else:
        texts = {name.lower(): raw.decode("utf-8", "replace") for name, raw in headers if raw is not None}
        body = body_of(value)
        named = {name: texts.get(f"ce_{name}") or told(body, name) for name in ("id", "type")}
    return Record(f"{topic}/{partition}/{offset}", named["id"], named["type"], (topic, partition, offset))


def body_of(raw: bytes | None, most: int = 64 * 1024) -> Mapping[str, Any]:
    """A JSON object, as far as it can be read; empty otherwise."""
    if raw is None or len(raw) > most:
        return {}
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def told(body: Mapping[str, Any], name: str) -> str | None:
    """A field of a body, where it is a text or a number."""
    value = body.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


async def add(conn: Connection, of: Sender, record: Record, refusal: Refusal) -> None:
    """Keep one refusal in the caller's transaction, and no more than KEPT of its sender."""
    topic, partition, offset = record.letter or (None, None, None)
    listed = [
        {"field": quoted(fault.field, 200), "zh": quoted(fault.text.zh, 1000), "en": quoted(fault.text.en, 1000)}
        for fault in refusal.faults[:TOLD]
    ]
    await PLUMBING.refusal_add(
        conn,
        sender=of.name,
        scope=None if of.scope is None else quoted(of.scope, 600),
        way="http" if topic is None else "kafka",
        place=quoted(record.place, 600),
        topic=topic,
        partition=partition,
        offset_=offset,
        record_id=None if record.id is None else quoted(record.id, 200),
        record_type=None if record.type is None else quoted(record.type, 100),
        code=quoted(refusal.code, 100),
        text_zh=quoted(refusal.text.zh, 2000),
        text_en=quoted(refusal.text.en, 2000),
        faults=json.dumps(listed, ensure_ascii=False),
    )
    await PLUMBING.refusals_bound(conn, sender=of.name, kept=KEPT)


async def prune(conn: Connection) -> None:
    """Forget what nobody will mend any more."""
    await PLUMBING.refusals_prune(conn, keep_days=KEEP_DAYS)
