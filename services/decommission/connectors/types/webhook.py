"""Signed POSTs, one address for each order."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from libs.common.outbound.egress import target_of
from services.decommission.calls import client
from services.decommission.calls.domain import Outcome
from services.decommission.calls.schemas import Url
from services.decommission.connectors.domain import Order, Purpose
from services.decommission.connectors.stated import ConnectorBody
from services.decommission.deps import Deps


class Connector(ConnectorBody):
    """How a platform's assets are stopped, restored and looked at.

    `probe_url` may hold {platform}, {identity} and {asset_id}. `honours_keys`: a repeated Idempotency-Key acts once.
    Before it obeys, a target checks in the claims of Jianfu-Signature: `purpose`, `sha256` of the body, `key` (the
    Idempotency-Key), `target` (its own URL) and that `signed_at` is no earlier than the newest order it obeyed.
    """

    type: Literal["webhook"] = Field("webhook", description="how orders are given 指令方式")
    stop_url: Url
    restore_url: Url

    async def judge(self, tools: Deps) -> None:
        """Raise Invalid for an address that the door for outgoing calls would refuse."""
        await client.judge(tools.egress, "stop_url", self.stop_url, client.CONNECTOR)
        await client.judge(tools.egress, "restore_url", self.restore_url, client.CONNECTOR)
        await super().judge(tools)


def connect(settings: dict[str, Any]) -> "Webhook":
    """The connector of these settings."""
    return Webhook({"stop": settings["stop_url"], "restore": settings["restore_url"]})


class Webhook:
    """See `connectors.domain.Connector`; what a receiver checks stands in `calls.client`."""

    def __init__(self, urls: dict[Purpose, str]) -> None:
        self._urls = urls

    def target(self, purpose: Purpose) -> str | None:
        """The host and port of the address; None for one that the door refuses anyway."""
        try:
            return target_of(self._urls[purpose])
        except ValueError:
            return None

    async def carry_out(self, tools: Deps, order: Order, *, key: UUID, at: datetime) -> Outcome:
        """One POST, signed for this order, address and key."""
        url, body = self._urls[order.purpose], order.text()
        return await client.send(tools.egress, tools.signing_key, url, body, purpose=order.purpose, effect=key, at=at)

    async def test(self, tools: Deps, purpose: Purpose, body: bytes, *, key: UUID, at: datetime) -> Outcome:
        """The same call with the purpose `test`."""
        url = self._urls[purpose]
        return await client.send(
            tools.egress, tools.signing_key, url, body, purpose="test", effect=key, at=at, door=client.CONNECTOR
        )
