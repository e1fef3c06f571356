"""What a channel is. Pure."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.decommission.calls.domain import Outcome


class Channel(Protocol):
    """Brings a text to the system of a unit: a notice, a challenge, that a key was changed, or a test.

    `tools` are the dependencies of the service: its door to the outside and its signing key.
    """

    def check(self, address: str) -> None:
        """Raise ValueError for an address that this channel cannot use, whatever the network says."""

    async def judge(self, tools: Any, field: str, address: str) -> None:
        """Raise Invalid, naming the field, for an address that may not be called."""

    def target(self, address: str) -> str | None:
        """Whom a delivery calls, as `host:port`, so that not too many calls go to one; None where that is nobody."""

    async def deliver(self, tools: Any, address: str, body: bytes, *, purpose: str, key: UUID, at: datetime) -> Outcome:
        """Deliver a body once more under its idempotency key. Never raises: a failure is an outcome.

        The body of what is accepted is the answer: to a notice a receipt, to a challenge a proof.
        """
