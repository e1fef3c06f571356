"""HTTP: what the monitor could not take, and its replay. Beacons have no envelope: they are counted, not handled."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from libs.common import letters, release
from libs.common.auth import Authenticator
from libs.common.db import Database
from libs.common.errors import Invalid
from libs.common.kafka import Handler
from libs.common.reread import Reread
from libs.common.senders import bearer_of
from services.monitor import fold, usecases
from services.monitor.admission import Gate
from services.monitor.rollup import TOPIC


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
