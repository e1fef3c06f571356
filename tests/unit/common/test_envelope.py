"""CloudEvents in Kafka's binary mode: what is packed is what is read, and what is none is named (architecture 9.4)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.common import exact
from libs.common.events.envelope import Event, Headers, Malformed, pack, unpack
from libs.common.events.ids import event_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
# What names an event is text as it is stored, and an event is of our time.
SUBJECT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip()) and normalize("NFC", text) == text
)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DAYS = st.dates(exact.FIRST_DAY, exact.LAST_DAY)
TIMES = st.builds(datetime.combine, DAYS, st.times(timezones=ZONES))


class Told(Event):
    """A test's own event."""

    TYPE: ClassVar[str] = "thing.told"
    TOPIC: ClassVar[str] = "things"
    SOURCE: ClassVar[str] = "/test"
    KEY: ClassVar[str] = "owner"
    SUBJECT: ClassVar[str] = "thing"

    owner: str
    thing: str
    note: str | None = None


@given(TEXT, SUBJECT, TEXT | st.none(), st.integers(1, 2**40), TIMES)
def test_round_trip(owner: str, thing: str, note: str | None, sequence: int, time: datetime) -> None:
    """Every field, the order number and the business time come through the bytes."""
    event = Told(owner=owner, thing=thing, note=note)
    out = pack(event, sequence=sequence, time=time, traceparent="00-a-b-01")
    incoming = unpack(out.headers, key=out.key, value=out.body)
    assert Told.model_validate_json(incoming.body) == event
    assert incoming.id == str(event_id("thing.told", thing, sequence))
    assert (incoming.type, incoming.source, incoming.subject) == ("thing.told", "/test", thing)
    assert (incoming.sequence, incoming.time, incoming.traceparent) == (sequence, time, "00-a-b-01")
    assert (out.topic, out.key, incoming.key) == ("things", owner.encode(), owner.encode())


@given(
    st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=30) | st.none()), max_size=10), st.binary() | st.none()
)
def test_any_record_is_read_or_malformed(headers: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    """Whatever a stranger sends, there are two outcomes; anything else would stop a consumer."""
    fault_of(headers, value)


def fault_of(headers: Headers, value: bytes | None) -> str | None:
    """The header that `unpack` names, None when it reads the record."""
    try:
        unpack(headers, key=None, value=value)
    except Malformed as error:
        return error.field
    return None


@given(
    st.sampled_from(["ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence"]), st.binary() | st.none()
)
def test_any_header_value_is_read_or_named(name: str, raw: bytes | None) -> None:
    """The first header at fault is named, so that its sender can mend it."""
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    headers = [(header, raw if header == name else value) for header, value in out.headers]
    assert fault_of(headers, b"{}") in (name, None)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("ce_id", None),
        ("ce_id", b""),
        ("ce_type", b"\xff"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2025-06-01T00:00:00"),
        ("ce_sequence", b"one"),
    ],
)
def test_the_header_at_fault_is_named(name: str, raw: bytes | None) -> None:
    """Each kind of fault, once."""
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    headers = [(header, raw if header == name else value) for header, value in out.headers]
    with pytest.raises(Malformed, match=name):
        unpack(headers, key=None, value=b"{}")


@pytest.mark.parametrize("name", ["baggage", "x-b3", "traceparent", "\ufffd"])
def test_what_others_add_is_theirs(name: str) -> None:
    """A tracer's binary header on the way is no fault of the event that carries it."""
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    assert fault_of([*out.headers, (name, b"\xff\x00"), (name, None)], b"{}") is None
    assert fault_of([*out.headers, ("authorization", b"\xff")], b"{}") == "authorization"


@pytest.mark.parametrize("name", ["ce_tiem", "ce-subjct", "CE_Subjct", "ce_data", "ce_", "ce-type", "ce_dataencoding"])
def test_a_misspelt_attribute_from_outside_is_refused_by_its_name(name: str) -> None:
    """Ignored, it would leave the event without what was meant; on our own topics a newer version may add one."""
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    headers = [*out.headers, (name, b"2025-06-01T00:00:00Z")]
    assert fault_of(headers, b"{}") is None
    with pytest.raises(Malformed, match=f"{name.lower()}: no attribute is called so; expected ce_datacontenttype"):
        unpack(headers, key=None, value=b"{}", outside=True)


@pytest.mark.parametrize("name", ["ce_partitionkey", "ce_traceparent", "ce_dataschema", "ce_specversion", "x-ce_tiem"])
def test_a_documented_attribute_from_outside_is_taken(name: str) -> None:
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    assert unpack([*out.headers, (name, b"x")], key=None, value=b"{}", outside=True).type == "thing.told"


def test_all_headers_at_fault_are_named_together() -> None:
    """Not one for each attempt, and never more than ten."""
    out = pack(Told(owner="o", thing="t"), sequence=1, time=datetime(2025, 6, 1, tzinfo=UTC))
    headers = [header for header in out.headers if header[0] not in ("ce_id", "ce_time")]
    with pytest.raises(Malformed) as refused:
        unpack([*headers, ("ce_time", b"today"), ("ce_tiem", b"x")], key=None, value=None, outside=True)
    assert [part.partition(":")[0] for part in str(refused.value).split("; ") if ": " in part] == [
        "ce_tiem",
        "ce_id",
        "value",
        "ce_time",
    ]
    with pytest.raises(Malformed, match="12 faults in all") as many:
        unpack([*out.headers, *((f"ce_x{n}", b"x") for n in range(12))], key=None, value=b"{}", outside=True)
    assert str(many.value).count("no attribute is called so") == 10


def test_new_fields_are_ignored_and_events_are_frozen() -> None:
    """Fields are only ever added, so an older reader skips what it does not know; nobody edits a fact."""
    told = Told.model_validate_json(b'{"owner": "o", "thing": "t", "added_later": 1}')
    with pytest.raises(ValidationError, match="frozen"):
        told.owner = "other"  # type: ignore[misc]


def test_the_same_event_has_the_same_id() -> None:
    """A retelling of one version of one aggregate is recognised whatever else it says."""

    def ce_id(told: Told, sequence: int, year: int) -> bytes | None:
        return dict(pack(told, sequence=sequence, time=datetime(year, 6, 1, tzinfo=UTC)).headers)["ce_id"]

    first = ce_id(Told(owner="o", thing="t"), 7, 2025)
    assert ce_id(Told(owner="p", thing="t", note="n"), 7, 2026) == first
    assert ce_id(Told(owner="o", thing="t"), 8, 2025) != first
    assert ce_id(Told(owner="o", thing="u"), 7, 2025) != first
