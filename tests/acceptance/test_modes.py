"""Every mode of CloudEvents on both transports of a whole stack: through the gateway, and over its Kafka."""

import json
from typing import Any

import aiokafka
import pytest

from tests.acceptance.running import Running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.acceptance
TOPIC = "jianfu.intake.lifecycle"
LISTED: dict[str, Any] = {
    "source": "modes",
    "on": "2000-01-01",
    "kind": "account",
    "platform": "X",
    "name": "示例",
    "language": "zh",
    "sponsor": {"scheme": "ca-name", "value": "Modes", "name": "示例单位", "language": "zh"},
}


def event(name: str) -> dict[str, Any]:
    data = LISTED | {"address": f"https://x.com/{name}"}
    return {"specversion": "1.0", "id": name, "source": "/modes", "type": "asset.declared", "data": data}


def attributes(told: dict[str, Any], prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in told.items() if name != "data"}


def listed(stack: Running) -> set[str]:
    with stack.client("viewer") as http:
        found = http.get("/registry/v1/assets", params={"source": "modes", "limit": 500}).json()["items"]
    return {asset["identity"] for asset in found}


def refused(stack: Running) -> dict[str, str]:
    """Why, by the beginning of each value."""
    with stack.client("operator") as http:
        letters = http.get("/registry/v1/dead-letters", params={"limit": 500}).json()["items"]
    return {letter["reason"].partition(":")[0]: letter["reason_code"] for letter in letters}


def test_over_http_through_the_gateway(stack: Running) -> None:
    with stack.client("registrar") as http:
        one, two, three, four = (event(f"modes_h{n}") for n in range(4))
        kinds = {"json": "application/json", "one": "application/cloudevents+json"}
        answers = [
            http.post("/registry/v1/events", content=json.dumps(one), headers={"Content-Type": kinds["one"]}),
            http.post(
                "/registry/v1/events",
                content=json.dumps(two["data"]),
                headers=attributes(two, "ce-") | {"Content-Type": kinds["json"]},
            ),
            http.post(
                "/registry/v1/events",
                content=json.dumps([three, four, one | {"tiem": "x"}]),
                headers={"Content-Type": "application/cloudevents-batch+json"},
            ),
        ]
    assert [answer.status_code for answer in answers] == [202, 202, 207], answers[0].text
    assert [item["status"] for item in answers[2].json()["items"]] == [202, 202, 422]
    assert {f"modes_h{n}" for n in range(4)} <= listed(stack)


async def test_over_kafka(stack: Running) -> None:
    """In both modes, without a subject and a time; a misspelt attribute is a dead letter that names it."""
    token = ("authorization", f"Bearer {stack.token('registrar')}".encode())
    kind = ("content-type", b"application/cloudevents+json; charset=utf-8")
    plain, whole, wrong = event("modes_k0"), event("modes_k1"), event("modes_k2") | {"tiem": "2025-06-01T00:00:00Z"}
    bare = [(name, value.encode()) for name, value in attributes(plain, "ce_").items()]
    async with aiokafka.AIOKafkaProducer(**stack.kafka("intake"), acks="all") as producer:
        await producer.send_and_wait(TOPIC, json.dumps(plain["data"]).encode(), headers=[*bare, token])
        await producer.send_and_wait(TOPIC, json.dumps(whole).encode(), headers=[kind, token])
        await producer.send_and_wait(TOPIC, json.dumps(wrong).encode(), headers=[kind, token])
        await producer.send_and_wait(
            TOPIC,
            json.dumps([whole]).encode(),
            headers=[
                ("content-type", b"application/cloudevents-batch+json"),
                token,
            ],
        )
        await producer.send_and_wait(TOPIC, json.dumps(event("modes_k3")).encode(), headers=[kind])
    await eventually(lambda: {"modes_k0", "modes_k1"} <= listed(stack), 40, every=0.2)
    await eventually(lambda: {"tiem", "content-type"} <= set(refused(stack)), 40, every=0.2)
    assert not {"modes_k2", "modes_k3"} & listed(stack)
    assert (refused(stack)["tiem"], refused(stack)["content-type"]) == ("malformed", "malformed")
