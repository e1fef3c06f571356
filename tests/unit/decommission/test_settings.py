"""Keys that signed earlier case files: public ones, or the service does not start."""

import json
from pathlib import Path
from typing import Any

import pytest

from libs.common import auth
from libs.common.settings import load
from services.decommission.settings import Settings

KEY = auth.new_key("2024")
OLD = auth.public_key(KEY)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": "k:9092", "JIANFU_ISSUER_JWKS_FILE": "/i", "JIANFU_DECOMMISSION_DATABASE_URL": "u",
        "JIANFU_DECOMMISSION_LISTEN": "127.0.0.1:1", "JIANFU_DECOMMISSION_SIGNING_KEY_FILE": "/s",
        "JIANFU_DECOMMISSION_ARCHIVE_DIR": "/a",
        "JIANFU_DECOMMISSION_RETIRED_KEYS_FILE": str(tmp_path / "retired.jwks"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path / "retired.jwks"


def test_retired_keys_are_read_from_their_file_or_there_are_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps({"keys": [OLD]}))
    assert load(Settings).retired_keys() == (OLD,)
    monkeypatch.delenv("JIANFU_DECOMMISSION_RETIRED_KEYS_FILE")
    assert load(Settings).retired_keys() == ()


@pytest.mark.parametrize("odd", [{"keys": [KEY]}, OLD, [OLD], {"keys": OLD}, {"keys": [{"kty": "RSA"}]}], ids=range(5))
def test_a_private_key_or_no_key_set_stops_the_start(file: Path, odd: Any) -> None:
    file.write_text(json.dumps(odd))
    with pytest.raises(ValueError, match=r"retired\.jwks: expected a JWKS of public"):
        load(Settings).retired_keys()
