"""Signed webhooks and probes, through the one door for outgoing HTTP.

What a receiver must check before it obeys, in the claims of `Jianfu-Signature` (a compact JWS, Ed25519, by a key of
`GET /decommission/v1/keys`); whoever checks less obeys a copy of an order that somebody has caught:

- `purpose` is what its address is for: notice, challenge or key-changed at a unit, stop or restore at a platform; or
  test at either, upon which nothing is done;
  `sha256` is that of the raw body;
- `key` is the `Idempotency-Key` of the call; what was done under a key is answered again and not done again, for at
  least a year;
- `target` is the receiver's own URL, as it was registered here: no order that was meant for another;
- `signed_at` (ISO 8601, UTC, the service's business time) is not earlier than that of the newest order obeyed for the
  asset: so no stop comes back after its restore, even where its key has been forgotten.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from libs.common.errors import Invalid
from libs.common.outbound.egress import Egress, EgressRefused, GaveWay, TargetRests
from libs.common.security import signing
from libs.common.text import Text
from services.decommission.calls.addresses import filled
from services.decommission.calls.domain import Outcome, of_failure, of_status

# Errors after which it is certain that the other side has seen nothing.
UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    EgressRefused,
    TargetRests,
)
# Why there was no answer, in the words of the catalogue of refusals; the first that fits.
SAID: tuple[tuple[type[Exception], str], ...] = (
    (EgressRefused, "its address is not public, or may not be called for this purpose"),
    (TargetRests, "it has failed too often and is left alone for a while"),
    (GaveWay, "it was waited for no longer, so that an urgent order could go out"),
    (httpx.PoolTimeout, "too many calls to it are under way"),
    (httpx.ConnectTimeout, "it cannot be reached"),
    (httpx.ConnectError, "it cannot be reached"),
    (httpx.TimeoutException, "it did not answer in time"),
    (httpx.UnsupportedProtocol, "its address is no web address without a name or password"),
    (ValueError, "its address is no web address without a name or password"),
    (Exception, "its answer could not be read"),
)
# Which exceptions of the door a call may use: an address that is open to looks is open to nothing else.
NOTICE, CONNECTOR, PROBE = "notice", "connector", "probe"
DOORS = (NOTICE, CONNECTOR, PROBE)
ORDERS = frozenset({"stop", "restore"})
MAX_ANSWER = 64 * 1024  # bytes; the longest of all answers holds a receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a look at a page has brought: a status and body, or why there was none.

    `gave_way`: it was broken off for an urgent order.
    """

    status: int | None = None
    body: bytes = b""
    error: str | None = None
    gave_way: bool = False


async def send(
    egress: Egress,
    key: dict[str, Any],
    url: str,
    body: bytes,
    *,
    purpose: str,
    effect: UUID,
    at: datetime,
    door: str | None = None,
) -> Outcome:
    """POST a body signed for one purpose, target and idempotency key. Never raises: a failure is an answer.

    Of the answer to an order its status is all that counts, so that a body without end keeps no place from another.
    `door` is the purpose by which its address is judged, where that of the call does not say it.
    """
    claims = {
        "purpose": purpose,
        "sha256": signing.sha256(body),
        "key": str(effect),
        "target": url,
        "signed_at": at.astimezone(UTC).isoformat(),
    }
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(effect),
        "Jianfu-Signature": signing.sign(key, claims),
    }
    try:
        door = door or (CONNECTOR if purpose in ORDERS else NOTICE)
        most = 0 if purpose in ORDERS else MAX_ANSWER
        reply = await egress.request("POST", url, purpose=door, content=body, headers=headers, follow=False, most=most)
    except GaveWay as error:
        return of_failure(_said(error), arrived=error.reached, gave_way=True)
    except (httpx.HTTPError, ValueError, OSError) as error:
        return of_failure(_said(error), arrived=not isinstance(error, (*UNSENT, ValueError)))
    return of_status(reply.status, reply.body)


async def look(egress: Egress, url: str) -> Page:
    """GET a public page. Never raises: a failure is an answer."""
    try:
        reply = await egress.request("GET", url, purpose=PROBE)
    except (httpx.HTTPError, ValueError, OSError) as error:
        return Page(error=_said(error), gave_way=isinstance(error, GaveWay))
    return Page(status=reply.status, body=reply.body)


def _said(error: Exception) -> str:
    return next(words for kind, words in SAID if isinstance(error, kind))


async def judge(egress: Egress, field: str, url: str, door: str) -> None:
    """Raise Invalid for an address that the door for outgoing calls would refuse for this purpose."""
    try:
        await egress.judge(filled(url), purpose=door)
    except EgressRefused:
        setting = f"JIANFU_DECOMMISSION_EGRESS_ALLOW_{door.upper()}"
        en = "its address is not public, or may not be called for this purpose"
        raise Invalid(
            field=field,
            accepted=f"an address that is public, or that {setting} names",
            why=Text("该地址不是公网地址,或不得用于此目的", en),
        ) from None
