"""Assembles decommission."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.consumer.subscription import EventSubscription, Handler
from libs.common.db.pool import Database
from libs.common.dead_letters import api as letters
from libs.common.events import registry
from libs.common.http import app as web
from libs.common.outbound.egress import Egress
from libs.common.outbound.targets import LONGEST_REST, Targets
from libs.common.process.run import Parts, Role, open_base, serve
from libs.common.process.settings import load
from libs.common.refusals import noting
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from services.decommission.alarms import api as api_alarms
from services.decommission.announcements import api as api_announcements
from services.decommission.archives import api as api_packages
from services.decommission.archives.bag import Archive
from services.decommission.cases import api, handlers
from services.decommission.cases.domain import Windows
from services.decommission.checkpoints import api as api_checkpoints
from services.decommission.connectors import api as api_connectors
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.executor import Executor
from services.decommission.keys import api as api_keys
from services.decommission.keys.jobs import Messenger
from services.decommission.limits import api as api_setup
from services.decommission.limits import usecases as switch
from services.decommission.plans import api as api_plans
from services.decommission.settings import Settings

RESERVE = 4  # connections that only the urgent lane takes
STEPPED_REST = 0.2  # seconds
MIGRATIONS = Path(__file__).with_name("migrations")
DESCRIPTION = "关停:通知、批准、归档、停用、核验。 Notice, approval, archive, shutdown and verification."


def topics(ctx: Context, windows: Windows, executor: Executor) -> dict[str, Mapping[str, Handler]]:
    """What is read from which topic."""
    return {
        "jianfu.registry": handlers.assets(ctx, executor.wake),
        "jianfu.registry.units": handlers.units(ctx),
        "jianfu.monitor": handlers.findings(ctx, windows, executor.wake),
    }


def application(
    ctx: Context, executor: Executor, messenger: Messenger, windows: Windows, authenticator: Authenticator,
    taken: Mapping[str, Mapping[str, Handler]], *, health: web.Health, quiet: web.Health,
) -> FastAPI:  # fmt: skip
    """The HTTP application."""
    app = web.create_app(
        "decommission",
        title="Jianfu decommission 关停",
        description=DESCRIPTION,
        authenticator=authenticator,
        examples=Path(__file__).with_name("examples.yaml"),
    )
    app.include_router(web.status_router(health, quiet, partial(switch.note, ctx)))
    app.include_router(web.clock_router("decommission", ctx.database, ctx.clock))
    app.include_router(noting.router("decommission", ctx.database))
    app.include_router(letters.router("decommission", ctx.database, taken))
    app.include_router(api.router(ctx, executor))
    app.include_router(api_packages.router(ctx))
    app.include_router(api_plans.router(ctx, executor))
    app.include_router(api_alarms.router(ctx))
    app.include_router(api_checkpoints.router(ctx))
    app.include_router(api_keys.router(ctx, executor, messenger))
    app.include_router(api_announcements.router(ctx))
    app.include_router(api_connectors.router(ctx, executor))
    app.include_router(
        api_setup.router(ctx, executor, windows, [tokens.public_key(ctx.signing_key), *ctx.retired_keys])
    )
    web.seal(app)
    return app


async def main(role: Role) -> None:
    """Build the parts in order and serve until told to stop."""
    settings = load(Settings)
    limits, windows, signing_key = settings.read_limits(), settings.read_windows(), settings.signing_key()
    base = await open_base(settings, MIGRATIONS, role)
    exceptions = {
        webhook.NOTICE: settings.egress_allow_notice,
        webhook.CONNECTOR: settings.egress_allow_connector,
        webhook.PROBE: settings.egress_allow_probe,
    }
    # Under a stepped clock a day is over in moments, and must not end before everybody was called who is to be.
    targets = Targets(longest_rest=LONGEST_REST if base.clock.mode == "system" else STEPPED_REST)
    egress, archive = Egress(exceptions, targets=targets), Archive(settings.archive_dir)
    reserve = await Database.connect(settings.database_url, name="decommission", size=RESERVE)
    reserve.after_commit = base.database.after_commit
    ctx = Context(
        base.database, base.clock, egress, signing_key, limits, archive, settings.kill_switch, windows,
        retired_keys=settings.retired_keys(),
    )  # fmt: skip
    executor, messenger = Executor(ctx, reserve), Messenger(ctx)
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    taken = topics(ctx, windows, executor)
    await switch.record_settings(ctx, windows)
    app = application(ctx, executor, messenger, windows, authenticator, taken, health=base.health, quiet=base.quiet)
    kinds = {registry.UnitRecorded.TOPIC: partial(handlers.Units, ctx)}
    subscriptions = [
        kinds.get(topic, EventSubscription)(
            base.broker, base.database, topic, "decommission", handled, patience=settings.consumer_patience
        )
        for topic, handled in taken.items()
    ]

    async def due() -> tuple[int, int]:
        cases, running = await executor.due()
        return cases + await messenger.due(), running

    closing = [egress.close, archive.close, reserve.close]
    await serve(base, Parts(app, subscriptions, loops=[executor.run, messenger.run], closing=closing, due=due))
