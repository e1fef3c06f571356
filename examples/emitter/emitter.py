"""Sends events to Jianfu, over HTTP or Kafka: a small program to copy. 向 Jianfu 发送事件的示例程序,可直接复制使用。

It reads one event per line, checks each against the published schema, sends it with a token, and tries again while the
other side is away. The same event may be sent again: under the same id it counts once. See README.md.

Exit: 0 all taken; 1 some refused, each with its reason; 2 not sent for want of a connection: run it again.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

TOPIC = "jianfu.intake.lifecycle"
BATCH, STRUCTURED = "application/cloudevents-batch+json", "application/cloudevents+json"
MOST_EVENTS, MOST_BYTES = 100, 900_000  # of one batch: Jianfu takes 100 events and 1 MiB
AWAY = {429, 502, 503, 504}  # come back later; any other refusal stays one however often it is sent


class GivenUp(Exception):
    """The other side was away for too long."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def retrying(attempt: Any, seconds: float) -> httpx.Response:
    """The first answer that is one. Waits longer each time, never all senders at once. Raises GivenUp."""
    end, pause = time.monotonic() + seconds, 0.5
    while True:
        wait, why = pause * random.uniform(0.5, 1.5), ""
        try:
            reply: httpx.Response = attempt()
            if reply.status_code not in AWAY:
                return reply
            why = f"HTTP {reply.status_code}"
            wait = max(wait, float(reply.headers.get("retry-after", 0)))
        except httpx.TransportError as error:
            why = type(error).__name__
        if time.monotonic() + wait > end:
            raise GivenUp(why)
        say(f"away 暂不可用 ({why}); trying again in 秒后重试 {wait:.1f} s")
        time.sleep(wait)
        pause = min(2 * pause, 30)


class Schema:
    """What Jianfu says that an event holds: its AsyncAPI document, from the address or from a file."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._judges: dict[str, Any] = {}

    def faults(self, event: dict[str, Any]) -> list[str]:
        """Everything that is wrong with an event, before it is sent."""
        kind = event.get("type")
        known = self._document["channels"][TOPIC]["messages"]
        if kind not in known:
            return [f"type: expected one of {', '.join(known)}"]
        if kind not in self._judges:
            payload = self._document["components"]["messages"][kind]["payload"]
            schema = {**payload, "components": self._document["components"]}
            self._judges[kind] = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        found = self._judges[kind].iter_errors(event.get("data"))
        return [f"{'.'.join(['data', *map(str, fault.instance_path)])}: {fault.message}" for fault in found]


def read(lines: list[str], source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's event, as a CloudEvent, with its number."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                told = json.loads(line)
                yield number, {"specversion": "1.0", "source": source, **told}
            except (ValueError, TypeError) as error:
                yield number, {"error": f"no JSON object: {error}"}


class Http:
    """Batches over HTTP: each event has a verdict of its own. A token is read anew each time, since tokens expire."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._client = httpx.Client(base_url=asked.url, timeout=60, trust_env=False)

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> int:
        """Send all; answers how many were refused. Raises GivenUp."""
        return sum(self._batch(batch) for batch in batches(events))

    def _batch(self, batch: list[tuple[int, dict[str, Any]]]) -> int:
        body = json.dumps([event for _, event in batch], ensure_ascii=False).encode()

        def attempt() -> httpx.Response:
            token = Path(self._asked.token_file).read_text().strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
            return self._client.post("/registry/v1/events", content=body, headers=headers)

        reply = retrying(attempt, self._asked.give_up)
        if reply.status_code != 207:  # nothing of it was taken: a token that is not valid, a role that is missing
            say(f"refused 拒绝: {reply.status_code} {reply.text[:1000]}")
            return len(batch)
        refused = 0
        for (number, event), verdict in zip(batch, reply.json()["items"], strict=True):
            if verdict["status"] == 202:
                print(f"line 行 {number}: {event['id']}: {verdict['outcome']['outcome']}", flush=True)
            else:
                refused += 1
                problem = verdict["problem"]
                faults = [f"{fault['field']}: {fault['accepted']}" for fault in problem["errors"]]
                told = "; ".join([problem["texts"]["zh"], problem["texts"]["en"], *faults])
                say(f"line 行 {number}: {event.get('id')}: refused 拒绝: {told}")
        return refused


def batches(events: list[tuple[int, dict[str, Any]]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """As many events as one request may hold."""
    batch: list[tuple[int, dict[str, Any]]] = []
    size = 0
    for number, event in events:
        length = len(json.dumps(event, ensure_ascii=False).encode())
        if batch and (len(batch) == MOST_EVENTS or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((number, event))
        size += length
    if batch:
        yield batch


class Kafka:
    """One record per event, in structured mode. Kafka says only that it has a record; what Jianfu refuses of it later
    becomes a dead letter there."""

    def __init__(self, asked: argparse.Namespace) -> None:
        from confluent_kafka import Producer

        self._token = f"Bearer {Path(asked.token_file).read_text().strip()}".encode()
        config = {
            "bootstrap.servers": asked.kafka,
            "acks": "all",
            "enable.idempotence": True,  # the client retries by itself, and nothing comes twice or out of order
            "delivery.timeout.ms": int(asked.give_up * 1000),
            "batch.size": 131_072,  # below the 256 KiB that the broker takes, unpacked
            "error_cb": lambda error: say(f"away 暂不可用 ({error.name()}); the client tries again 客户端自动重试"),
        }
        if asked.kafka_user:
            config |= {
                "security.protocol": asked.kafka_protocol,
                "sasl.mechanism": asked.kafka_mechanism,
                "sasl.username": asked.kafka_user,
                "sasl.password": Path(asked.kafka_password_file).read_text().strip(),
                "client.id": asked.kafka_user,
            }
        self._producer = Producer(config)
        self._lost: list[str] = []

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> int:
        """Send all, and wait until Kafka has them. Raises GivenUp."""
        for number, event in events:
            self._producer.produce(
                TOPIC,
                json.dumps(event, ensure_ascii=False).encode(),
                key=event["data"]["address"].encode(),  # what is said of one asset keeps its order
                headers={"content-type": STRUCTURED, "authorization": self._token},
                on_delivery=lambda error, _, number=number, event=event: self._delivered(number, event, error),
            )
            self._producer.poll(0)
        self._producer.flush()
        if self._lost:
            raise GivenUp("; ".join(sorted(set(self._lost))))
        return 0

    def _delivered(self, number: int, event: dict[str, Any], error: Any) -> None:
        if error is None:
            print(f"line 行 {number}: {event['id']}: in Kafka 已写入", flush=True)
        else:
            self._lost.append(error.str())
            say(f"line 行 {number}: {event['id']}: not sent 未发送: {error.str()}")


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Send events to Jianfu 向 Jianfu 发送事件")
    parser.add_argument("file", help="one event per line, - for standard input 每行一个事件")
    parser.add_argument("--url", required=True, help="Jianfu's address 地址")
    parser.add_argument("--token-file", required=True, help="a file with the token alone 令牌文件")
    parser.add_argument("--source", required=True, help="who sends, such as /parks; part of an event's name 发送方")
    parser.add_argument("--asyncapi", help="a kept copy of /asyncapi.json 本地的接口文档")
    parser.add_argument("--give-up", type=float, default=300, help="seconds of trying again 重试时长(秒)")
    parser.add_argument("--kafka", help="host:port of brokers, instead of HTTP 改用 Kafka")
    parser.add_argument("--kafka-user")
    parser.add_argument("--kafka-password-file")
    parser.add_argument("--kafka-protocol", default="SASL_SSL", help="SASL_PLAINTEXT on loopback alone")
    parser.add_argument("--kafka-mechanism", default="SCRAM-SHA-512")
    return parser


def main() -> int:
    asked = options().parse_args()
    try:
        if asked.asyncapi:
            schema = Schema(json.loads(Path(asked.asyncapi).read_text("utf-8")))
        else:
            with httpx.Client(base_url=asked.url, timeout=60, trust_env=False) as client:
                reply = retrying(lambda: client.get("/asyncapi.json"), asked.give_up)
            schema = Schema(reply.raise_for_status().json())
        text = sys.stdin.read() if asked.file == "-" else Path(asked.file).read_text("utf-8")
        good, refused = [], 0
        for number, event in read(text.splitlines(), asked.source):
            faults = [event["error"]] if "error" in event else schema.faults(event)
            if faults:
                refused += 1
                say(f"line 行 {number}: {event.get('id')}: not sent 未发送: {'; '.join(faults)}")
            else:
                good.append((number, event))
        refused += (Kafka(asked) if asked.kafka else Http(asked)).send(good)
    except GivenUp as error:
        say(f"given up 已放弃: {error}; run it again, what was taken counts once 请重新运行,已接收的不会重复计")
        return 2
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
