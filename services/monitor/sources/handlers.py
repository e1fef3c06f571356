"""Kafka to use cases: statements of sources about their days."""

from collections.abc import Mapping

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.events.envelope import Incoming
from libs.common.events.intake import SourceStated
from libs.common.handler import Handler
from libs.common.security.tokens import Authenticator
from services.monitor.admissions.names import speaks_for
from services.monitor.admissions.usecases import Gate
from services.monitor.sources import usecases
from services.monitor.sources.statements import StaleRevision


def build(
    database: Database, clock: Clock, authenticator: Authenticator, gate: Gate
) -> dict[str, Mapping[str, Handler]]:
    """Topic → event type → how it is read and acted on."""

    async def stated(event: SourceStated, incoming: Incoming) -> None:
        agent = authenticator.principal(incoming.authorization, at=incoming.appended)
        agent.require("agent")
        speaks_for(agent.sources, event.source)
        try:
            await usecases.state_source(
                database,
                event,
                who=agent.identity,
                today=clock.today(),
                came=gate.came(incoming.appended),
                late_days=gate.late_days,
            )
        except StaleRevision as error:
            if int(str(error.params["current"])) <= event.revision:
                raise  # another content under the current revision: the sender forgot to raise it
            # else a late copy of a statement that was replaced: nothing is wrong with it

    return {SourceStated.TOPIC: {SourceStated.TYPE: Handler(SourceStated, stated)}}
