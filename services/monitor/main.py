"""Assembles the monitor: settings, dependencies, handlers, application, and background loops."""

from functools import partial
from pathlib import Path

from libs.common.process.health import health, quiet
from libs.common.process.run import serve
from libs.common.process.runtime import Components, Role, open_runtime
from libs.common.process.settings import load
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import Bounds
from libs.common.senders.reread import Reread
from services import SERVICES
from services.monitor import api, handlers
from services.monitor.deps import deps_of, rules_of
from services.monitor.settings import Settings
from services.monitor.usage.handlers import UsageConsumer

MIGRATIONS = Path(__file__).parent / "migrations"


async def main(role: Role) -> None:
    """Run the monitor until the process gets a signal to stop."""
    settings = load(Settings, services=SERVICES)
    book = rules_of()
    runtime = await open_runtime(settings, MIGRATIONS, role)
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    deps = deps_of(
        runtime.database,
        runtime.clock,
        authenticator,
        book,
        late_days=settings.late_days,
        sweep_chunk=settings.sweep_chunk,
    )
    bounds, patience = Bounds(settings.sender_refusals, kept=settings.sender_kept), settings.consumer_patience
    usage = UsageConsumer(
        runtime.broker,
        deps.database,
        authenticator,
        deps.calendar,
        deps.gate,
        max_records=settings.usage_batch,
        max_keys=settings.usage_keys,
        bounds=bounds,
        patience=patience,
    )
    by_topic = handlers.build(deps)
    reread = Reread(runtime.ends.options, authenticator)
    app = api.build(deps, by_topic, reread, health=partial(health, runtime), quiet=partial(quiet, runtime))

    async def due() -> tuple[int, int]:
        return 0, deps.sweeper.running + usage.busy

    sweep = partial(deps.sweeper.by_schedule, settings.sweep_at)
    sweep.__name__ = "sweep"  # type: ignore[attr-defined]
    parts = Components(
        app,
        subscriptions=[
            *handlers.subscriptions(deps, by_topic, runtime.broker, bounds=bounds, patience=patience),
            usage,
        ],
        loops=[usage.run, sweep],
        closing=[usage.flush],
        due=due,
    )
    await serve(runtime, parts)
