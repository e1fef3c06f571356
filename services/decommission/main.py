"""Assembles decommission."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.consumer.events import EventSubscription
from libs.common.db.pool import Database
from libs.common.events import monitor, registry
from libs.common.handler import Handler
from libs.common.http.status import Health
from libs.common.outbound.egress import Egress
from libs.common.outbound.targets import LONGEST_REST, Targets
from libs.common.process.assembly import Shared, assemble
from libs.common.process.health import health, quiet
from libs.common.process.run import serve
from libs.common.process.runtime import Components, Role, open_runtime
from libs.common.process.settings import load
from libs.common.security.tokens import Authenticator
from services import SERVICES
from services.decommission.alarms import api as alarm_api
from services.decommission.announcements import api as announcement_api
from services.decommission.archives import api as archive_api
from services.decommission.archives.store import Archive
from services.decommission.calls import client
from services.decommission.casefiles import api as casefile_api
from services.decommission.cases import api as case_api
from services.decommission.checkpoints import api as checkpoint_api
from services.decommission.connectors import api as connector_api
from services.decommission.controls import api as control_api
from services.decommission.controls import usecases as control_usecases
from services.decommission.deps import CONSUMER, Deps
from services.decommission.executor import Executor
from services.decommission.findings import handlers as finding_handlers
from services.decommission.gates import api as gate_api
from services.decommission.keys import api as key_api
from services.decommission.keys.jobs import Messenger
from services.decommission.limits import api as limit_api
from services.decommission.mandates import api as mandate_api
from services.decommission.notices import api as notice_api
from services.decommission.plans import api as plan_api
from services.decommission.register import handlers as register_handlers
from services.decommission.settings import Settings
from services.decommission.setup import api as setup_api
from services.decommission.trials import api as trial_api

RESERVE = 4  # connections that only the urgent lane takes
STEPPED_REST = 0.2  # seconds
MIGRATIONS = Path(__file__).with_name("migrations")
DESCRIPTION = "关停:通知、批准、归档、停用、核验。 Notice, approval, archive, shutdown and verification."


def topics(deps: Deps, wake: Callable[[], None]) -> dict[str, Mapping[str, Handler]]:
    """What is read from which topic."""
    return {
        registry.AssetRegistered.TOPIC: register_handlers.assets(deps, wake),
        registry.UnitRecorded.TOPIC: register_handlers.units(deps),
        monitor.FindingOpened.TOPIC: finding_handlers.findings(deps, wake),
    }


def application(
    deps: Deps,
    wake: Callable[[], None],
    wake_messenger: Callable[[], None],
    authenticator: Authenticator,
    handlers: Mapping[str, Mapping[str, Handler]],
    *,
    health: Health,
    quiet: Health,
) -> FastAPI:
    """The HTTP application; `wake` and `wake_messenger` tell the two loops that something may be due."""
    shared = Shared(
        database=deps.database,
        clock=deps.clock,
        authenticator=authenticator,
        handlers=handlers,
        health=health,
        quiet=quiet,
        notes=partial(control_usecases.note, deps),
    )
    routers = [
        case_api.router(deps, wake),
        gate_api.router(deps),
        notice_api.router(deps, wake),
        casefile_api.router(deps),
        archive_api.router(deps.database, deps.archive),
        plan_api.router(deps, wake),
        mandate_api.router(deps),
        alarm_api.router(deps),
        checkpoint_api.router(deps),
        key_api.router(deps, wake, wake_messenger),
        announcement_api.router(deps),
        connector_api.router(deps, wake),
        trial_api.router(deps),
        setup_api.router(deps),
        limit_api.router(deps.limits, deps.windows),
        control_api.router(deps, wake),
        notice_api.receipts(deps, wake),
        casefile_api.service_keys(deps),
    ]
    return assemble(
        "decommission",
        shared,
        routers,
        title="Jianfu decommission 关停",
        description=DESCRIPTION,
        examples=Path(__file__).with_name("examples.yaml"),
    )


async def main(role: Role) -> None:
    """Build the parts in order and serve until told to stop."""
    settings = load(Settings, services=SERVICES)
    limits, windows, signing_key = settings.read_limits(), settings.read_windows(), settings.signing_key()
    runtime = await open_runtime(settings, MIGRATIONS, role)
    exceptions = {
        client.NOTICE: settings.egress_allow_notice,
        client.CONNECTOR: settings.egress_allow_connector,
        client.PROBE: settings.egress_allow_probe,
    }
    # Under a stepped clock a day is over in moments, and must not end before everybody was called who is to be.
    targets = Targets(longest_rest=LONGEST_REST if runtime.clock.mode == "system" else STEPPED_REST)
    egress, archive = Egress(exceptions, targets=targets), Archive(settings.archive_dir)
    reserve = await Database.connect(settings.database_url, name="decommission", size=RESERVE)
    reserve.after_commit = runtime.database.after_commit
    deps = Deps(
        database=runtime.database,
        clock=runtime.clock,
        egress=egress,
        signing_key=signing_key,
        limits=limits,
        archive=archive,
        kill_switch=settings.kill_switch,
        windows=windows,
        retired_keys=settings.retired_keys(),
    )
    executor, messenger = Executor(deps, reserve), Messenger(deps)
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    handlers = topics(deps, executor.wake)
    await control_usecases.record_settings(deps)
    app = application(
        deps,
        executor.wake,
        messenger.wake,
        authenticator,
        handlers,
        health=partial(health, runtime),
        quiet=partial(quiet, runtime),
    )
    kinds = {registry.UnitRecorded.TOPIC: partial(register_handlers.Units, deps)}
    subscriptions = [
        kinds.get(topic, EventSubscription)(
            runtime.broker, runtime.database, topic, CONSUMER, handled, patience=settings.consumer_patience
        )
        for topic, handled in handlers.items()
    ]

    async def due() -> tuple[int, int]:
        cases, running = await executor.due()
        return cases + await messenger.due(), running

    closing = [egress.close, archive.close, reserve.close]
    await serve(runtime, Components(app, subscriptions, loops=[executor.run, messenger.run], closing=closing, due=due))
