"""HTTP: records that the monitor refused, and their replay. Beacons have no envelope: they are counted, not handled."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from libs.common.consumer.subscription import Handler
from libs.common.db.pool import Database
from libs.common.dead_letters import api as common
from libs.common.errors import Invalid
from libs.common.refusals import release
from libs.common.refusals.reread import Reread
from libs.common.refusals.senders import bearer_of
from libs.common.security.tokens import Authenticator
from services.monitor.admissions.usecases import Gate
from services.monitor.usage import fold, usecases
from services.monitor.usage.handlers import TOPIC


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
            raise Invalid(field="payload", why=(f"该记录仍不能计入({_fields(refused[0][1])})", refused[0][1]))
        await usecases.replay_usage(database, letter, folded.result())

    routes = APIRouter()
    routes.include_router(common.router("monitor", database, handlers, {TOPIC: count}))
    routes.include_router(release.router("monitor", database, handlers, reread, {TOPIC: count}))
    return routes


def _fields(reason: str) -> str:
    """The fields that a refusal of usage names."""
    parts = (part.partition(": ") for part in reason.split("; "))
    return ", ".join(field for field, colon, _ in parts if colon) or "JSON"
