"""Creates over HTTP that may be repeated: the first answer is kept under the caller's Idempotency-Key."""

from typing import Annotated

from fastapi import Header

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.errors import DomainError
from libs.common.security.signing import sha256
from libs.common.text import Text

IdempotencyKey = Annotated[
    str | None, Header(description="重试时给出同一应答 same key, same answer", pattern=r"^[ -~]{1,255}$")
]
KEEP_DAYS = 90  # nobody repeats a request after longer; agents send usage under a new key every few minutes


class KeyReused(DomainError):
    """An Idempotency-Key names one request as long as its answer is kept."""

    code = "idempotency_key_reused"
    kind = "conflict"
    says = Text("该 Idempotency-Key 已用于另一请求。", "This Idempotency-Key was used for a different request.")


async def recall(conn: Connection, principal: str, key: str | None, body: bytes) -> tuple[int, bytes] | None:
    """The answer already given, or None. Raises KeyReused when the key belonged to another body.

    Inside a transaction it holds the key to its end, so that of two requests at once the second waits.
    """
    if key is None:
        return None
    await PLUMBING.idempotency_hold(conn, principal=principal, key=key)
    row = await PLUMBING.idempotency_find(conn, principal=principal, key=key)
    if row is None:
        return None
    if row["fingerprint"] != sha256(body):
        raise KeyReused(field="Idempotency-Key", accepted="a new key for a new request")
    return row["status"], row["body"]


async def keep(conn: Connection, principal: str, key: str | None, body: bytes, *, status: int, answer: bytes) -> None:
    """Remember an answer in the transaction of its effect."""
    if key is not None:
        await PLUMBING.idempotency_keep(
            conn, principal=principal, key=key, fingerprint=sha256(body), status=status, body=answer
        )


async def prune(conn: Connection) -> None:
    """Forget answers that nobody will ask for again."""
    await PLUMBING.idempotency_prune(conn, keep_days=KEEP_DAYS)
