"""The HTTP application of a service: its own routers, and those that every service has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.dead_letters import api as dead_letter_api
from libs.common.handler import Handler
from libs.common.http.app import create_app
from libs.common.http.clock_api import clock_router
from libs.common.http.guards import seal
from libs.common.http.status import Health, nothing, status_router
from libs.common.refusals import noting
from libs.common.security.tokens import Authenticator
from libs.common.senders import api as sender_api
from libs.common.senders.reread import Reread


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the routers that every service has need of it.

    `handlers`: by topic and type, for dead letters that are replayed; a stream in `streams` replays and settles its
    own. `reread`: only where strangers send, who may be set aside and released. `notes`: what whoever looks at
    readiness has to know though the service is well.
    """

    database: Database
    clock: Clock
    authenticator: Authenticator
    handlers: Mapping[str, Mapping[str, Handler]]
    health: Health
    quiet: Health
    notes: Health = nothing
    streams: Mapping[str, dead_letter_api.Replay] | None = None
    reread: Reread | None = None


def assemble(
    service: str, shared: Shared, routers: Sequence[APIRouter], *, title: str, description: str, examples: Path
) -> FastAPI:
    """The application, sealed: every route asks for a role or says that it is public."""
    database, handlers = shared.database, shared.handlers
    app = create_app(
        service, title=title, description=description, authenticator=shared.authenticator, examples=examples
    )
    common = [
        status_router(shared.health, shared.quiet, shared.notes),
        clock_router(service, database, shared.clock),
        noting.router(service, database),
        dead_letter_api.router(service, database, handlers, shared.streams),
    ]
    if shared.reread is not None:
        common.append(sender_api.router(service, database, handlers, shared.reread, shared.streams))
    for router in (*common, *routers):
        app.include_router(router)
    seal(app)
    return app
