"""One Settings per service, read once from the environment; what is unknown or impossible stops the start."""

import os
import re
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="CommonSettings")


def _zone(name: str) -> str:
    ZoneInfo(name)
    return name


class CommonSettings(BaseSettings):
    """What every service reads. A subclass sets `SERVICE` and the env prefix of its own fields."""

    # what is refused is named without its value, which may be a password
    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True, hide_input_in_errors=True)
    SERVICE: ClassVar[str]

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_username: str | None = Field(None, validation_alias="JIANFU_KAFKA_USERNAME")
    kafka_password_file: Path | None = Field(None, validation_alias="JIANFU_KAFKA_PASSWORD_FILE")
    profile: Literal["local", "production"] = Field("production", validation_alias="JIANFU_PROFILE")
    clock: Literal["system", "stepped"] = Field("system", validation_alias="JIANFU_CLOCK")
    timezone: Annotated[str, AfterValidator(_zone)] = Field("Asia/Shanghai", validation_alias="JIANFU_TIMEZONE")
    issuer_jwks_file: Path = Field(validation_alias="JIANFU_ISSUER_JWKS_FILE")
    traces: str = Field("off", validation_alias="JIANFU_TRACES", pattern=r"^(off|otlp|file:.+)$")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", validation_alias="JIANFU_LOG_LEVEL")
    consumer_patience: float = Field(120, gt=0, le=3600, validation_alias="JIANFU_CONSUMER_PATIENCE")  # seconds
    sender_refusals: int = Field(50, ge=1, le=100_000, validation_alias="JIANFU_SENDER_REFUSALS")
    sender_kept: int = Field(1000, ge=0, le=100_000, validation_alias="JIANFU_SENDER_KEPT")  # parked records
    crash_points: Path | None = Field(None, validation_alias="JIANFU_CRASH_POINTS")
    crash_fired: Path | None = Field(None, validation_alias="JIANFU_CRASH_FIRED")
    database_url: str = Field(repr=False)
    listen: str

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if host != "localhost":
            ip_address(host.strip("[]"))
        if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
            raise ValueError("expected address:port such as 127.0.0.1:8080 or [::]:8080")
        return value

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or ip_address(self.host).is_loopback

    def kafka_options(self) -> dict[str, Any]:
        """What aiokafka's clients need to reach and authenticate to the brokers."""
        options: dict[str, Any] = {"bootstrap_servers": self.kafka_bootstrap_servers.split(",")}
        if self.kafka_username is not None and self.kafka_password_file is not None:
            options |= {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": self.kafka_username,
                "sasl_plain_password": self.kafka_password_file.read_text().strip(),
            }
        return options


def load(cls: type[S], *, services: Collection[str]) -> S:
    """Read a service's settings. Raises ValueError naming what is unknown, missing or not allowed together.

    Of a variable that is another one's of `services` nothing is said: several may share an environment.
    """
    known = set()
    prefix = f"JIANFU_{cls.SERVICE.upper()}_"
    for name, field in cls.model_fields.items():
        known.add(str(field.validation_alias) if field.validation_alias else prefix + name.upper())
    others = tuple(f"JIANFU_{other.upper()}_" for other in services if other != cls.SERVICE)
    migrator = prefix + "MIGRATOR_DATABASE_URL"
    for variable in os.environ:
        if variable.startswith("JIANFU_") and variable not in known | {migrator} and not variable.startswith(others):
            raise ValueError(f"unknown setting {variable}; known: {', '.join(sorted(known))}")
    settings = cls()
    if (settings.kafka_username is None) != (settings.kafka_password_file is None):
        raise ValueError("JIANFU_KAFKA_USERNAME and JIANFU_KAFKA_PASSWORD_FILE are given together or not at all")
    if settings.profile == "production" and settings.clock == "stepped":
        raise ValueError("JIANFU_CLOCK=stepped is refused with JIANFU_PROFILE=production")
    return settings
