"""What a receiver can tell of a call that is signed: that it is for it, for this key, and from when."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from libs.common.outbound.egress import Egress, Reply
from libs.common.security import signing, tokens
from tests.integration.decommission.conftest import SERVICE_KEY, Story

Call = tuple[str, dict[str, str], bytes, dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every signed call: its address, headers, body and the claims of its signature."""
    found: list[Call] = []
    ask = Egress.request

    async def listening(self: Egress, method: str, url: str, **more: Any) -> Reply:
        if method == "POST":
            claims = signing.verify(tokens.public_key(SERVICE_KEY), more["headers"]["Jianfu-Signature"])
            found.append((url, more["headers"], more["content"], claims))
        return await ask(self, method, url, **more)

    monkeypatch.setattr(Egress, "request", listening)
    return found


async def test_each_call_is_signed_for_its_purpose_body_key_target_and_time(
    story: Story, unit: UUID, calls: list[Call]
) -> None:
    _, case = await story.flagged("signed", unit)
    await story.until(case, "verified")
    await story.act(case, "restore")
    await story.round()
    assert [claims["purpose"] for *_, claims in calls] == ["notice", "stop", "restore"]
    for url, headers, body, claims in calls:
        assert claims == {
            "purpose": json.loads(body)["type"],
            "sha256": signing.sha256(body),
            "key": headers["Idempotency-Key"],
            "target": url,
            "signed_at": claims["signed_at"],
        }
    times = [datetime.fromisoformat(claims["signed_at"]) for *_, claims in calls]
    assert times == sorted(times)
    assert len(set(times)) == 3
