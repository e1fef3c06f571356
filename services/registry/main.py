"""Assembles the registry."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.clock import Clock
from libs.common.consumer.events import EventSubscription
from libs.common.db.pool import Database
from libs.common.handler import Handler
from libs.common.http.status import Health
from libs.common.process.assembly import Shared, assemble
from libs.common.process.health import health, quiet
from libs.common.process.run import serve
from libs.common.process.runtime import Components, Role, open_runtime
from libs.common.process.settings import load
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import Bounds, Senders
from libs.common.senders.reread import Reread
from services import SERVICES
from services.registry.assets import api as assets_api
from services.registry.assets.domain import Policy
from services.registry.guard import api as guard_api
from services.registry.imports import api as imports_api
from services.registry.intake import api as intake_api
from services.registry.intake import handlers as intake_handlers
from services.registry.lookalikes import jobs as lookalikes_jobs
from services.registry.settings import Settings
from services.registry.tombstones import api as tombstones_api
from services.registry.tombstones import handlers as tombstones_handlers
from services.registry.units import api as units_api
from services.registry.verification import api as verification_api

MIGRATIONS = Path(__file__).with_name("migrations")
DESCRIPTION = "登记:单位、应用、公众账号、工作群组。 Records units, apps, public accounts and work groups."


def application(
    database: Database,
    clock: Clock,
    policy: Policy,
    authenticator: Authenticator,
    taken: Mapping[str, Mapping[str, Handler]],
    reread: Reread,
    *,
    health: Health,
    quiet: Health,
) -> FastAPI:
    """The HTTP application."""
    shared = Shared(
        database=database,
        clock=clock,
        authenticator=authenticator,
        handlers=taken,
        health=health,
        quiet=quiet,
        reread=reread,
    )
    routers = [
        units_api.router(database, clock),
        assets_api.router(database, clock),
        intake_api.router(database, clock, policy),
        imports_api.router(database, clock, policy),
        guard_api.router(database, clock, policy),
        tombstones_api.router(database, policy.reopen_after.days),
        verification_api.router(database, clock.zone),
    ]
    return assemble(
        "registry",
        shared,
        routers,
        title="Jianfu registry 登记",
        description=DESCRIPTION,
        examples=Path(__file__).with_name("examples.yaml"),
    )


async def main(role: Role) -> None:
    """Build the parts in order and serve until the process is stopped."""
    settings = load(Settings, services=SERVICES)
    runtime = await open_runtime(settings, MIGRATIONS, role)
    policy = settings.policy()
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    taken = {
        intake_handlers.TOPIC: intake_handlers.build(runtime.database, runtime.clock, authenticator, policy),
        tombstones_handlers.TOPIC: tombstones_handlers.build(runtime.database, runtime.clock),
    }
    reread = Reread(settings.kafka_options(), authenticator)
    app = application(
        runtime.database,
        runtime.clock,
        policy,
        authenticator,
        taken,
        reread,
        health=partial(health, runtime),
        quiet=partial(quiet, runtime),
    )
    bounds, patience = Bounds(settings.sender_refusals, kept=settings.sender_kept), settings.consumer_patience
    topic = intake_handlers.TOPIC
    senders = {topic: Senders(runtime.database, authenticator, topic, bounds)}
    subscriptions = [
        EventSubscription(
            runtime.broker, runtime.database, topic, "registry", handled, senders=senders.get(topic), patience=patience
        )
        for topic, handled in taken.items()
    ]
    filling = partial(lookalikes_jobs.fill_at_start, runtime.database)
    filling.__name__ = "refill"  # type: ignore[attr-defined]
    await serve(runtime, Components(app=app, subscriptions=subscriptions, loops=[filling]))
