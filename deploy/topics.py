"""Topics and their access lists, applied from `topics.yaml`; running it again changes nothing."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)  # fmt: skip

from deploy.local.children import StackError
from libs.common.settings import SERVICES

FILE = Path(__file__).with_name("topics.yaml")
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic as it should be. `retention_days` is None where the topic is compacted."""

    name: str
    partitions: int
    replication: int
    retention_days: int | None
    writers: tuple[str, ...]
    readers: tuple[str, ...]

    def config(self) -> dict[str, str]:
        if self.retention_days is None:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}


def wanted(file: Path = FILE, *, partitions: int | None = None) -> list[Topic]:
    """The topics of the file, dead-letter topics included; `partitions` replaces the numbers on a laptop."""
    text = yaml.safe_load(file.read_text())
    defaults, topics = text["defaults"], []
    for name, entry in text["topics"].items():
        count = partitions or entry.get("partitions", defaults["partitions"])
        retention = None if entry.get("compacted") else entry.get("retention_days", defaults["retention_days"])
        readers = tuple(entry["readers"])
        topics.append(Topic(name, count, defaults["replication"], retention, tuple(entry["writers"]), readers))
        for service in (reader for reader in readers if reader in SERVICES):
            dead = f"{name}.{service}.dead"
            topics.append(
                Topic(dead, 1, defaults["replication"], defaults["dead_retention_days"], (service,), (service,))
            )
    return topics


def admin(bootstrap: str, user: str | None = None, password: str | None = None) -> AdminClient:
    """An admin client; with a user it authenticates by SASL/PLAIN."""
    config: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0}
    if user is not None:
        config |= {
            "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
            "sasl.username": user, "sasl.password": password,
        }  # fmt: skip
    return AdminClient(config)


def apply(client: AdminClient, topics: list[Topic], *, acls: bool, seconds: float = 30) -> list[str]:
    """Create what is missing and grant what is due; returns the names created.

    Raises StackError when a topic exists with another number of partitions, or the broker is away.
    """
    try:
        existing = client.list_topics(timeout=seconds).topics
    except KafkaException as error:
        raise StackError(f"Kafka does not answer: {error}") from None
    missing = []
    for topic in topics:
        if topic.name not in existing:
            missing.append(topic)
        elif (have := len(existing[topic.name].partitions)) != topic.partitions:
            raise StackError(
                f"{topic.name} has {have} partitions, {topic.partitions} are wanted: partitions are never altered in "
                "place, because that would move keys. Start with the number it has, or with a new data directory"
            )
    new = [NewTopic(t.name, t.partitions, t.replication, config=t.config()) for t in missing]
    for future in (client.create_topics(new) if new else {}).values():
        future.result(seconds)
    if acls:
        _grant(client, _bindings(topics), seconds)
    return [topic.name for topic in missing]


def _grant(client: AdminClient, bindings: list[AclBinding], seconds: float) -> None:
    """Create access lists and wait until the broker holds clients to them: the controller answers earlier."""
    for future in client.create_acls(bindings).values():
        future.result(seconds)
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # None is any, which the stub does not know
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    end = time.monotonic() + seconds
    while missing := set(bindings) - set(client.describe_acls(everything).result(seconds)):
        if time.monotonic() > end:
            raise StackError(f"Kafka did not take up {len(missing)} access lists within {seconds:.0f} s")
        time.sleep(0.05)


def _bindings(topics: list[Topic]) -> list[AclBinding]:
    def allow(kind: ResourceType, name: str, pattern: ResourcePatternType, user: str, act: AclOperation) -> AclBinding:
        return AclBinding(kind, name, pattern, f"User:{user}", "*", act, AclPermissionType.ALLOW)

    literal, prefixed = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
    bindings = []
    for topic in topics:
        for user in topic.writers:
            for act in (AclOperation.WRITE, AclOperation.DESCRIBE):
                bindings.append(allow(ResourceType.TOPIC, topic.name, literal, user, act))
        for user in topic.readers:
            for act in (AclOperation.READ, AclOperation.DESCRIBE):
                bindings.append(allow(ResourceType.TOPIC, topic.name, literal, user, act))
    for user in sorted({user for topic in topics for user in topic.writers}):
        # asked before the first record of an idempotent producer
        idempotent = AclOperation.IDEMPOTENT_WRITE
        bindings.append(allow(ResourceType.BROKER, "kafka-cluster", literal, user, idempotent))
    for service in SERVICES:
        bindings.append(allow(ResourceType.GROUP, f"jianfu.{service}", prefixed, service, AclOperation.READ))
    return list(dict.fromkeys(bindings))
