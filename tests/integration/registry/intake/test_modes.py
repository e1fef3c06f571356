"""CloudEvents over HTTP in each of its modes: one event, one answer, however it is written."""

import base64
import json
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services.registry.intake.api import MOST_EVENTS
from tests.integration.registry.conftest import Registry, bearer, declared, delisted

REGISTRAR = bearer("registrar")
STRUCTURED = REGISTRAR | {"Content-Type": "application/cloudevents+json"}
BATCH = REGISTRAR | {"Content-Type": "application/cloudevents-batch+json"}
KIB = 1024


def data(name: str, **more: Any) -> dict[str, Any]:
    return declared(name).model_dump(mode="json") | more


def event(name: str, number: str, **more: Any) -> dict[str, Any]:
    about = {"specversion": "1.0", "id": number, "source": "/名录", "type": "asset.declared"}
    return about | {"data": data(name)} | more


def binary(number: str, **more: str) -> dict[str, str]:
    """Headers of binary mode."""
    about = {"ce-specversion": "1.0", "ce-id": number, "ce-source": "/%E5%90%8d%E5%BD%95", "ce-type": "asset.declared"}
    return REGISTRAR | {"Content-Type": "application/json; charset=UTF-8"} | about | more


async def post(http: httpx.AsyncClient, headers: dict[str, str], content: Any) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await http.post("/events", content=body, headers=headers)


def fields(answer: httpx.Response, status: int = 422) -> set[str]:
    assert answer.status_code == status, answer.text
    return {error["field"] for error in answer.json()["errors"]}


async def test_one_event_in_each_mode_is_one_event(http: httpx.AsyncClient, registry: Registry) -> None:
    """The same source and id: written in another mode it gets the answer that it got before."""
    sent = event("a", "1", subject="https://x.com/a")
    first = await post(http, STRUCTURED, sent)
    assert (first.status_code, first.json()["outcome"]) == (202, "registered")
    again = [
        await post(http, binary("1"), sent["data"]),
        await post(http, BATCH, [sent]),
        await post(http, REGISTRAR | {"Content-Type": "application/json"}, sent),
    ]
    assert [answer.status_code for answer in again] == [202, 207, 202]
    assert again[0].json() == again[2].json() == first.json()
    assert again[1].json()["items"] == [{"index": 0, "id": "1", "status": 202, "outcome": first.json()}]
    assert len(await registry.emitted()) == 2  # the unit and the asset


@pytest.mark.parametrize("mode", [sdk.to_binary, sdk.to_structured])
@pytest.mark.parametrize("raw", [False, True])
async def test_what_the_official_library_writes_is_taken(http: httpx.AsyncClient, mode: Any, raw: bool) -> None:
    """The CloudEvents project's own SDK percent-encodes, and writes bytes as `data_base64`."""
    about = {"specversion": "1.0", "id": "a b%“”", "source": "/名录", "type": "asset.declared"}
    about |= {"subject": "甲 & 乙", "datacontenttype": "application/json"}
    said: Any = json.dumps(data("a")).encode() if raw else data("a")
    message = mode(CloudEvent(dict(about), said), JSONFormat())
    answer = await post(http, REGISTRAR | message.headers, message.body)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "registered"), answer.text
    same = await post(http, STRUCTURED, about | {"data": data("a")})
    assert (same.status_code, same.json()) == (202, answer.json())


async def test_problems_name_fields_as_their_sender_wrote_them(http: httpx.AsyncClient) -> None:
    """An attribute in a header, a field in the body; an unknown one is refused by name in each mode."""
    wrong = data("a") | {"nmae": "A", "on": 5}
    headers = binary("1", **{"ce-tiem": "2025-06-01T00:00:00Z", "ce-time": "yesterday", "ce-subject": ""})
    wanted = {"ce-tiem", "ce-time", "ce-subject", "nmae", "on"}
    assert fields(await post(http, headers, wrong)) == wanted
    assert fields(await post(http, STRUCTURED, event("a", "1", tiem="x", time="yesterday", data=wrong))) == {
        "tiem",
        "time",
        "data.nmae",
        "data.on",
    }
    (refused,) = (await post(http, BATCH, [event("a", "1", tiem="x")])).json()["items"]
    assert (refused["status"], [error["field"] for error in refused["problem"]["errors"]]) == (422, ["tiem"])
    missing = binary("1")
    del missing["ce-type"], missing["ce-id"]
    assert fields(await post(http, missing, data("a"))) == {"ce-type", "ce-id"}
    known = binary("1", **{"ce-partitionkey": "k", "ce-traceparent": "00-a-b-01", "ce-dataschema": "urn:x"})
    assert (await post(http, known, data("a"))).status_code == 202


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"ce-id": "%"}, "ce-id"),
        ({"ce-id": "%zz"}, "ce-id"),
        ({"ce-id": "%FF%FE"}, "ce-id"),
        ({"ce-id": "%00"}, "ce-id"),
        ({"ce_time": "2025-06-01T00:00:00Z"}, "ce_time"),
        ({"ce-data": "x"}, "ce-data"),
        ({"ce-specversion": "0.3"}, "ce-specversion"),
        ({"Content-Type": "text/plain"}, "content-type"),
        ({"Content-Type": "application/cloudevents+avro"}, "content-type"),
        ({"Content-Type": "application/json; charset=gbk"}, "content-type"),
    ],
)
async def test_a_header_that_cannot_be_meant_is_refused(
    http: httpx.AsyncClient, headers: dict[str, str], field: str
) -> None:
    assert fields(await post(http, binary("1") | headers, data("a"))) == {field}


async def test_a_header_twice_or_another_than_the_event_says(http: httpx.AsyncClient) -> None:
    twice = [*binary("1").items(), ("ce-id", "2")]
    answer = await http.post("/events", content=json.dumps(data("a")), headers=twice)
    assert fields(answer) == {"ce-id"}
    raw = [*binary("1").items(), ("ce-subject", "名".encode())]
    assert fields(await http.post("/events", content=b"{}", headers=raw)) == {"ce-subject"}
    assert fields(await post(http, STRUCTURED | {"ce-type": "asset.delisted"}, event("a", "1"))) == {"ce-type"}
    assert (await post(http, STRUCTURED | {"ce-type": "asset.declared"}, event("a", "1"))).status_code == 202


async def test_data_in_base64_and_what_is_null(http: httpx.AsyncClient) -> None:
    packed = {name: value for name, value in event("a", "1", time=None, subject=None).items() if name != "data"}
    text = base64.b64encode(json.dumps(data("a")).encode()).decode()
    assert (await post(http, STRUCTURED, packed | {"data_base64": text})).status_code == 202
    assert fields(await post(http, STRUCTURED, packed | {"data_base64": text, "data": data("a")})) == {"data_base64"}
    assert fields(await post(http, STRUCTURED, packed | {"data_base64": "e30"})) == {"data_base64"}
    assert fields(await post(http, STRUCTURED, packed)) == {"data"}
    assert fields(await post(http, STRUCTURED, packed | {"data": data("a"), "tiem": None})) == {"tiem"}


async def test_each_event_of_a_batch_is_judged_for_itself(http: httpx.AsyncClient, registry: Registry) -> None:
    """In order; each event gets the refusal that it would get alone."""
    gone = delisted("zz").model_dump(mode="json")
    batch = [
        event("a", "1"),
        event("b", "2", data=data("b", on="2026-01-01")),
        7,
        event("a", "1"),
        event("zz", "3", type="asset.delisted", data=gone),
        event("c", "1"),
        event("c", "4"),
    ]
    answer = await post(http, BATCH, batch)
    assert answer.status_code == 207
    items = answer.json()["items"]
    assert [item["index"] for item in items] == list(range(7))
    assert [item["id"] for item in items] == ["1", "2", None, "1", "3", "1", "4"]
    assert [item["status"] for item in items] == [202, 422, 422, 202, 409, 409, 202]
    for index in (1, 4, 5):  # with what is null in it
        alone = await post(http, STRUCTURED, batch[index])
        assert (items[index]["status"], items[index]["problem"]) == (alone.status_code, alone.json())
    assert items[5]["problem"]["code"] == "event_reused"
    assert await registry.fetch("select count(*) from assets") == 2
    assert (await post(http, BATCH, batch)).json() == answer.json()


async def test_a_batch_is_bounded(http: httpx.AsyncClient, registry: Registry) -> None:
    many = [event("a", str(n)) for n in range(MOST_EVENTS + 1)]
    assert fields(await post(http, BATCH, many)) == {"body"}
    assert await registry.fetch("select count(*) from assets") == 0
    assert (await post(http, BATCH, [])).json() == {"items": []}
    assert fields(await post(http, BATCH, event("a", "1"))) == {"body"}
    for headers in (STRUCTURED, binary("1"), BATCH):
        assert fields(await post(http, headers, b"{")) == {"body"}
        assert (await post(http, headers, b"\xff\xff")).status_code == 400


@pytest.mark.parametrize(("headers", "most"), [(STRUCTURED, 64 * KIB), (binary("1"), 64 * KIB), (BATCH, KIB * KIB)])
async def test_size_is_judged_before_anything_is_read_and_the_token_before_that(
    http: httpx.AsyncClient, headers: dict[str, str], most: int
) -> None:
    """One event has 64 KiB whatever its mode, a batch 1 MiB; a sender without permission is refused at any size."""

    async def dripping(size: int) -> Any:
        for _ in range(0, size, KIB):
            yield b" " * KIB

    for content in (b" " * (most + 1), dripping(most + KIB)):
        answer = await http.post("/events", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "http_413")
    fitting = await http.post("/events", content=b" " * most, headers=headers)
    assert fitting.status_code == 422  # it was read
    for bearing, status in ((bearer("viewer"), 403), ({"Authorization": ""}, 401)):
        answer = await http.post("/events", content=b" " * (most + 1), headers=headers | bearing)
        assert answer.status_code == status
