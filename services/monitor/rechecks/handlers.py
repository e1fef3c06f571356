"""Kafka to use cases: the questions that cases ask before a gate."""

from collections.abc import Mapping

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.events.decommission import RecheckRequested
from libs.common.events.envelope import Incoming
from libs.common.handler import Handler
from services.monitor.policy.rulebook import RuleBook
from services.monitor.rechecks import usecases


def build(database: Database, book: RuleBook, clock: Clock) -> dict[str, Mapping[str, Handler]]:
    """Topic → event type → how it is read and acted on."""

    async def requested(event: RecheckRequested, incoming: Incoming) -> None:
        await usecases.answer_recheck(database, book, event, clock, event_id=incoming.id)

    return {RecheckRequested.TOPIC: {RecheckRequested.TYPE: Handler(RecheckRequested, requested)}}
