"""Keys of earlier case files and exceptions for outgoing calls: what they must be, or the service does not start."""

import json
from pathlib import Path
from typing import Any

import pytest

from libs.common.process.settings import load
from libs.common.security import tokens
from services import SERVICES
from services.decommission.settings import Settings

KEY = tokens.new_key("2024")
OLD = tokens.public_key(KEY)
SMALL = OLD | {"x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}  # a point of small order: anybody signs for it


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": "k:9092",
        "JIANFU_ISSUER_JWKS_FILE": "/i",
        "JIANFU_DECOMMISSION_DATABASE_URL": "u",
        "JIANFU_DECOMMISSION_LISTEN": "127.0.0.1:1",
        "JIANFU_DECOMMISSION_SIGNING_KEY_FILE": "/s",
        "JIANFU_DECOMMISSION_ARCHIVE_DIR": "/a",
        "JIANFU_DECOMMISSION_RETIRED_KEYS_FILE": str(tmp_path / "retired.jwks"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "retired.jwks"


def test_retired_keys_are_read_from_their_file_or_there_are_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps({"keys": [OLD]}))
    assert load(Settings, services=SERVICES).retired_keys() == (OLD,)
    monkeypatch.delenv("JIANFU_DECOMMISSION_RETIRED_KEYS_FILE")
    assert load(Settings, services=SERVICES).retired_keys() == ()


ODD = [{"keys": [KEY]}, OLD, [OLD], {"keys": OLD}, {"keys": [{"kty": "RSA"}]}, {"keys": [SMALL]}]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_a_private_key_or_no_key_set_stops_the_start(file: Path, odd: Any) -> None:
    file.write_text(json.dumps(odd))
    with pytest.raises(ValueError, match=r"retired\.jwks: expected a JWKS of public"):
        load(Settings, services=SERVICES).retired_keys()


ALLOW = "JIANFU_DECOMMISSION_EGRESS_ALLOW_"


def test_exceptions_for_outgoing_calls_are_exact_and_for_one_purpose(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case does not matter in a name; what is open for one purpose is closed for the others."""
    monkeypatch.setenv(f"{ALLOW}PROBE", "Target.Example:443, 127.0.0.1:8080,[::1]:80")
    settings = load(Settings, services=SERVICES)
    assert settings.egress_allow_probe == ("target.example:443", "127.0.0.1:8080", "[::1]:80")
    assert settings.egress_allow_notice == settings.egress_allow_connector == ()


@pytest.mark.parametrize("purpose", ["NOTICE", "CONNECTOR", "PROBE"])
@pytest.mark.parametrize(
    "wrong",
    ["target.example", "a.example:443,https://b.example:443", "*.example:443", "u@b:1", "a.example:0", "b:99999"],
)
def test_an_exception_that_could_never_match_stops_the_start(
    file: Path, monkeypatch: pytest.MonkeyPatch, purpose: str, wrong: str
) -> None:
    monkeypatch.setenv(f"{ALLOW}{purpose}", wrong)
    with pytest.raises(ValueError, match="expected an exact host:port"):
        load(Settings, services=SERVICES)


def test_one_list_for_all_purposes_is_no_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was once: whoever still sets it is told, and not left with less than he thinks."""
    monkeypatch.setenv("JIANFU_EGRESS_ALLOW", "target.example:443")
    with pytest.raises(ValueError, match=r"unknown setting JIANFU_EGRESS_ALLOW; known: .*EGRESS_ALLOW_NOTICE"):
        load(Settings, services=SERVICES)
