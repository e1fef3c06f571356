"""HTTP: records that the monitor refused, and their replay. Beacons have no envelope: they are counted, not handled."""

from collections.abc import Mapping
from typing import Any

from libs.common.db.pool import Database
from libs.common.dead_letters.api import Replay
from libs.common.errors import Invalid
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import bearer_of
from libs.common.text import Text
from services.monitor.admissions.usecases import Gate
from services.monitor.usage import fold, usecases
from services.monitor.usage.handlers import TOPIC


def streams(
    database: Database, authenticator: Authenticator, calendar: fold.Calendar, gate: Gate
) -> Mapping[str, Replay]:
    """How a record of a stream without envelopes is replayed, by topic."""

    async def count(letter: dict[str, Any]) -> None:
        agent = authenticator.principal(
            (bearer_of(letter["headers"]) or b"").decode(errors="replace"), at=letter["appended"]
        )
        agent.require("agent")
        folded = fold.Fold(calendar)
        voice = (await gate.roll(letter["appended"])).voice(agent.identity, agent.sources)
        if refused := folded.add_all([letter["payload"]], voice):
            raise Invalid(field="payload", why=Text(f"该记录仍不能计入({_fields(refused[0][1])})", refused[0][1]))
        await usecases.replay_usage(database, letter, folded.result())

    return {TOPIC: count}


def _fields(reason: str) -> str:
    """The fields that a refusal of usage names."""
    parts = (part.partition(": ") for part in reason.split("; "))
    return ", ".join(field for field, colon, _ in parts if colon) or "JSON"
