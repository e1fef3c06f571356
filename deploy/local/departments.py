"""A department's own way into Kafka: a principal, a password, what it may write, and how much of the broker it gets."""

import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.kafka import topics
from deploy.local import datadir, jars
from deploy.local.kafka import java
from deploy.terminal import StackError

INTAKE = ("jianfu.intake.lifecycle", "jianfu.intake.usage", "jianfu.intake.sources")
ITERATIONS = 8192  # of PBKDF2; Kafka takes 4096 to 16384
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Broker:
    """A Kafka and its administrator; without a user it asks for none."""

    bootstrap: str
    user: str | None = None
    password: str | None = None

    def admin(self) -> AdminClient:
        return topics.admin(self.bootstrap, self.user, self.password)


@dataclass(frozen=True)
class Quota:
    """What one department gets of each broker: bytes written per second, and percent of one request thread's time."""

    bytes_per_second: int = 1 << 20
    request_percent: int = 25

    def settings(self) -> dict[str, int]:
        return {"producer_byte_rate": self.bytes_per_second, "request_percentage": self.request_percent}


def principal(name: str) -> str:
    """`dept-` and the name in small Latin letters. Raises StackError on a name that has none."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not name.isascii() or not 1 <= len(slug) <= 40:
        raise StackError(f"the department's name wants 1 to 40 Latin letters and digits, such as parks, not {name!r}")
    return f"dept-{slug}"


def set_up(broker: Broker, user: str, file: Path, quota: Quota) -> None:
    """Make the principal, or bring it to what it should be. The password is that in the file, made on first use.

    Raises StackError when the broker is away or refuses.
    """
    client, password = broker.admin(), datadir.secret(file)
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    upsert = UserScramCredentialUpsertion(user, credential, password.encode(), secrets.token_bytes(24))
    try:
        _await(client.create_acls(_bindings(user)).values())
        _await(client.alter_user_scram_credentials([upsert]).values())
    except KafkaException as error:
        raise StackError(f"Kafka does not do as asked: {error.args[0].str() or error}") from None
    _quota(broker, user, "--add-config", ",".join(f"{name}={value}" for name, value in quota.settings().items()))


def remove(broker: Broker, user: str, file: Path) -> None:
    """Take all of it back: whoever is connected writes no more. Removing what is not there changes nothing.

    Raises StackError when the broker is away or refuses.
    """
    client = broker.admin()
    anything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # None is any, which the stub does not know
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    try:
        _await(client.delete_acls([anything]).values())
        if user in _known(client):
            gone = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)
            _await(client.alter_user_scram_credentials([gone]).values())
    except KafkaException as error:
        raise StackError(f"Kafka does not do as asked: {error.args[0].str() or error}") from None
    if "producer_byte_rate" in quotas(broker, user):
        _quota(broker, user, "--delete-config", ",".join(Quota().settings()))
    file.unlink(missing_ok=True)


def _known(client: AdminClient) -> set[str]:
    found: Any = client.describe_user_scram_credentials()  # of all, which the stub does not tell from those of some
    return set(found.result(PATIENCE))


def quotas(broker: Broker, user: str) -> str:
    """What the broker says it holds a principal to."""
    return _config(broker, "--describe", "--entity-type", "users", "--entity-name", user)


def _bindings(user: str) -> list[AclBinding]:
    """An idempotent producer needs no right beyond writing its topic (KIP-679)."""
    return [
        AclBinding(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{user}", "*", act, AclPermissionType.ALLOW
        )
        for topic in INTAKE
        for act in (AclOperation.WRITE, AclOperation.DESCRIBE)
    ]


def _await(futures: Iterable["Future[Any]"]) -> None:
    for future in futures:
        future.result(PATIENCE)


def _quota(broker: Broker, user: str, how: str, what: str) -> None:
    _config(broker, "--alter", how, what, "--entity-type", "users", "--entity-name", user)


def _config(broker: Broker, *arguments: str) -> str:
    """Kafka's own command: the client library has no call for quotas."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "admin.properties"
        datadir.put(file, _login(broker))
        command: list[str | Path] = [
            java(),
            "-Xmx128m",
            "-cp",
            ":".join(str(jar) for jar in jars.fetch()),
            "kafka.admin.ConfigCommand",
            "--bootstrap-server",
            broker.bootstrap,
            "--command-config",
            file,
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise StackError(f"Kafka does not take the quota:\n{(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def _login(broker: Broker) -> str:
    if broker.user is None:
        return ""
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return (
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        f'sasl.jaas.config={module} required username="{broker.user}" password="{broker.password}";\n'
    )
