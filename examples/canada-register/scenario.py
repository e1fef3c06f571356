"""What is played: lives of accounts, a source that goes blind, the windows that matter. Pure; `cast.py` fills it."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from register import AS_OF, LAST_DAY, Account, Identity

Role = Literal["alive", "pause", "dead", "shell"]
Fate = Literal["silence", "keep", "fix", "close", "hold", "revive", "restore", "liar"]

COVERS = {  # the networks that each source is admitted for; of x and facebook two agents read an account each
    "x-en": ["x"],
    "x-fr": ["x"],
    "facebook-en": ["facebook"],
    "facebook-fr": ["facebook"],
    "instagram": ["instagram"],
    "youtube": ["youtube"],
    "linkedin": ["linkedin"],
    "others": ["flickr", "reddit", "snapchat"],
}
SOURCES = tuple(COVERS)
BLIND_SOURCE = "instagram"


@dataclass(frozen=True, slots=True)
class Windows:
    """The product's documented windows, in days; a short play may set shorter ones on both sides."""

    answer_days: int = 15
    announce_days: int = 30
    verify_days: int = 3
    restore_days: int = 15
    notice_retry_days: int = 3
    notice_attempts: int = 3
    min_answer_days: int = 3
    key_age_days: int = 7
    idle_after: int = 14
    zombie_after: int = 90
    shell_after: int = 30


@dataclass(frozen=True, slots=True)
class Life:
    """How one account is used: it posts every `rhythm` days, except in its silences; a shell never posts.

    `silences` are half-open spans of days, the end None for ever. `back_on` is when a shell posts for once.
    """

    identity: Identity
    source: str
    rhythm: int
    phase: int
    role: Role = "alive"
    fate: Fate | None = None
    silences: tuple[tuple[date, date | None], ...] = ()
    back_on: date | None = None

    def posts(self, day: date) -> bool:
        """Whether it posts on the day, provided that it is listed."""
        if self.role == "shell" and (self.back_on is None or day < self.back_on):
            return False
        if any(a <= day and (b is None or day < b) for a, b in self.silences):
            return False
        # The day of a return always counts, so that a return is seen when it is meant to be.
        returns = day == self.back_on or any(day == b for _, b in self.silences)
        return returns or (day.toordinal() + self.phase) % self.rhythm == 0

    def reports_total(self, day: date) -> bool:
        """Whether its agent reads the total of its posts on this day of the week."""
        return (day.toordinal() + self.phase) % 7 == 0

    def last_post(self, before: date, start: date) -> date | None:
        """The last day with a post before the day given, in this play."""
        day = before - timedelta(days=1)
        while day >= start:
            if self.posts(day):
                return day
            day -= timedelta(days=1)
        return None


@dataclass(frozen=True, slots=True)
class Blindness:
    """A source that delivers nothing from `first` to `last`, and everything on `recovery`.

    In the first half of its blindness it states nothing; in the second it states what it would have sent.
    """

    source: str
    first: date
    last: date

    @property
    def recovery(self) -> date:
        return self.last + timedelta(days=1)

    @property
    def middle(self) -> date:
        return self.first + (self.last - self.first) // 2

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole play, fixed before it begins."""

    seed: int
    days: tuple[date, ...]
    windows: Windows
    accounts: dict[Identity, Account]
    lives: dict[Identity, Life]
    blindness: Blindness | None
    unreachable: str
    mute: str
    hold_after: int = field(default=2)
    hold_days: int = field(default=15)
    restore_after: int = field(default=5)
    _by_source: dict[str, list[Identity]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def start(self) -> date:
        return self.days[0]

    def read_by(self, source: str) -> list[Identity]:
        """The accounts that an agent reads, listed or not."""
        return self._readers()[source]

    def covered(self, source: str, day: date) -> list[Identity]:
        """What a source covers on a day: the accounts that are listed then."""
        return [k for k in self.read_by(source) if self.accounts[k].listed_on(day)]

    def _readers(self) -> dict[str, list[Identity]]:
        if not self._by_source:
            self._by_source.update({source: [] for source in SOURCES})
            for identity, life in self.lives.items():
                self._by_source[life.source].append(identity)
        return self._by_source


def play_days(days: int) -> tuple[date, ...]:
    """The last `days` days of the log, the day of the register included. Raises ValueError when it has fewer."""
    longest = (LAST_DAY - AS_OF).days + 1
    if not 1 <= days <= longest:
        raise ValueError(f"between 1 and {longest} days can be played, not {days}")
    return tuple(LAST_DAY - timedelta(days=n) for n in reversed(range(days)))


def draw(seed: int, purpose: str, identity: Identity) -> int:
    """A large number that is this account's own for this purpose."""
    text = f"{seed}|{purpose}|{'/'.join(identity)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def source_of(account: Account) -> str:
    """Which agent reads an account's network."""
    network = account.identity[0]
    if network in ("x", "facebook"):
        return f"{network}-{'fr' if account.language == 'Français' else 'en'}"
    return network if network in SOURCES else "others"


def fix_days(windows: Windows) -> int:
    """How long a unit that promises to mend an account asks for."""
    return max(2, windows.answer_days * 2 // 3)
