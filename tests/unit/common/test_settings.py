"""What is unknown or impossible stops the start (architecture 9.14, 9.1)."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic_settings import SettingsConfigDict

from libs.common import crashpoints
from libs.common.process.settings import CommonSettings, load
from services import SERVICES


class Settings(CommonSettings):
    """A service's settings, with one of its own."""

    SERVICE = "monitor"
    model_config = SettingsConfigDict(**CommonSettings.model_config | {"env_prefix": "JIANFU_MONITOR_"})
    packs: str = "default"


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The least a service needs."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "k1:9092,k2:9092")
    monkeypatch.setenv("JIANFU_MONITOR_DATABASE_URL", "postgresql://db/monitor")
    monkeypatch.setenv("JIANFU_MONITOR_LISTEN", "0.0.0.0:8080")
    monkeypatch.setenv("JIANFU_ISSUER_JWKS_FILE", str(tmp_path / "jwks.json"))
    return monkeypatch


def test_the_defaults_are_those_of_production(env: pytest.MonkeyPatch) -> None:
    """Safe by omission: the system's clock, no local profile."""
    settings = load(Settings, services=SERVICES)
    assert (settings.profile, settings.clock, settings.traces) == ("production", "system", "off")
    assert (settings.host, settings.port, settings.loopback) == ("0.0.0.0", 8080, False)  # noqa: S104
    assert ZoneInfo(settings.timezone) == ZoneInfo("Asia/Shanghai")
    assert settings.kafka_options() == {"bootstrap_servers": ["k1:9092", "k2:9092"]}


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        ("10.0.0.5:1", False),
        ("[::]:1", False),
    ],
)
def test_loopback(env: pytest.MonkeyPatch, listen: str, loopback: bool) -> None:
    """On this the local issuer's tokens stand or fall."""
    env.setenv("JIANFU_MONITOR_LISTEN", listen)
    assert load(Settings, services=SERVICES).loopback is loopback


def test_of_its_own_and_of_its_neighbours(env: pytest.MonkeyPatch) -> None:
    """One environment may serve all three; each reads its own part."""
    env.setenv("JIANFU_MONITOR_PACKS", "strict")
    env.setenv("JIANFU_REGISTRY_WHATEVER", "x")
    env.setenv("JIANFU_MONITOR_MIGRATOR_DATABASE_URL", "postgresql://db/monitor")
    assert load(Settings, services=SERVICES).packs == "strict"


@pytest.mark.parametrize("name", ["JIANFU_MONITOR_PACK", "JIANFU_PROFIL", "JIANFU_", "JIANFU_NOSUCH_LISTEN"])
def test_an_unknown_variable_is_refused(env: pytest.MonkeyPatch, name: str) -> None:
    """A misspelt setting is no silent default; the error names it and what is known."""
    env.setenv(name, "x")
    with pytest.raises(ValueError, match=f"{name};.*JIANFU_MONITOR_PACKS"):
        load(Settings, services=SERVICES)


@pytest.mark.parametrize(
    "change",
    [
        {"JIANFU_CLOCK": "stepped"},
        {"JIANFU_CLOCK": "stopped"},
        {"JIANFU_PROFILE": "test"},
        {"JIANFU_TIMEZONE": "Asia/Peking"},
        {"JIANFU_LOG_LEVEL": "verbose"},
        {"JIANFU_TRACES": "file:"},
        {"JIANFU_MONITOR_LISTEN": "8080"},
        {"JIANFU_MONITOR_LISTEN": "127.0.0.1:http"},
        {"JIANFU_MONITOR_LISTEN": "127.0.0.1:99999"},
        {"JIANFU_MONITOR_LISTEN": "myhost:8080"},
        {"JIANFU_KAFKA_USERNAME": "monitor"},
        {"JIANFU_KAFKA_PASSWORD_FILE": "/run/secrets/kafka"},
        {"JIANFU_MONITOR_DATABASE_URL": None},
        {"KAFKA_BOOTSTRAP_SERVERS": None},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(env: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    """Bad configuration is refused at the start, not at first use; a stepped clock never in production."""
    for name, value in change.items():
        env.delenv(name) if value is None else env.setenv(name, value)
    with pytest.raises((ValueError, KeyError)):
        load(Settings, services=SERVICES)


def test_a_stepped_clock_is_for_the_local_profile(env: pytest.MonkeyPatch) -> None:
    """The counterpart of the refusal above."""
    env.setenv("JIANFU_CLOCK", "stepped")
    env.setenv("JIANFU_PROFILE", "local")
    assert load(Settings, services=SERVICES).clock == "stepped"


def test_an_address_in_brackets_can_be_bound(env: pytest.MonkeyPatch) -> None:
    """Brackets belong to the notation, not to the address: a socket knows none."""
    env.setenv("JIANFU_MONITOR_LISTEN", "[::1]:8080")
    assert (load(Settings, services=SERVICES).host, load(Settings, services=SERVICES).port) == ("::1", 8080)


@pytest.mark.parametrize("wrong", ["JIANFU_MONITOR_LISTEN", "JIANFU_CLOCK", None])
def test_a_password_is_in_no_error_and_no_text(env: pytest.MonkeyPatch, wrong: str | None) -> None:
    """A refused setting ends in a log; the database's address holds a password."""
    env.setenv("JIANFU_MONITOR_DATABASE_URL", "postgresql://u:xyzzy@db/monitor")
    if wrong is None:
        assert "xyzzy" not in repr(load(Settings, services=SERVICES))
        return
    env.delenv(wrong) if wrong.endswith("LISTEN") else env.setenv(wrong, "stopped")
    with pytest.raises(ValueError, match=rf"(?i){wrong.rpartition('_')[2]}") as refused:
        load(Settings, services=SERVICES)
    assert "xyzzy" not in str(refused.value)


def test_secrets_come_from_files(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No password stands in the environment, where a crash report would show it."""
    (tmp_path / "password").write_text("xyzzy\n")
    env.setenv("JIANFU_KAFKA_USERNAME", "monitor")
    env.setenv("JIANFU_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    settings = load(Settings, services=SERVICES)
    assert settings.kafka_options()["sasl_plain_password"] == "xyzzy"
    assert "xyzzy" not in repr(settings)


@pytest.mark.parametrize("given", [("points", "fired"), ("points", None), (None, "fired")])
def test_crash_points_are_refused_in_production(tmp_path: Path, given: tuple[str | None, str | None]) -> None:
    """No production process may be told to die."""
    points, fired = (tmp_path / name if name else None for name in given)
    (tmp_path / "points").write_text("a.b.c\n")
    with pytest.raises(ValueError, match="crash points"):
        crashpoints.arm(points, fired, profile="production")
    crashpoints.point("a.b.c")  # and it is not armed


def test_a_crash_point_that_is_not_armed_does_nothing() -> None:
    """Points stand around every commit of every process, also of those that nobody tests."""
    crashpoints.arm(None, None, profile="production")
    crashpoints.point("registry.import.before-commit")
