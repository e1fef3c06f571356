"""The example's receiver on calls that somebody has caught: for another key or address they are no orders."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from libs.common.security import signing, tokens

KEY = tokens.new_key("service")
BODY = b'{"type":"stop"}'
SIGNED = {
    "purpose": "stop",
    "sha256": signing.sha256(BODY),
    "key": "k1",
    "target": "http://127.0.0.1:9/switches/stop",
    "signed_at": "2025-06-02T04:00:00+00:00",
}


@pytest.fixture(scope="module")
def receiver() -> ModuleType:
    path = Path(__file__).parents[4] / "examples" / "canada-register" / "signing.py"
    spec = importlib.util.spec_from_file_location("receiver_signing", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(receiver: ModuleType, claims: dict[str, Any], key: str = "k1", path: str = "/switches/stop") -> None:
    receiver.check_call([tokens.public_key(KEY)], signing.sign(KEY, claims), BODY, "stop", key=key, path=path)


def test_what_was_signed_for_it_is_obeyed(receiver: ModuleType) -> None:
    check(receiver, SIGNED)


def test_another_key_or_another_address_is_refused(receiver: ModuleType) -> None:
    with pytest.raises(receiver.BadSignature):
        check(receiver, SIGNED, key="k2")
    with pytest.raises(receiver.BadSignature):
        check(receiver, SIGNED, path="/switches/restore")
