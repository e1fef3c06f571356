"""The dependencies of the monitor, made once by `main`, and by tests."""

from dataclasses import dataclass
from pathlib import Path

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.security.tokens import Authenticator
from services.monitor.admissions.usecases import Gate
from services.monitor.policy import pack
from services.monitor.policy.rulebook import RuleBook
from services.monitor.sweeps.jobs import Sweeper
from services.monitor.usage.fold import Calendar

PACKS = Path(__file__).parent / "policy" / "packs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The dependencies of handlers and API."""

    database: Database
    clock: Clock
    authenticator: Authenticator
    book: RuleBook
    gate: Gate
    calendar: Calendar
    sweeper: Sweeper


def rules_of(folder: Path = PACKS) -> RuleBook:
    """The rules of every pack in a folder and below it. Raises PackRefused naming the rule that cannot be taken."""
    return RuleBook([pack.load(path.read_text("utf-8")) for path in sorted(folder.rglob("*.yaml"))])


def deps_of(
    database: Database,
    clock: Clock,
    authenticator: Authenticator,
    book: RuleBook,
    *,
    late_days: int = 45,
    sweep_chunk: int = 5_000,
) -> Deps:
    """The dependencies over one database; `late_days` and `sweep_chunk` as in the settings."""
    return Deps(
        database=database,
        clock=clock,
        authenticator=authenticator,
        book=book,
        gate=Gate(database, clock, late_days),
        calendar=Calendar(clock.zone),
        sweeper=Sweeper(database, book, clock, chunk=sweep_chunk),
    )
