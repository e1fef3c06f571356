"""Kafka to use cases: the results of an asset's case."""

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.events.decommission import CaseClosed, CaseRestored, CaseStopped
from libs.common.events.envelope import Incoming
from libs.common.handler import Handler
from services.registry.tombstones import usecases

TOPIC = CaseClosed.TOPIC


def build(database: Database, clock: Clock) -> dict[str, Handler]:
    """Handlers of `TOPIC`."""

    async def stopped(event: CaseStopped, incoming: Incoming) -> None:
        await usecases.stop(database, event.asset_id, incoming.id, now=clock.now())

    async def restored(event: CaseRestored, incoming: Incoming) -> None:
        await usecases.resume(database, event.asset_id, incoming.id, now=clock.now())

    async def closed(event: CaseClosed, incoming: Incoming) -> None:
        await usecases.close(database, event, incoming.id, now=clock.now())

    return {
        CaseStopped.TYPE: Handler(CaseStopped, stopped),
        CaseRestored.TYPE: Handler(CaseRestored, restored),
        CaseClosed.TYPE: Handler(CaseClosed, closed),
    }
