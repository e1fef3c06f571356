"""From Kafka to use cases: declarations by units' systems."""

from typing import Any

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.events.envelope import Incoming
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted
from libs.common.handler import Handler
from libs.common.security.tokens import Authenticator
from services.registry.assets.domain import Policy
from services.registry.intake import usecases

TOPIC = AssetDeclared.TOPIC


def build(database: Database, clock: Clock, authenticator: Authenticator, policy: Policy) -> dict[str, Handler]:
    """Handlers of `TOPIC`; the record's `authorization` header identifies its sender."""

    async def act(event: Any, incoming: Incoming) -> None:
        who = authenticator.principal(incoming.authorization, at=incoming.appended)
        who.require("registrar", "unit")
        await usecases.take_in(
            database, event, who, source=incoming.source, event_id=incoming.id, now=clock.now(), policy=policy
        )

    return {model.TYPE: Handler(model, act) for model in (AssetDeclared, AssetCorrected, AssetDelisted)}
