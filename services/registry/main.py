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
from services.registry.assets import api, refill
from services.registry.assets.domain import Policy
from services.registry.intake import api as api_intake
from services.registry.intake import handlers
from services.registry.settings import Settings
from services.registry.units import api as api_units
from services.registry.verification import api as api_public

LIFECYCLE = "jianfu.intake.lifecycle"
DECOMMISSION = "jianfu.decommission"
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
    app.include_router(api_units.router(database, clock))
    app.include_router(api.router(database, clock, policy))
    app.include_router(api_intake.router(database, clock, policy))
    app.include_router(api_public.router(database, clock.zone, policy.reopen_after.days))
    web.seal(app)
    return app


async def main(role: Role) -> None:
    """Build the parts in order and serve until told to stop."""
    settings = load(Settings)
    base = await open_base(settings, MIGRATIONS, role)
    policy = settings.policy()
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    taken = {
        LIFECYCLE: handlers.intake(base.database, base.clock, authenticator, policy),
        DECOMMISSION: handlers.cases(base.database, base.clock),
    }
    reread = Reread(settings.kafka_options(), authenticator)
    app = application(
        base.database, base.clock, policy, authenticator, taken, reread, health=base.health, quiet=base.quiet
    )
    bounds, patience = Bounds(settings.sender_refusals, kept=settings.sender_kept), settings.consumer_patience
    senders = {LIFECYCLE: Senders(base.database, authenticator, LIFECYCLE, bounds)}
    subscriptions = [
        EventSubscription(
            base.broker, base.database, topic, "registry", handled, senders=senders.get(topic), patience=patience
        )
        for topic, handled in taken.items()
    ]
    filling = partial(refill.at_start, base.database)
    filling.__name__ = "refill"  # type: ignore[attr-defined]
    await serve(base, Parts(app=app, subscriptions=subscriptions, loops=[filling]))
