"""Who falls silent and when, who comes back, what units answer, which source goes blind. Pure, seeded.

The register and its log are real; how the accounts are used is not known and is made up here. An account's part in
the play is drawn by the SHA-256 of seed, purpose and identity, so that one changed line of the input moves nobody else.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

from register import Account, Identity
from scenario import BLIND_SOURCE, Blindness, Fate, Life, Scenario, Windows, draw, fix_days, play_days, source_of

RHYTHMS = (1, 1, 2, 2, 3, 3, 5, 7)  # days between posts; one of these per account
DEAD_SHARE, PAUSE_SHARE, SHELL_SHARE = 0.045, 0.035, 0.008
# What happens in the cases of the dead, in the order of their draw; round and round.
FATES: tuple[Fate, ...] = (
    "restore",
    "keep",
    "silence",
    "fix",
    "silence",
    "hold",
    "close",
    "silence",
    "revive",
    "silence",
    "close",
    "silence",
)
SHELL_FATES: tuple[Fate, ...] = ("restore", "keep", "fix", "close", "hold", "silence", "revive", "silence")


def make(accounts: dict[Identity, Account], *, days: int, seed: int, windows: Windows) -> Scenario:
    """The play for these accounts."""
    return _Cast(accounts, play_days(days), seed, windows).scenario()


class _Cast:
    """Gives every account its part."""

    def __init__(self, accounts: dict[Identity, Account], days: tuple[date, ...], seed: int, windows: Windows) -> None:
        self.accounts = accounts
        self.days = days
        self.seed = seed
        self.windows = windows
        length = min(42, len(days) // 5)
        first = len(days) * 3 // 7
        self.blindness = Blindness(BLIND_SOURCE, days[first], days[first + length - 1]) if length else None
        self.lives = {k: self._alive(a) for k, a in accounts.items()}
        # A part is given only to accounts that the log leaves alone: neither amended nor removed.
        self.eligible = [k for k, a in accounts.items() if not a.touched and a.listed_on(days[0])]

    def _alive(self, account: Account) -> Life:
        rhythm = RHYTHMS[draw(self.seed, "rhythm", account.identity) % len(RHYTHMS)]
        phase = draw(self.seed, "phase", account.identity) % rhythm
        return Life(account.identity, source_of(account), rhythm, phase)

    def scenario(self) -> Scenario:
        unreachable, mute = self._difficult_units()
        free = set(self.eligible)
        for unit in (unreachable, mute):
            members = self._drawn("difficult", [k for k in free if self._unit(k) == unit])
            free -= set(members)
            self._kill(members[:2], ("silence",))
            self._shell(members[2:3], ("silence",))
        self._in_the_dark(free)
        seeing = [k for k in free if self.blindness is None or self.lives[k].source != self.blindness.source]
        shells = self._take(free, seeing, "shell", SHELL_SHARE)
        self._shell(shells[:1], ("liar",))
        self._shell(shells[1:], SHELL_FATES)
        self._shell(self._born_shells(), ("silence",))
        self._kill(self._take(free, seeing, "dead", DEAD_SHARE), FATES)
        self._pause(self._take(free, list(free), "pause", PAUSE_SHARE))
        hold_days = max(2, self.windows.answer_days)
        return Scenario(
            self.seed,
            self.days,
            self.windows,
            self.accounts,
            self.lives,
            self.blindness,
            unreachable,
            mute,
            hold_days=hold_days,
            restore_after=self.windows.restore_days // 3,
        )

    def _unit(self, identity: Identity) -> str:
        return self.accounts[identity].department

    def _drawn(self, purpose: str, identities: list[Identity]) -> list[Identity]:
        return sorted(identities, key=lambda k: draw(self.seed, purpose, k))

    def _take(self, free: set[Identity], among: list[Identity], purpose: str, share: float) -> list[Identity]:
        taken = self._drawn(purpose, [k for k in among if k in free])[: round(share * len(self.eligible))]
        free -= set(taken)
        return taken

    def _difficult_units(self) -> tuple[str, str]:
        """Two units of middling size whose name has no second spelling."""
        members: dict[str, list[Identity]] = defaultdict(list)
        spellings: dict[str, set[str]] = defaultdict(set)
        for account in self.accounts.values():
            for _, name in account.departments:
                spellings["".join(filter(str.isalnum, name.casefold()))].add(name)
        for identity in self.eligible:
            if self.lives[identity].source != BLIND_SOURCE:
                members[self._unit(identity)].append(identity)
        alone = {next(iter(names)) for names in spellings.values() if len(names) == 1}
        units = sorted(
            (name for name, all_ in members.items() if 4 <= len(all_) <= 12 and name in alone),
            key=lambda name: draw(self.seed, "unit", (name, "")),
        )
        return units[0], units[1]

    def _kill(self, identities: list[Identity], fates: tuple[Fate, ...]) -> None:
        """They fall silent for good some day in the first part of the play, one after another."""
        last = max(1, len(self.days) * 11 // 20)
        for n, identity in enumerate(identities):
            since = self.days[draw(self.seed, "silent since", identity) % last]
            self._silence(identity, since, fates[n % len(fates)])

    def _silence(self, identity: Identity, since: date, fate: Fate) -> None:
        life = replace(self.lives[identity], role="dead", fate=fate, silences=((since, None),))
        flagged = self._from(life.last_post(since, self.days[0]), self.windows.zombie_after)
        if (back := self._back(fate, flagged)) is not None:
            life = replace(life, silences=((since, back),))
        self.lives[identity] = life

    def _from(self, last_post: date | None, after: int) -> date:
        """The first day on which a silence is longer than `after` days."""
        return (last_post or self.days[0] - timedelta(days=1)) + timedelta(days=after + 1)

    def _back(self, fate: Fate, flagged: date) -> date | None:
        """When an account that is mended or lives after all is used again."""
        if fate == "fix":
            return self.fix_until(flagged) - timedelta(days=1)
        if fate == "revive":
            return flagged + timedelta(days=self.windows.answer_days + self.windows.announce_days // 2)
        return None

    def fix_until(self, flagged: date) -> date:
        return flagged + timedelta(days=fix_days(self.windows))

    def _shell(self, identities: list[Identity], fates: tuple[Fate, ...]) -> None:
        for n, identity in enumerate(identities):
            fate = fates[n % len(fates)]
            listed = self.accounts[identity].listed[0]
            flagged = max(self.days[0], listed + timedelta(days=self.windows.shell_after + 1))
            back = self._back(fate, flagged)
            self.lives[identity] = replace(self.lives[identity], role="shell", fate=fate, back_on=back)

    def _born_shells(self) -> list[Identity]:
        """Accounts that the log adds during the play and that nobody ever fills."""
        born = [
            k
            for k, a in self.accounts.items()
            if a.listed[0] > self.days[0] and not a.touched and self.lives[k].source != BLIND_SOURCE
        ]
        return self._drawn("shell", born)[:3]

    def _in_the_dark(self, free: set[Identity]) -> None:
        """Some of the blind source's accounts are truly dead, and would have been found while it sees nothing."""
        if self.blindness is None:
            return
        watched = [k for k in free if self.lives[k].source == self.blindness.source]
        dark = self._drawn("dark", watched)[:7]
        free -= set(dark)
        span = (self.blindness.last - self.blindness.first).days - 1
        for n, identity in enumerate(dark):
            after = self.windows.zombie_after if n < 4 else self.windows.idle_after
            # A week's margin: its last post may lie up to a rhythm before its silence.
            flagged = self.blindness.first + timedelta(days=8 + draw(self.seed, "dark", identity) % max(1, span - 8))
            since = max(self.days[0], flagged - timedelta(days=after))
            self._silence(identity, since, "silence")

    def _pause(self, identities: list[Identity]) -> None:
        """They fall silent for two weeks to two months and come back by themselves."""
        for identity in identities:
            since = self.days[draw(self.seed, "pause from", identity) % len(self.days)]
            back = since + timedelta(days=15 + draw(self.seed, "pause for", identity) % 45)
            self.lives[identity] = replace(self.lives[identity], role="pause", silences=((since, back),))
