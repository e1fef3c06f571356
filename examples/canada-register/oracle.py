"""The closing table before the run: from the inputs and the documented windows alone. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from closing import Closing
from register import Account, Identity, Row, twins
from scenario import Life, Scenario
from watching import Sweep, Watch


@dataclass(frozen=True, slots=True)
class Expected:
    """What the run must come to: the table, each day's sweep, each case."""

    numbers: dict[str, int]
    sweeps: dict[date, Sweep]
    closing: Closing


def expect(scenario: Scenario, register: list[Row]) -> Expected:
    """Play it all in the head."""
    closing = Closing(scenario)

    def posts(life: Life, day: date) -> bool:
        return life.posts(day) or closing.uses_again(life, day)

    watch = Watch(scenario, posts)
    sweeps: dict[date, Sweep] = {}
    for day in scenario.days:
        sweep = sweeps[day] = watch.sweep(day, closing.stopped)
        closing.round(day, sweep)
    closing.check_limits()
    watched = sum(sweeps[scenario.days[-1]].verdicts.values())
    flagged = Counter(rule for sweep in sweeps.values() for _, rule in sweep.opened)
    numbers = {
        **_of_register(scenario.accounts, register),
        "watched": watched,
        "flagged": flagged.total(),
        "flagged by C06, no update for 14 days": flagged["C06"],
        "flagged by C15, none for 90 days": flagged["C15"],
        "flagged by C16, shell": flagged["C16"],
        "cleared": sum(len(sweep.cleared) for sweep in sweeps.values()),
        "unknown (account-days)": sum(sweep.verdicts["UNKNOWN"] for sweep in sweeps.values()),
        **_over_the_blind(scenario, sweeps),
        **closing.numbers(),
    }
    return Expected(numbers, sweeps, closing)


def _over_the_blind(scenario: Scenario, sweeps: dict[date, Sweep]) -> dict[str, int]:
    """While a source is blind nothing opens and nothing clears; when it sees again, exactly the dead are flagged."""
    blind = scenario.blindness
    recovery = sweeps.get(blind.recovery) if blind is not None else None
    flagged = [k for k, _ in recovery.opened if scenario.lives[k].source == blind.source] if blind and recovery else []
    return {"opened while blind": 0, "cleared while blind": 0, "flagged on recovery": len(flagged)}


def _of_register(accounts: dict[Identity, Account], register: list[Row]) -> dict[str, int]:
    listed = {row.identity for row in register}
    return {
        "recorded": len(listed),
        "twins refused": len(twins(register)),
        "added": len(accounts) - len(listed),
        "gone": sum(len(a.delisted) for a in accounts.values()),
        "restored to the register": sum(len(a.listed) - 1 for a in accounts.values()),
    }
