"""A signed POST to the unit's own address."""

from datetime import datetime
from uuid import UUID

from libs.common.outbound.egress import target_of
from services.decommission.calls import addresses, client
from services.decommission.calls.domain import Outcome
from services.decommission.deps import Deps


class Webhook:
    """See `channels.domain.Channel`; what a receiver checks stands in `calls.client`."""

    def check(self, address: str) -> None:
        """The address must be one that the door for outgoing calls takes, without a secret in it."""
        target_of(addresses.filled(address))
        addresses.check_secrets(address)

    async def judge(self, tools: Deps, field: str, address: str) -> None:
        """The door's own judgement, before anything is sent there."""
        await client.judge(tools.egress, field, address, client.NOTICE)

    def target(self, address: str) -> str | None:
        """The host and port of the address; None for one that the door refuses anyway."""
        try:
            return target_of(address)
        except ValueError:
            return None

    async def deliver(
        self, tools: Deps, address: str, body: bytes, *, purpose: str, key: UUID, at: datetime
    ) -> Outcome:
        """One POST, signed for this purpose, address and key."""
        return await client.send(
            tools.egress, tools.signing_key, address, body, purpose=purpose, effect=key, at=at, door=client.NOTICE
        )
