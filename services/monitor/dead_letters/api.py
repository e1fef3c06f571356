"""HTTP: what the monitor could not take, and its replay. Beacons have no envelope: they are counted, not handled."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from libs.common.consumer.subscription import Handler
from libs.common.db.pool import Database
from libs.common.dead_letters import api as letters
from libs.common.errors import Invalid
from libs.common.refusals import release
from libs.common.refusals.reread import Reread
from libs.common.refusals.senders import bearer_of
from libs.common.security.tokens import Authenticator
from services.monitor.usage import fold
from services.monitor.usage.consumer import TOPIC
from services.monitor.usage.senders import Gate
from services.monitor.verdicts import usecases


def router(
    database: Database,
    handlers: Mapping[str, Mapping[str, Handler]],
    authenticator: Authenticator,
    calendar: fold.Calendar,
    gate: Gate,
    reread: Reread,
) -> APIRouter:
    """Dead letters, and the senders that are set aside."""

    async def count(letter: dict[str, Any]) -> None:
        agent = authenticator.principal(
            (bearer_of(letter["headers"]) or b"").decode(errors="replace"), at=letter["appended"]
        )
        agent.require("agent")
        folded = fold.Fold(calendar)
        voice = (await gate.roll(letter["appended"])).voice(agent.identity, agent.sources)
        if refused := folded.add_all([letter["payload"]], voice):
            raise Invalid(field="payload", why=(f"该记录仍不能计入({_places(refused[0][1])})", refused[0][1]))
        await usecases.replay_usage(database, letter, folded.sheet())

    routes = APIRouter()
    routes.include_router(letters.router("monitor", database, handlers, {TOPIC: count}))
    routes.include_router(release.router("monitor", database, handlers, reread, {TOPIC: count}))
    return routes


def _places(reason: str) -> str:
    """The fields that a refusal of usage names."""
    parts = (part.partition(": ") for part in reason.split("; "))
    return ", ".join(field for field, colon, _ in parts if colon) or "JSON"
