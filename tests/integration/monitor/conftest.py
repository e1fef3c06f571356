"""A monitor without its process: a database, a stepped clock, and the verbs with which a test tells a story."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from deploy.local.issuer import issue
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.events.ids import asset_id
from libs.common.events.intake import SourceStated
from libs.common.events.registry import AssetRecord
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from libs.common.senders.reread import Reread
from services.monitor import api, handlers
from services.monitor.admissions import usecases as admission_usecases
from services.monitor.admissions.domain import Admission, Scope
from services.monitor.admissions.names import EVERY_SOURCE
from services.monitor.admissions.usecases import Gate
from services.monitor.assets import usecases as asset_usecases
from services.monitor.deps import deps_of, rules_of
from services.monitor.sources import usecases as source_usecases
from services.monitor.sweeps import usecases as sweep_usecases
from services.monitor.sweeps.jobs import Sweeper
from services.monitor.usage import fold
from services.monitor.usage import usecases as usage_usecases
from services.monitor.verdicts import store as verdict_store
from services.monitor.verdicts.explain import explanation
from services.monitor.verdicts.schemas import Why

ZONE = ZoneInfo("Asia/Shanghai")
START = date(2025, 6, 5)
AGENT = "jianfu-local|somebody"
MEASURES = ("followers", "posts", "posts_total", "views")


def day(number: int) -> date:
    """The `number`-th day of a story, from 0."""
    return START + timedelta(days=number)


def noon(on: date) -> datetime:
    return datetime.combine(on, time(12), ZONE).astimezone(UTC)


def millis(on: date) -> int:
    return int(noon(on).timestamp() * 1000)


@dataclass
class Monitor:
    """What a story needs: its database, clock, rules, and the assets it speaks of."""

    database: Database
    clock: SteppedClock
    book: Any = field(default_factory=rules_of)
    chunk: int = 1000
    admitted: set[str] = field(default_factory=set)

    @property
    def gate(self) -> Gate:
        return Gate(self.database, self.clock, 45)

    async def admit(
        self,
        source: str,
        *agents: str,
        since: int = 0,
        scope: Scope | None = None,
        measures: Sequence[str] = MEASURES,
        today: int | None = None,
        ended: bool = False,
    ) -> None:
        """An operator admits a source, for everything unless a scope is given; `ended`: withdraws it."""
        self.admitted.add(source)
        decided = Admission(since=day(since), admitted=False, reason="a story")
        if not ended:
            decided = Admission(
                since=day(since),
                admitted=True,
                agents=tuple(agents or (AGENT,)),
                measures=tuple(measures),
                scope=scope or Scope(everything=True),
                reason="a story",
            )
        on = day(since if today is None else today)
        await admission_usecases.admit_source(
            self.database, source, decided, actor="test|operator", today=on, at=self.clock.now()
        )

    async def hear(self, source: str) -> None:
        """In a story that is not about admission every source was admitted on its first day."""
        if source not in self.admitted:
            await self.admit(source)

    @property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.database, self.book, self.clock, chunk=self.chunk)

    def at(self, number: int) -> None:
        self.clock.set(noon(day(number)))

    async def record(self, name: str, *, version: int = 1, listed: int = 0, **changes: Any) -> UUID:
        """Hold an account that was listed on a day of the story; answers its id."""
        identity = asset_id("account", "weibo", name)
        fields: dict[str, Any] = {
            "asset_id": identity,
            "version": version,
            "kind": "account",
            "platform": "weibo",
            "identity": name,
            "incarnation": 1,
            "address": f"https://weibo.example/{name}",
            "name": name,
            "language": "zh",
            "sponsor_id": identity,
            "record": "filed",
            "running": "online",
            "source": "list",
            "listed_on": day(listed),
            "opened_on": None,
            "changed_at": self.clock.now(),
        }
        await asset_usecases.record_asset(self.database, AssetRecord(**fields | changes))
        return identity

    async def usage(self, source: str, on: int, posts: dict[UUID, int], **gauges: dict[UUID, int]) -> int:
        """Deliver one source's beacons of a day; answers how many records that was."""
        lines = [
            {"source": source, "asset_id": str(a), "measure": "posts", "ts": millis(day(on)), "count": n}
            for a, n in posts.items()
        ]
        for measure, values in gauges.items():
            lines += [
                {"source": source, "asset_id": str(a), "measure": measure, "ts": millis(day(on)), "value": v}
                for a, v in values.items()
            ]
        await self.deliver(lines)
        return len(lines)

    async def deliver(self, lines: Sequence[dict[str, Any]], agent: str = AGENT) -> None:
        for source in {line["source"] for line in lines}:
            await self.hear(source)
        folded = fold.Fold(fold.Calendar(ZONE))
        voice = (await self.gate.roll()).voice(agent, EVERY_SOURCE)
        assert folded.add_all([msgspec.json.encode(line) for line in lines], voice) == []
        await usage_usecases.deliver_usage(self.database, "agent", None, b"", folded.result(), b"")

    async def state(
        self,
        source: str,
        on: int,
        assets: Sequence[UUID],
        records: int,
        *,
        revision: int = 1,
        measures: Sequence[str] = ("posts",),
        agent: str = AGENT,
    ) -> str:
        return (await self.states(source, on, assets, records, revision, measures, agent)).outcome

    async def states(
        self,
        source: str,
        on: int,
        assets: Sequence[UUID],
        records: int,
        revision: int = 1,
        measures: Sequence[str] = ("posts",),
        agent: str = AGENT,
    ) -> source_usecases.StatementOutcome:
        await self.hear(source)
        stated = SourceStated(
            source=source,
            day=day(on),
            revision=revision,
            records=records,
            assets=tuple(assets),
            measures=tuple(measures),
        )
        today = self.clock.today()
        return await source_usecases.state_source(
            self.database, stated, who=agent, today=today, came=today, late_days=self.gate.late_days
        )

    async def full_day(self, on: int, assets: Sequence[UUID], posting: Sequence[UUID] = (), source: str = "s") -> None:
        """A whole day of a healthy source: step, usage, statement."""
        self.at(on)
        sent = await self.usage(source, on, dict.fromkeys(posting, 1))
        await self.state(source, on, assets, sent)

    async def sweep(self, *, asked: bool = False) -> dict[str, Any]:
        return await self.sweeper.sweep(asked=asked)

    async def interrupted_sweep(self) -> None:
        """Sweep the first chunk of today's assets and no more."""
        today = sweep_usecases.Day(today=self.clock.today(), now=self.clock.now(), book=self.book)
        await sweep_usecases.judge_sources(self.database, today)
        await sweep_usecases.sweep_assets(self.database, today, chunk=self.chunk)

    async def signals(self, asset: UUID) -> dict[str, float | None]:
        """The signals of one asset today, by name."""
        shown = await self.why(asset)
        return {signal.name: signal.value for rule in shown.rules for signal in rule.signals}

    async def why(self, asset: UUID) -> Why:
        async with self.database.reading() as conn:
            return explanation(await verdict_store.examine(conn, self.book, asset, self.clock.today()))

    async def events(self) -> list[tuple[str, str]]:
        """(type, subject) of everything in the outbox, in order; takes it out."""
        events = []
        for row in await self.database.pool.fetch(
            "with o as (delete from outbox returning *) select * from o order by id"
        ):
            headers = dict(msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]]))
            events.append(((headers["ce_type"] or b"").decode(), (headers["ce_subject"] or b"").decode()))
        return events

    async def open_rules(self, asset: UUID) -> list[str]:
        async with self.database.reading() as conn:
            return list((await verdict_store.open_findings(conn, [asset])).get(asset, {}))


@pytest.fixture
async def monitor(database: Callable[[str], Awaitable[Database]]) -> Monitor:
    """A fresh monitor standing at noon of day 0."""
    return Monitor(await database("monitor"), SteppedClock(ZONE, noon(START)))


KEY = tokens.new_key("test")
NOWHERE = {"bootstrap_servers": "127.0.0.1:1"}


def bearer(*roles: str, sources: Sequence[str] = ("*",)) -> dict[str, str]:
    return {"Authorization": "Bearer " + issue(KEY, "somebody", roles, sources=sources)}


async def well() -> dict[str, Any]:
    """The health of a process that does not run here."""
    return {}


@pytest.fixture
async def http(monitor: Monitor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over a database whose relay and consumers do not run."""
    authenticator = Authenticator(tokens.public_jwks(KEY), allow_local=True)
    database, clock = monitor.database, monitor.clock
    deps = deps_of(database, clock, authenticator, monitor.book, sweep_chunk=monitor.chunk)
    app = api.build(deps, handlers.build(deps), Reread(NOWHERE, authenticator), health=well, quiet=well)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://monitor/monitor/v1") as client:
        yield client
