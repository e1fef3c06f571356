"""Assembles the monitor: about ten objects in order, passed as arguments."""

from functools import partial
from pathlib import Path

from libs.common.events.intake import SourceStated
from libs.common.process.run import Parts, Role, open_base, serve
from libs.common.process.settings import load
from libs.common.refusals.senders import Bounds, Senders
from libs.common.security.tokens import Authenticator
from services.monitor import api
from services.monitor.assets import handlers
from services.monitor.policy import pack
from services.monitor.policy.rulebook import RuleBook
from services.monitor.settings import MonitorSettings
from services.monitor.sweeps.run import Sweeper
from services.monitor.usage import fold
from services.monitor.usage.consumer import UsageConsumer
from services.monitor.usage.senders import Gate

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
PACKS = HERE / "policy" / "packs"


def rules_of(folder: Path = PACKS) -> RuleBook:
    """The rules of every pack in a folder. Raises PackRefused naming the rule at fault."""
    return RuleBook([pack.load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))])


async def main(role: Role) -> None:
    """Run the monitor until it is told to stop."""
    settings = load(MonitorSettings)
    book = rules_of()
    base = await open_base(settings, MIGRATIONS, role)
    authenticator = Authenticator.from_file(settings.issuer_jwks_file, allow_local=settings.loopback)
    calendar = fold.Calendar(base.clock.zone)
    sweeper = Sweeper(base.database, book, base.clock, chunk=settings.sweep_chunk)
    gate = Gate(base.database, base.clock, settings.late_days)
    taken = handlers.handlers_of(base.database, book, base.clock, authenticator, gate)
    bounds, patience = Bounds(settings.sender_refusals, kept=settings.sender_kept), settings.consumer_patience
    usage = UsageConsumer(
        base.broker,
        base.database,
        authenticator,
        calendar,
        gate,
        max_records=settings.usage_batch,
        max_keys=settings.usage_keys,
        bounds=bounds,
        patience=patience,
    )
    senders = {SourceStated.TOPIC: Senders(base.database, authenticator, SourceStated.TOPIC, bounds)}
    app = api.build(base, authenticator, book, sweeper, calendar, gate, taken)

    async def due() -> tuple[int, int]:
        return 0, sweeper.running + usage.busy

    by_schedule = partial(sweeper.by_schedule, settings.sweep_at)
    by_schedule.__name__ = "sweep"  # type: ignore[attr-defined]
    parts = Parts(
        app,
        subscriptions=[*handlers.subscriptions(base.broker, base.database, taken, senders, patience), usage],
        loops=[usage.run, by_schedule],
        closing=[usage.flush],
        due=due,
    )
    await serve(base, parts)
