"""Parts that somebody else runs: a Kafka and databases named by the environment, used instead of local ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.terminal import StackError
from services import SERVICES


@dataclass(frozen=True)
class Outside:
    """What the environment names; None and empty where the local stack provides."""

    kafka: str | None = None
    kafka_username: str | None = None
    kafka_password_file: Path | None = None
    databases: dict[str, str] = field(default_factory=dict)
    migrators: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Outside":
        """Raises StackError when only half of something is named."""
        user, file = environment.get("JIANFU_KAFKA_USERNAME"), environment.get("JIANFU_KAFKA_PASSWORD_FILE")
        if (user is None) != (file is None):
            raise StackError("JIANFU_KAFKA_USERNAME and JIANFU_KAFKA_PASSWORD_FILE are given together or not at all")
        kafka = environment.get("KAFKA_BOOTSTRAP_SERVERS")
        if user is not None and kafka is None:
            raise StackError("JIANFU_KAFKA_USERNAME without KAFKA_BOOTSTRAP_SERVERS: set the broker it belongs to")
        databases, migrators = {}, {}
        for service in SERVICES:
            prefix = f"JIANFU_{service.upper()}"
            url, owner = environment.get(f"{prefix}_DATABASE_URL"), environment.get(f"{prefix}_MIGRATOR_DATABASE_URL")
            if owner is not None and url is None:
                raise StackError(f"{prefix}_MIGRATOR_DATABASE_URL without {prefix}_DATABASE_URL: set both")
            if url is not None:
                databases[service] = url
            if owner is not None:
                migrators[service] = owner
        return cls(kafka, user, Path(file) if file else None, databases, migrators)

    def password(self) -> str | None:
        """The password for the named Kafka. Raises StackError when its file cannot be read."""
        if self.kafka_password_file is None:
            return None
        try:
            return self.kafka_password_file.read_text().strip()
        except OSError as error:
            raise StackError(f"JIANFU_KAFKA_PASSWORD_FILE: {error}") from None

    def migration(self, service: str) -> tuple[str, str | None]:
        """As whom to migrate a named database, and the role that is then granted what the service needs."""
        url = self.databases[service]
        owner = self.migrators.get(service)
        if owner is None:
            return url, None
        user = urlsplit(url).username
        return owner, user if user != urlsplit(owner).username else None


def place(url: str) -> dict[str, str | int | None]:
    """Where a database is and as whom it is entered, without the password."""
    parts = urlsplit(url)
    return {"host": parts.hostname, "port": parts.port, "database": parts.path.lstrip("/"), "user": parts.username}
