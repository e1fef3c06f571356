"""The AsyncAPI document: all topics and messages, as the code has them, true to the specification, and served."""

import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from deploy.kafka import asyncapi, topics
from libs.common.http import manual
from services.monitor.usage.fold import Beacon
from tests.contract import published
from tests.contract.shown import closed

DOCUMENT = asyncapi.document()
SPECIFICATION = Path(__file__).parents[1] / "data" / "asyncapi" / "3.0.0.json"
CLASSES = {cls.TYPE: cls for cls in published.event_classes()}


def judged(schema: Any, value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document's."""
    whole = closed({**schema, "components": DOCUMENT["components"]})
    judge = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [fault.message for fault in judge.iter_errors(value)]


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def test_what_is_kept_is_what_the_code_says() -> None:
    assert asyncapi.served() == manual.ASYNCAPI.read_text(), "run python -m tests.contract.update asyncapi"


def test_it_is_true_to_the_specification() -> None:
    """AsyncAPI's own schema of version 3.0.0."""
    judge = jsonschema_rs.Draft7Validator(json.loads(SPECIFICATION.read_text()))
    assert [f"{list(fault.instance_path)}: {fault.message}" for fault in judge.iter_errors(DOCUMENT)] == []
    broken = DOCUMENT | {"operations": {"x": {"action": "publish", "channel": {"$ref": "#/channels/x"}}}}
    assert list(judge.iter_errors(broken)) != []


def test_it_holds_all_topics_who_writes_and_who_reads_them() -> None:
    """Dead-letter topics too; what it says of each is what `jianfu topics` sets."""
    known = {topic.name: topic for topic in topics.wanted(shared=False)}
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == set(known)
    for name, topic in known.items():
        told = DOCUMENT["channels"][name]["bindings"]["kafka"]
        config = {key: str(value) for key, value in told["topicConfiguration"].items() if key != "cleanup.policy"}
        assert told["partitions"] == topic.partitions
        assert config.items() <= topic.config().items()
        parties = {key.removesuffix(f".{name}") for key in DOCUMENT["operations"] if key.endswith(f".{name}")}
        readers = set() if name.endswith(".dead") else {reader for reader in topic.readers if reader != "admin"}
        assert parties == {f"{who}.sends" for who in topic.writers} | {f"{who}.receives" for who in readers}


def test_it_holds_all_messages_each_on_its_topic() -> None:
    told = {name: set(channel["messages"]) for name, channel in DOCUMENT["channels"].items()}
    for kind, cls in CLASSES.items():
        assert kind in told[cls.TOPIC]
    assert set().union(*told.values()) == {*CLASSES, "usage", "dead-letter"}
    for operation in DOCUMENT["operations"].values():
        names = {resolved(resolved(message))["name"] for message in operation["messages"]}
        assert names == {resolved(each)["name"] for each in resolved(operation["channel"])["messages"].values()}


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_payload_is_its_model(kind: str) -> None:
    """The same schema as the event's own, but for where its parts stand."""
    cls, message = CLASSES[kind], DOCUMENT["components"]["messages"][kind]
    own = cls.model_json_schema()
    parts = own.pop("$defs", {})
    here = json.dumps(own).replace("#/$defs/", "#/components/schemas/")
    assert resolved(message["payload"]) == json.loads(here)
    for name, part in parts.items():
        assert DOCUMENT["components"]["schemas"][name] == json.loads(
            json.dumps(part).replace("#/$defs/", "#/components/schemas/")
        )
    assert message["bindings"]["kafka"]["key"]["description"] == f"the value of `{cls.KEY}`"


def test_what_departments_send_is_shown_and_true() -> None:
    shown = 0
    for name, message in DOCUMENT["components"]["messages"].items():
        for example in message.get("examples", ()):
            shown += 1
            assert judged(message["payload"], example["payload"]) == [], name
            assert judged(message["headers"], example["headers"]) == [], name
            if name == "usage":
                assert msgspec.convert(example["payload"], Beacon).source == example["payload"]["source"]
            else:
                assert CLASSES[name].model_validate(example["payload"])
    assert shown == 6


async def test_every_service_serves_it(fresh_database: Any, tmp_path: Path) -> None:
    with published.serving("registry", (await fresh_database("registry")).service, tmp_path) as address:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{address}/asyncapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT
