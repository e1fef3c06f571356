"""Signed webhooks and probes, through the one door for outgoing HTTP."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import httpx

from libs.common import signing
from libs.common.egress import Egress, EgressRefused

# Errors after which it is certain that the other side has seen nothing.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, EgressRefused)
# Answers by which a target may as well mean that it is done, being done or done elsewhere: 408 Request Timeout,
# 409 Conflict ("it is stopped already") and 425 Too Early. A 429 is a clear no: it was not even looked at.
NO_REFUSAL = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a call: a status and body, or why there was none."""

    status: int | None
    body: bytes
    error: str | None = None
    arrived: bool = True

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def outcome(self) -> Literal["accepted", "refused", "unknown"]:
        """Refused is certain: it never arrived, or a 4xx says no. A redirect, a 5xx or a lost answer says nothing."""
        if self.accepted:
            return "accepted"
        says_no = self.status is not None and 400 <= self.status < 500 and self.status not in NO_REFUSAL
        return "refused" if says_no or not self.arrived else "unknown"

    def why(self) -> str:
        return self.error or f"HTTP {self.status}"


async def send(egress: Egress, key: dict[str, Any], url: str, body: bytes, *, purpose: str, effect: UUID) -> Sent:
    """POST a body signed for one purpose under one idempotency key. Never raises: a failure is an answer."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(effect),
        "Jianfu-Signature": signing.sign(key, {"purpose": purpose, "sha256": signing.sha256(body)}),
    }
    try:
        reply = await egress.request("POST", url, content=body, headers=headers, follow=False)
    except (httpx.HTTPError, ValueError, OSError) as error:
        return Sent(None, b"", type(error).__name__, arrived=not isinstance(error, (*UNSENT, ValueError)))
    return Sent(reply.status, reply.body)


async def look(egress: Egress, url: str) -> Sent:
    """GET a public page. Never raises: a failure is an answer."""
    try:
        reply = await egress.request("GET", url)
    except (httpx.HTTPError, ValueError, OSError) as error:
        return Sent(None, b"", type(error).__name__)
    return Sent(reply.status, reply.body)
