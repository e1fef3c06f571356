"""A GET of the public page."""

from libs.common.outbound.egress import target_of
from services.decommission.calls import client
from services.decommission.deps import Deps
from services.decommission.probes.domain import Alive, Gone, Look, Unclear, probe_result

SEEN: dict[str, type[Gone | Alive | Unclear]] = {"gone": Gone, "alive": Alive, "unclear": Unclear}


class Page:
    """See `probes.domain.Probe`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def target(self) -> str | None:
        """The host and port of the page; None for an address that the door refuses anyway."""
        try:
            return target_of(self._address) if self._address else None
        except ValueError:
            return None

    async def look(self, tools: Deps) -> Look:
        """One GET, by the status alone."""
        found = await client.look(tools.egress, self._address)
        if found.gave_way:
            return Unclear(error=found.error, gave_way=True)
        return SEEN[probe_result(found.status)](status=found.status, error=found.error, body=found.body)
