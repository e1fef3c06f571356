"""What a connector is, and what it is told. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from libs.common.security import signing
from services.decommission.calls.domain import Outcome

Purpose = Literal["stop", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to stop or restore one asset of a platform."""

    purpose: Purpose
    case_id: UUID
    asset_id: UUID
    platform: str
    identity: str

    def text(self) -> bytes:
        """The order as it is sent: canonical JSON."""
        return signing.canonical(
            {
                "type": self.purpose,
                "case_id": str(self.case_id),
                "asset_id": str(self.asset_id),
                "platform": self.platform,
                "identity": self.identity,
            }
        )


class Connector(Protocol):
    """Stops and restores the assets of a platform. Its answer is recorded and is no proof: a probe is."""

    def target(self, purpose: Purpose) -> str | None:
        """Whom an order calls, as `host:port`, so that not too many calls go to one; None where that is nobody."""

    async def carry_out(self, tools: Any, order: Order, *, key: UUID, at: datetime) -> Outcome:
        """Give an order once more under its idempotency key. Never raises: a failure is an outcome.

        `tools` are the dependencies of the service.
        """

    async def test(self, tools: Any, purpose: Purpose, body: bytes, *, key: UUID, at: datetime) -> Outcome:
        """One call that says that it is a test, upon which nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How the assets of a platform are reached. `probe_revision` counts the changes of `probe_url`.

    `honours_keys`: an order repeated under its key is carried out once.
    """

    connector: Connector
    probe_url: str
    probe_revision: int
    honours_keys: bool
