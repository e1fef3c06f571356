"""What each daily sweep has to find, computed from the scenario alone. Pure; an oracle, so it shares no code.

The rules as documented: C06 more than 14 days without a post, C15 more than 90, C16 no post ever and listed for more
than 30 days. A day counts as silent only when a healthy source vouched for it; what is not known is None, and a rule
that is neither true nor false neither opens nor clears anything.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from register import Account, Identity
from scenario import Life, Scenario

Truth = bool | None
ONE = timedelta(days=1)


@dataclass(slots=True)
class Sweep:
    """What one sweep finds: `verdicts` by name, findings opened and cleared by rule."""

    day: date
    verdicts: Counter[str] = field(default_factory=Counter)
    opened: list[tuple[Identity, str]] = field(default_factory=list)
    cleared: list[tuple[Identity, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The numbers that the product's answer to a sweep carries."""
        named = {name: self.verdicts[name.upper()] for name in ("active", "idle", "zombie", "unknown")}
        sums = {"assets": self.verdicts.total(), "opened": len(self.opened), "cleared": len(self.cleared)}
        return sums | named


@dataclass(slots=True)
class _Seen:
    last_post: date | None = None
    last_before_blind: date | None = None
    last_total: date | None = None
    open: set[str] = field(default_factory=set)


class Watch:
    """Sweeps day after day; `posts` says who posts, which a restored account does again."""

    def __init__(self, scenario: Scenario, posts: Callable[[Life, date], bool]) -> None:
        self._play = scenario
        self._posts = posts
        self._seen = {k: _Seen() for k in scenario.lives}

    def sweep(self, day: date, stopped: set[Identity]) -> Sweep:
        """Deliver the day's usage, then judge every account that is listed and not stopped."""
        found = Sweep(day)
        for identity, account in self._play.accounts.items():
            if not account.listed_on(day):
                continue
            life, seen = self._play.lives[identity], self._seen[identity]
            blind = self._play.blindness
            if blind is None or blind.source != life.source or day < blind.first:
                seen.last_before_blind = None
            elif day == blind.first:
                seen.last_before_blind = seen.last_post
            if self._posts(life, day):
                seen.last_post = day
            if blind is None or blind.source != life.source or not blind.covers(day):
                seen.last_total = day
            if identity not in stopped:
                self._judge(found, account, life, seen)
        return found

    def _judge(self, found: Sweep, account: Account, life: Life, seen: _Seen) -> None:
        truths = self.truths(account, life, seen, found.day)
        for rule, truth in truths.items():
            if truth is True and rule not in seen.open:
                seen.open.add(rule)
                found.opened.append((account.identity, rule))
            elif truth is False and rule in seen.open:
                seen.open.discard(rule)
                found.cleared.append((account.identity, rule))
        if truths["C15"] or truths["C16"]:
            verdict = "ZOMBIE"
        elif truths["C06"]:
            verdict = "IDLE"
        else:
            verdict = "UNKNOWN" if None in truths.values() else "ACTIVE"
        found.verdicts[verdict] += 1

    def truths(self, account: Account, life: Life, seen: _Seen, day: date) -> dict[str, Truth]:
        """C06, C15 and C16 of one account on one day."""
        windows = self._play.windows
        since = max(self._play.start, *(d for d in account.listed if d <= day))
        old_enough = (day - account.listed[0]).days > windows.shell_after
        judged, last_post = self._judged(life, seen, day)
        # A count of all posts stays known for 35 days, while its source is believed: also of one that is listed again.
        counted = judged is not None and seen.last_total is not None and (day - seen.last_total).days <= 35
        never = (life.role == "shell" and last_post is None) if counted else None
        shell = never if old_enough else False
        if judged is None or judged < since:
            return {"C06": None, "C15": None, "C16": shell}
        before = since - ONE
        silent = (judged - max(last_post or before, before)).days
        # Without a post on the day before the first vouched one or later, "days since" is not known.
        known = last_post is not None and last_post >= before

        def longer_than(days: int) -> Truth:
            return True if silent > days else (False if known else None)

        return {"C06": longer_than(windows.idle_after), "C15": longer_than(windows.zombie_after), "C16": shell}

    def _judged(self, life: Life, seen: _Seen, day: date) -> tuple[date | None, date | None]:
        """The last day the source vouches for, as known on the day given, and the last post known by then."""
        blind = self._play.blindness
        if blind is None or life.source != blind.source or not blind.covers(day):
            return day, seen.last_post
        # A statement may come a day late; from the second missing day on the source is not believed.
        return (day - ONE, seen.last_before_blind) if day == blind.first else (None, None)
