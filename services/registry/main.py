"""Assembles the registry."""

from pathlib import Path

from libs.common import letters, web
from libs.common.auth import Authenticator
from libs.common.kafka import EventSubscription
from libs.common.process import Parts, Role, open_base, serve
from libs.common.settings import load
from services.registry import api, api_intake, api_public, api_units, handlers
from services.registry.settings import Settings

LIFECYCLE = "jianfu.intake.lifecycle"
DECOMMISSION = "jianfu.decommission"
MIGRATIONS = Path(__file__).with_name("migrations")
DESCRIPTION = "登记:单位、应用、公众账号、工作群组。 Records units, apps, public accounts and work groups."


async def main(role: Role) -> None:
    """Build the parts in order and serve until told to stop."""
    settings = load(Settings)
    base = await open_base(settings, MIGRATIONS, role)
    policy = settings.policy()
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    intake = handlers.intake(base.database, base.clock, authenticator, policy)
    cases = handlers.cases(base.database, base.clock)
    app = web.create_app("registry", title="Jianfu registry 登记", description=DESCRIPTION, authenticator=authenticator)
    app.include_router(web.status_router(base.health, base.quiet))
    app.include_router(web.clock_router("registry", base.database, base.clock))
    app.include_router(letters.router("registry", base.database, {LIFECYCLE: intake, DECOMMISSION: cases}))
    app.include_router(api_units.router(base.database, base.clock))
    app.include_router(api.router(base.database, base.clock, policy))
    app.include_router(api_intake.router(base.database, base.clock, policy))
    app.include_router(api_public.router(base.database))
    web.seal(app)
    subscriptions = [
        EventSubscription(base.broker, base.database, LIFECYCLE, "registry", intake),
        EventSubscription(base.broker, base.database, DECOMMISSION, "registry", cases),
    ]
    await serve(base, Parts(app=app, subscriptions=subscriptions))
