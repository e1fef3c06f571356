"""What the agents send: beacons of posts and views, totals once a week, and each source's statement of its day."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from names import asset_id
from register import Identity
from scenario import SOURCES, Life, Scenario, draw

ZONE = ZoneInfo("Asia/Shanghai")  # the deployment's day boundary: the product's default
VIEWERS_EVERY = 25  # one account in this many also has its distinct viewers counted


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says of one of its days."""

    source: str
    day: date
    revision: int
    records: int
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that the agents send on one business day: (key, value) beacons and statements."""

    beacons: list[tuple[bytes, bytes]]
    statements: list[Statement]


class Agents:
    """Makes each day's delivery. Days are asked for in order; `posts` says who is used on a day."""

    def __init__(self, scenario: Scenario, posts: Callable[[Life, date], bool]) -> None:
        self._play = scenario
        self._posts = posts
        self._ids = {identity: asset_id(identity) for identity in scenario.lives}
        self._totals: Counter[Identity] = Counter()
        self._seed = scenario.seed
        self._kept: list[tuple[Statement, list[tuple[bytes, bytes]]]] = []

    def deliver(self, day: date) -> Delivery:
        """What arrives on the day; a blind source's days arrive together when it sees again."""
        blind = self._play.blindness
        beacons: list[tuple[bytes, bytes]] = []
        statements: list[Statement] = []
        for source in SOURCES:
            sent, statement = self._day_of(source, day)
            if blind is None or source != blind.source or not blind.covers(day):
                beacons += sent
                statements.append(statement)
                continue
            self._kept.append((statement, sent))
            if day > blind.middle:  # it states what it would have sent, and nothing arrives
                statements.append(statement)
        if blind is not None and day == blind.recovery:
            for statement, sent in self._kept:
                beacons += sent
                statements.append(Statement(statement.source, statement.day, 2, statement.records, statement.assets))
            self._kept.clear()
        return Delivery(beacons, statements)

    def _day_of(self, source: str, day: date) -> tuple[list[tuple[bytes, bytes]], Statement]:
        covered = self._play.covered(source, day)
        midnight = int(datetime.combine(day, time(), ZONE).timestamp() * 1000)
        sent: list[tuple[bytes, bytes]] = []
        for identity in covered:
            sent += self._of(identity, source, day, midnight)
        assets = tuple(self._ids[identity] for identity in covered)
        return sent, Statement(source, day, 1, len(sent), assets)

    def _of(self, identity: Identity, source: str, day: date, midnight: int) -> list[tuple[bytes, bytes]]:
        life, asset = self._play.lives[identity], self._ids[identity]
        chance = draw(self._seed, day.isoformat(), identity)
        ts = midnight + (8 * 60 + chance % 600) * 60_000
        about: dict[str, object] = {"source": source, "asset_id": asset, "ts": ts}
        records: list[dict[str, object]] = []
        if self._posts(life, day):
            self._totals[identity] += 1
            records.append(about | {"measure": "posts", "count": 1, "user": f"editor-{chance % 3}"})
            if draw(self._seed, "viewers", identity) % VIEWERS_EVERY == 0:
                records += [
                    about | {"measure": "views", "count": 1 + n, "user": f"viewer-{(chance >> n) % 500}"}
                    for n in range(4)
                ]
        account = self._play.accounts[identity]
        if life.reports_total(day) or day in (*account.listed, self._play.start):
            shown = 0 if life.role == "shell" else 40 + draw(self._seed, "total", identity) % 9000
            records.append(about | {"measure": "posts_total", "value": shown + self._totals[identity]})
        return [(asset.encode(), json.dumps(record, separators=(",", ":")).encode()) for record in records]
