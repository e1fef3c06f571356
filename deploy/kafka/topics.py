"""Topics and their access lists, applied from `topics.yaml`; running it again changes nothing."""

import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from deploy.terminal import StackError, say
from services import SERVICES

FILE = Path(__file__).with_name("topics.yaml")
DAY_MS = 86_400_000  # machine time: for how long a broker keeps records
SHARED = "intake"  # one principal for whoever tries the local stack


@dataclass(frozen=True)
class Topic:
    """One topic as it should be; `retention_days` is None where it is compacted, `replication` -1 is the broker's."""

    name: str
    partitions: int
    replication: int
    retention_days: int | None
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    most_bytes: int | None = None  # of a batch, packed and unpacked; None is the broker's own, of what is packed

    def config(self) -> dict[str, str]:
        """The broker's own time decides how long a record stays: by its sender's, one with a wrong clock is deleted."""
        stamped = {"message.timestamp.type": "LogAppendTime"}
        if self.most_bytes is not None:  # the broker unpacks what comes, and so knows how large it is
            stamped |= {"max.message.bytes": str(self.most_bytes), "compression.type": "uncompressed"}
        if self.retention_days is None:
            return stamped | {"cleanup.policy": "compact"}
        return stamped | {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}


def wanted(file: Path = FILE, *, partitions: int | None = None, shared: bool = True) -> list[Topic]:
    """The topics of the file, dead-letter topics included; `partitions` replaces the numbers on a laptop.

    Without `shared` nobody writes as SHARED: each department has a principal of its own (`deploy.local.departments`).
    """
    text = yaml.safe_load(file.read_text())
    defaults, topics = text["defaults"], []
    for name, entry in text["topics"].items():
        count = partitions or entry.get("partitions", defaults["partitions"])
        retention = None if entry.get("compacted") else entry.get("retention_days", defaults["retention_days"])
        readers = tuple(entry["readers"])
        topics.append(
            Topic(
                name,
                count,
                defaults["replication"],
                retention,
                tuple(writer for writer in entry["writers"] if shared or writer != SHARED),
                readers,
                most_bytes=entry.get("most_bytes"),
            )
        )
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
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": password,
        }
    return AdminClient(config)


def apply(client: AdminClient, topics: list[Topic], *, acls: bool, seconds: float = 30) -> list[str]:
    """Create what is missing, set retention as it should be, grant what is due; returns the names created.

    Raises StackError when a topic exists with another number of partitions, or the broker is away or refuses.
    """
    try:
        existing = client.list_topics(timeout=seconds).topics
        missing = [topic for topic in topics if topic.name not in existing]
        present = [topic for topic in topics if topic.name in existing]
        for topic in present:
            if (have := len(existing[topic.name].partitions)) != topic.partitions:
                raise StackError(
                    f"{topic.name} has {have} partitions, {topic.partitions} are wanted: partitions are never altered "
                    "in place, because that would move keys. Start with the number it has, or with new data"
                )
        new = [NewTopic(t.name, t.partitions, t.replication, config=t.config()) for t in missing]
        for future in (client.create_topics(new) if new else {}).values():
            _made(future, seconds)
        _retain(client, present, seconds)
        if acls:
            _grant(client, _bindings(topics), seconds)
    except KafkaException as error:
        raise StackError(f"Kafka does not do as asked: {error.args[0].str() or error}") from None
    return [topic.name for topic in missing]


def _made(future: "Future[None]", seconds: float) -> None:
    """Wait until a topic is there; another set-up may have made it at the same time."""
    try:
        future.result(seconds)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _retain(client: AdminClient, topics: list[Topic], seconds: float) -> None:
    """Bring retention and compaction of existing topics to what the file says."""
    if not topics:
        return
    asked = client.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in topics])
    have = {resource.name: future.result(seconds) for resource, future in asked.items()}
    changes = []
    for topic in topics:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in topic.config().items()
            if have[topic.name][name].value != value
        ]
        if entries:
            say(f"{topic.name}: {', '.join(f'{entry.name} is now {entry.value}' for entry in entries)}")
            changes.append(ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=entries))
    for future in (client.incremental_alter_configs(changes) if changes else {}).values():
        future.result(seconds)


def _grant(client: AdminClient, bindings: list[AclBinding], seconds: float) -> None:
    """Grant what the file says, take back what it no longer says of the principals and topics that are ours, and
    wait until the broker holds clients to it: the controller answers earlier."""
    wanted = set(bindings)
    held = _held(client, seconds)
    ours = {binding.principal for binding in bindings} | {f"User:{SHARED}"}
    stale = [b for b in held - wanted if b.principal in ours and b.name.startswith("jianfu.")]
    granted = list(wanted - held)
    for future in (client.create_acls(granted) if granted else {}).values():
        future.result(seconds)
    for future in (client.delete_acls([_exactly(b) for b in stale]) if stale else {}).values():
        future.result(seconds)
    end = time.monotonic() + seconds
    while granted or stale:
        held = _held(client, seconds)
        if wanted <= held and not held & set(stale):
            return
        if time.monotonic() > end:
            raise StackError(f"Kafka did not take up the access lists within {seconds:.0f} s")
        time.sleep(0.05)


def _held(client: AdminClient, seconds: float) -> set[AclBinding]:
    anything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # None is any, which the stub does not know
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    return set(client.describe_acls(anything).result(seconds))


def _exactly(b: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        b.restype, b.name, b.resource_pattern_type, b.principal, b.host, b.operation, b.permission_type
    )


def _bindings(topics: list[Topic]) -> list[AclBinding]:
    """Who may write and read. An idempotent producer needs no right beyond writing its topic (KIP-679)."""

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
    for service in SERVICES:
        bindings.append(allow(ResourceType.GROUP, f"jianfu.{service}", prefixed, service, AclOperation.READ))
    return list(dict.fromkeys(bindings))
