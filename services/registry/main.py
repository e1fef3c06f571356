"""Assembles the registry."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.clock import Clock
from libs.common.consumer.subscription import EventSubscription, Handler
from libs.common.db.pool import Database
from libs.common.dead_letters import api as letters
from libs.common.http import app as web
from libs.common.process.run import Parts, Role, open_base, serve
from libs.common.process.settings import load
from libs.common.refusals import noting, release
from libs.common.refusals.reread import Reread
from libs.common.refusals.senders import Bounds, Senders
from libs.common.security.tokens import Authenticator
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
    health: web.Health,
    quiet: web.Health,
) -> FastAPI:
    """The HTTP application."""
    app = web.create_app(
        "registry",
        title="Jianfu registry 登记",
        description=DESCRIPTION,
        authenticator=authenticator,
        examples=Path(__file__).with_name("examples.yaml"),
    )
    app.include_router(web.status_router(health, quiet))
    app.include_router(web.clock_router("registry", database, clock))
    app.include_router(noting.router("registry", database))
    app.include_router(letters.router("registry", database, taken))
    app.include_router(release.router("registry", database, taken, reread))
    app.include_router(units_api.router(database, clock))
    app.include_router(assets_api.router(database, clock))
    app.include_router(intake_api.router(database, clock, policy))
    app.include_router(imports_api.router(database, clock, policy))
    app.include_router(guard_api.router(database, clock, policy))
    app.include_router(tombstones_api.router(database, policy.reopen_after.days))
    app.include_router(verification_api.router(database, clock.zone))
    web.seal(app)
    return app


async def main(role: Role) -> None:
    """Build the parts in order and serve until the process is stopped."""
    settings = load(Settings)
    base = await open_base(settings, MIGRATIONS, role)
    policy = settings.policy()
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    taken = {
        intake_handlers.TOPIC: intake_handlers.build(base.database, base.clock, authenticator, policy),
        tombstones_handlers.TOPIC: tombstones_handlers.build(base.database, base.clock),
    }
    reread = Reread(settings.kafka_options(), authenticator)
    app = application(
        base.database, base.clock, policy, authenticator, taken, reread, health=base.health, quiet=base.quiet
    )
    bounds, patience = Bounds(settings.sender_refusals, kept=settings.sender_kept), settings.consumer_patience
    topic = intake_handlers.TOPIC
    senders = {topic: Senders(base.database, authenticator, topic, bounds)}
    subscriptions = [
        EventSubscription(
            base.broker, base.database, topic, "registry", handled, senders=senders.get(topic), patience=patience
        )
        for topic, handled in taken.items()
    ]
    filling = partial(lookalikes_jobs.fill_at_start, base.database)
    filling.__name__ = "refill"  # type: ignore[attr-defined]
    await serve(base, Parts(app=app, subscriptions=subscriptions, loops=[filling]))
