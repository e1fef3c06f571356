"""What becomes of every case, day by day, from the documented windows. Pure; an oracle, so it shares no code.

A finding that proposes closure opens a case on the same day, and its notice goes out in that day's round; a unit's key
proves it `key_age_days` after the unit was first heard of. The notice names the day `answer_days` later, and that day
is the unit's until its end: silence is acted upon on the next one. A yes is acted upon after `min_answer_days`, a
promise to mend on the day after the one it names; a plan is sealed in the round of the day on which a case is ready and
signed the next morning; the public notice lasts `announce_days`; then archive, last recheck and stop; `verify_days`
probes, one a day; then the restore window, and the end. A hold lasts until the end of its day, and adds the days it
lasts to the wait it falls into.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from names import asset_id
from register import Identity
from scenario import Fate, Life, Scenario, fix_days
from watching import Sweep

State = Literal[
    "noticing",
    "undelivered",
    "answering",
    "fixing",
    "planned",
    "announced",
    "verifying",
    "unverified",
    "verified",
    "closed",
    "restored",
    "kept",
    "fixed",
    "refuted",
]
ENDED = frozenset({"closed", "restored", "kept", "fixed", "refuted"})
BEFORE_STOP = frozenset({"noticing", "undelivered", "answering", "fixing", "planned", "announced"})
CLOSURE_RULES = ("C15", "C16")
ONE = timedelta(days=1)
# The product's default limits, which the play is to stay below.
PER_UNIT_PER_DAY, PER_DAY, PER_PLAN = 10, 100, 100


@dataclass(slots=True)
class Case:
    """One case; `due` is when its present wait ends."""

    identity: Identity
    rule: str
    opened: date
    fate: Fate
    due: date
    state: State = "noticing"
    attempts: int = 0
    noticed: date | None = None
    planned: date | None = None
    stopped: date | None = None
    ended: date | None = None
    held: bool = False


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


class Closing:
    """All cases of the play; `stopped` are the accounts that are not watched because a case stopped them."""

    def __init__(self, scenario: Scenario) -> None:
        self._play = scenario
        self._windows = scenario.windows
        self.cases: list[Case] = []
        self.stopped: set[Identity] = set()
        self._open: dict[Identity, Case] = {}
        self._restored: dict[Identity, date] = {}
        self._known: dict[str, date] = {}  # units, by name, and the day on which each got its key
        for since, name in sorted(one for account in scenario.accounts.values() for one in account.departments):
            self._known.setdefault(_plain(name), since)

    def uses_again(self, life: Life, day: date) -> bool:
        """An account that was brought back is used every day from the next one on."""
        since = self._restored.get(life.identity)
        return since is not None and day > since

    def manners(self) -> dict[str, Any]:
        """What the accounts' world has to know: which units answer what, and which target lies."""
        told: dict[str, Any] = {}
        for case in self.cases:
            answer = self._answer(case)
            if answer is not None:
                told[asset_id(case.identity)] = {"answer": answer}
            elif case.fate == "liar":
                told[asset_id(case.identity)] = {"lies": True}
        return told

    def _answer(self, case: Case) -> dict[str, str] | None:
        match case.fate:
            case "keep":
                return {"answer": "keep", "reason": "it is needed again at the next election"}
            case "fix":
                until = (case.opened + timedelta(days=fix_days(self._windows))).isoformat()
                return {"answer": "fix", "reason": "a new editor starts soon", "until": until}
            case "close":
                return {"answer": "close", "reason": "nobody needs it"}
        return None

    def round(self, day: date, sweep: Sweep) -> None:
        """The day's events, then everything that is due."""
        for identity, rule in sweep.cleared:
            case = self._open.get(identity)
            if case is not None and case.rule == rule and case.state in BEFORE_STOP:
                self._end(case, "fixed" if case.fate == "fix" else "refuted", day)
        for identity, rule in sweep.opened:
            if rule in CLOSURE_RULES and identity not in self._open:
                fate = self._play.lives[identity].fate or "silence"
                case = Case(identity, rule, day, fate, due=day)
                self.cases.append(case)
                self._open[identity] = case
        for case in list(self._open.values()):
            while case.due <= day and case.state not in ENDED:
                self._step(case, day)

    def _step(self, case: Case, day: date) -> None:
        windows = self._windows
        match case.state:
            case "noticing":
                self._notice(case, day)
            case "answering":
                if case.fate == "hold" and not case.held:
                    self._hold(case, day)
                else:
                    self._plan(case, day)
            case "fixing":
                # The unit mends the account a day earlier; if the play ends it differently, the recheck decides.
                self._plan(case, day)
            case "planned":
                case.state, case.due = "announced", day + timedelta(days=windows.announce_days)
            case "announced":
                self._stop(case, day)
            case "verifying":
                if case.fate == "liar":
                    case.state, case.due = "unverified", date.max
                elif (day - (case.stopped or day)).days < windows.verify_days:
                    case.due = day + ONE
                else:
                    wait = self._play.restore_after if case.fate == "restore" else windows.restore_days
                    case.state, case.due = "verified", day + timedelta(days=wait)
            case "verified":
                self._end(case, "restored" if case.fate == "restore" else "closed", day)
            case _:
                case.due = date.max

    def _notice(self, case: Case, day: date) -> None:
        windows, unit = self._windows, self._play.accounts[case.identity].department_on(day)
        if unit in (self._play.unreachable, self._play.mute):
            case.attempts += 1
            parked = case.attempts == windows.notice_attempts
            case.state = "undelivered" if parked else "noticing"
            case.due = date.max if parked else day + timedelta(days=windows.notice_retry_days)
            return
        ripe = self._known[_plain(unit)] + timedelta(days=windows.key_age_days)
        if day < ripe:
            case.due = ripe
            return
        case.noticed = day
        least = day + timedelta(days=min(windows.min_answer_days, windows.answer_days))
        if case.fate == "keep":
            self._end(case, "kept", day)
        elif case.fate == "close":
            case.state, case.due = "answering", least
        elif case.fate == "fix":
            case.state, case.due = "fixing", max(least, case.opened + timedelta(days=fix_days(windows)) + ONE)
        else:
            wait = self._play.hold_after if case.fate == "hold" else windows.answer_days + 1
            case.state, case.due = "answering", day + timedelta(days=wait)

    def _hold(self, case: Case, day: date) -> None:
        """Held this morning, and through its last day; what is left of the window goes on after the hold."""
        case.held = True
        left = self._windows.answer_days + 1 - (day - (case.noticed or day)).days
        case.due = day + timedelta(days=self._play.hold_days + 1 + left)

    def _plan(self, case: Case, day: date) -> None:
        case.state, case.planned, case.due = "planned", day, day + ONE

    def _stop(self, case: Case, day: date) -> None:
        blind = self._play.blindness
        source = self._play.lives[case.identity].source
        if blind is not None and blind.source == source and blind.first < day < blind.recovery:
            case.due = day + ONE  # the recheck is inconclusive, the gate stays shut
            return
        case.stopped = day
        self.stopped.add(case.identity)
        case.state, case.due = "verifying", day + ONE

    def _end(self, case: Case, state: State, day: date) -> None:
        case.state, case.ended = state, day
        del self._open[case.identity]
        if state == "restored":
            self.stopped.discard(case.identity)
            self._restored[case.identity] = day

    def numbers(self) -> dict[str, int]:
        """The table's part that cases fill: where each stands at the end, and what happened on the way."""
        states = Counter(case.state for case in self.cases)
        settled = {
            "undelivered": states["undelivered"],
            "kept": states["kept"],
            "fixed": states["fixed"],
            "refuted": states["refuted"],
            "closed and verified": states["closed"],
            "unverified": states["unverified"],
            "restored": states["restored"],
        }
        return {
            "cases": len(self.cases),
            "noticed": sum(case.noticed is not None for case in self.cases),
            "held": sum(case.held for case in self.cases),
            **settled,
            "under way": len(self.cases) - sum(settled.values()),
            "alarms": settled["undelivered"] + settled["unverified"],
        }

    def check_limits(self) -> None:
        """The play is staggered so that no default limit binds. Raises ValueError when one would."""
        by_unit: Counter[tuple[date, str]] = Counter()
        by_day: Counter[date] = Counter()
        plans: dict[date, int] = defaultdict(int)
        for case in self.cases:
            if case.planned is not None:
                plans[case.planned] += 1
            if case.stopped is not None:
                by_day[case.stopped] += 1
                by_unit[case.stopped, self._play.accounts[case.identity].department_on(case.stopped)] += 1
        for counts, limit in ((by_unit, PER_UNIT_PER_DAY), (by_day, PER_DAY), (plans, PER_PLAN)):
            if counts and max(counts.values()) > limit:
                raise ValueError(f"the play would meet a limit of {limit}: {max(counts.values())}")
