"""CloudEvents in Kafka's structured mode, and what an event from outside may leave unsaid."""

import base64
import json
from typing import Any

import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from libs.common.events.envelope import Headers, Incoming, Malformed, unpack

STRUCTURED = ("content-type", b"application/cloudevents+json")
DATA = {"source": "列表", "on": "2025-06-01", "n": 2**70}
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/列表", "type": "asset.declared", "data": DATA}


def opened(event: Any, *headers: tuple[str, bytes], outside: bool = True) -> Incoming:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    return unpack([STRUCTURED, *headers], key=None, value=value, outside=outside)


def faults(event: Any, *headers: tuple[str, bytes]) -> str:
    with pytest.raises(Malformed) as refused:
        opened(event, *headers)
    return str(refused.value)


def test_a_structured_event_is_read_as_a_binary_one_is() -> None:
    headers: Headers = [("ce_id", b"1"), ("ce_source", "/列表".encode()), ("ce_type", b"asset.declared")]
    bare = unpack(headers, key=None, value=json.dumps(DATA).encode(), outside=True)
    told = opened(EVENT)
    assert (told.id, told.source, told.type, json.loads(told.body)) == (bare.id, bare.source, bare.type, DATA)
    assert (told.subject, told.time, bare.subject, bare.time) == (None, None, None, None)
    full = opened(EVENT | {"subject": "x", "time": "2025-06-01T08:00:00+08:00"}, ("authorization", b"Bearer t"))
    assert (full.subject, full.time and full.time.isoformat()) == ("x", "2025-06-01T00:00:00+00:00")
    assert full.authorization == "Bearer t"


def test_data_may_stand_in_base64() -> None:
    packed = {name: EVENT[name] for name in EVENT if name != "data"}
    told = opened(packed | {"data_base64": base64.b64encode(json.dumps(DATA).encode()).decode()})
    assert json.loads(told.body) == DATA
    assert "data_base64: expected the event's JSON" in faults(packed | {"data_base64": "%"})
    assert "data_base64: expected either" in faults(EVENT | {"data_base64": "e30="})
    assert "data: it is missing" in faults(packed)


@pytest.mark.parametrize("mode", [sdk.to_binary, sdk.to_structured])
@pytest.mark.parametrize("data", [DATA, json.dumps(DATA).encode()])
def test_what_the_official_library_writes_is_read(mode: Any, data: Any) -> None:
    """The CloudEvents project's own SDK, as another reader of the same specification."""
    about = {name: EVENT[name] for name in ("specversion", "id", "source", "type")}
    extra = {"subject": "https://x.com/甲", "partitionkey": "k", "datacontenttype": "application/json"}
    message = mode(CloudEvent(about | extra, data), JSONFormat())
    headers = [(name, value) for name, value in message.headers.items()]
    told = unpack(headers, key=message.key, value=message.value, outside=True)
    assert (told.id, told.source, told.type, told.subject) == ("1", "/列表", "asset.declared", "https://x.com/甲")
    assert json.loads(told.body) == DATA


@pytest.mark.parametrize("name", ["tiem", "Subject", "ce_time", "data_base65", "myextension", ""])
def test_an_attribute_that_nobody_knows_is_refused_by_its_name(name: str) -> None:
    """As in binary mode (decision 0042): a misspelt one would be an extension too."""
    told = faults(EVENT | {name: "2025-06-01T00:00:00Z"})
    assert told.startswith(f"{name}: no attribute is called so; expected datacontenttype, ")
    ours = EVENT | {"subject": "x", "time": "2025-06-01T00:00:00Z"}
    assert opened(ours | {name: "x"}, outside=False).id == "1"  # on our own topics it is a newer version's


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "id: it is missing"),
        ({"id": ""}, "id: it is missing"),
        ({"source": 5.5}, "source: expected text"),
        ({"type": ["asset.declared"]}, "type: expected text"),
        ({"subject": ""}, "subject: it is empty"),
        ({"time": "yesterday"}, "time: expected a time"),
        ({"specversion": "0.3"}, "specversion: expected 1.0"),
        ({"datacontenttype": "text/plain"}, "datacontenttype: expected application/json"),
        ({"sequence": "one"}, "sequence: expected a whole number"),
        ({"id": "x" * 201}, "id: expected at most 200"),
    ],
)
def test_the_attribute_at_fault_is_named_as_its_sender_wrote_it(change: dict[str, Any], said: str) -> None:
    assert said in faults(EVENT | change)


def test_all_that_is_wrong_is_told_together_and_never_more_than_ten() -> None:
    told = faults({"id": 1.5, "tiem": "x", "data": {}, "specversion": "2"})
    assert [part.partition(":")[0] for part in told.split("; ") if ": " in part][:1] == ["id"]
    for name in ("id", "tiem", "source", "type", "specversion"):
        assert f"{name}: " in told
    assert "40 faults in all" in faults(EVENT | {f"x{n}": "y" for n in range(40)})


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"{", b'"x"', b"[" * 100_000, b'{"id": NaN}', b"\xff", b"[{}]"])
def test_what_holds_no_event_is_refused(value: bytes) -> None:
    assert faults(value).startswith("value: expected a JSON object, a CloudEvent in structured mode")


@pytest.mark.parametrize(
    "media", [b"application/cloudevents-batch+json", b"application/cloudevents+avro", b"application/cloudevents"]
)
def test_another_format_is_refused_with_what_is_taken(media: bytes) -> None:
    """The Kafka binding knows no batch."""
    with pytest.raises(Malformed, match=r"content-type: .* expected application/cloudevents\+json with one event"):
        unpack([("content-type", media)], key=None, value=b"[]", outside=True)


def test_the_content_type_may_carry_parameters_and_any_case() -> None:
    headers = [("Content-Type", b"Application/CloudEvents+JSON; charset=UTF-8")]
    assert unpack(headers, key=None, value=json.dumps(EVENT).encode(), outside=True).id == "1"


def test_headers_may_repeat_what_the_event_says_and_nothing_else() -> None:
    assert opened(EVENT, ("ce_id", b"1"), ("ce_type", b"asset.declared")).id == "1"
    assert "ce_type: the header says another type" in faults(EVENT, ("ce_type", b"asset.delisted"))
    assert "ce_tiem: no attribute is called so" in faults(EVENT, ("ce_tiem", b"x"))


def test_an_attribute_twice_with_two_values_is_refused() -> None:
    """Which of them is meant is not known; a sender's token least of all."""
    headers: Headers = [("ce_id", b"1"), ("ce_source", b"/l"), ("ce_type", b"asset.declared")]
    assert unpack([*headers, ("CE_ID", b"1")], key=None, value=b"{}", outside=True).id == "1"
    for name in ("ce_id", "authorization"):
        with pytest.raises(Malformed, match=f"{name}: the header stands there twice"):
            unpack([*headers, (name, b"2"), (name, b"3")], key=None, value=b"{}", outside=True)


def test_what_says_nothing_may_be_absent_from_outside_alone() -> None:
    """Our own services always say what an event is about, and of when."""
    headers: Headers = [("ce_id", b"1"), ("ce_source", b"/l"), ("ce_type", b"asset.declared")]
    assert unpack(headers, key=None, value=b"{}", outside=True).time is None
    with pytest.raises(Malformed, match=r"ce_subject: it is missing.*ce_time: it is missing"):
        unpack(headers, key=None, value=b"{}")
    with pytest.raises(Malformed, match="ce_time: it is empty"):
        unpack([*headers, ("ce_time", b"")], key=None, value=b"{}", outside=True)
