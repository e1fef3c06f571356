"""From Kafka to use cases: declarations by units' systems, and what became of cases."""

from datetime import datetime
from typing import Any

from libs.common.clock import Clock
from libs.common.consumer.subscription import Handler
from libs.common.db.pool import Database
from libs.common.events.decommission import CaseClosed, CaseRestored, CaseStopped
from libs.common.events.envelope import Incoming
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted
from libs.common.security.tokens import Authenticator
from services.registry.assets import usecases
from services.registry.assets.domain import Policy


def intake(database: Database, clock: Clock, authenticator: Authenticator, policy: Policy) -> dict[str, Handler]:
    """Handlers of `jianfu.intake.lifecycle`; the record's `authorization` header says who speaks."""

    async def act(told: Any, incoming: Incoming) -> None:
        who = authenticator.principal(incoming.authorization, at=incoming.appended)
        who.require("registrar", "unit")
        await usecases.take_in(
            database, told, who, source=incoming.source, event_id=incoming.id, now=clock.now(), policy=policy
        )

    return {model.TYPE: Handler(model, act) for model in (AssetDeclared, AssetCorrected, AssetDelisted)}


def cases(database: Database, clock: Clock) -> dict[str, Handler]:
    """Handlers of `jianfu.decommission`."""

    def now() -> datetime:
        return clock.now()

    async def stopped(told: CaseStopped, incoming: Incoming) -> None:
        await usecases.case_moved(database, told.asset_id, incoming.id, "stopped", now=now())

    async def restored(told: CaseRestored, incoming: Incoming) -> None:
        await usecases.case_moved(database, told.asset_id, incoming.id, "resumed", now=now())

    async def closed(told: CaseClosed, incoming: Incoming) -> None:
        await usecases.close(database, told, incoming.id, now=now())

    return {
        CaseStopped.TYPE: Handler(CaseStopped, stopped),
        CaseRestored.TYPE: Handler(CaseRestored, restored),
        CaseClosed.TYPE: Handler(CaseClosed, closed),
    }
