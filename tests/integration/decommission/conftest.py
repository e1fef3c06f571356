"""Decommission without its process: real database, stepped clock, a world outside, a stand-in for the monitor."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import msgspec
import pytest

from deploy.local.issuer import issue
from deploy.verify import jianfu_verify
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.events import ids
from libs.common.events.decommission import RecheckRequested
from libs.common.events.envelope import Event, Headers, Incoming, pack, unpack
from libs.common.events.monitor import (
    FindingCleared,
    FindingConfirmed,
    FindingOpened,
    FindingRefuted,
    RecheckInconclusive,
)
from libs.common.events.registry import AssetAmended, AssetRegistered, UnitName, UnitRecorded
from libs.common.outbound.egress import Egress
from libs.common.outbound.targets import Targets
from libs.common.security import signing, tokens
from libs.common.security.tokens import Authenticator
from services.decommission import main
from services.decommission.archives.store import Archive
from services.decommission.calls.client import DOORS
from services.decommission.deps import Deps
from services.decommission.executor import Executor
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.keys.jobs import Messenger
from services.decommission.limits.domain import Limits, Windows
from tests.acceptance.world import unit_key
from tests.conftest import Urls
from tests.integration.decommission import outside
from tests.integration.decommission.outside import Outside

ZONE = ZoneInfo("Asia/Shanghai")
START = date(2025, 6, 2)
SHORT = Windows(
    answer_days=2,
    announce_days=2,
    verify_days=2,
    restore_days=2,
    notice_retry_days=1,
    notice_attempts=2,
    min_answer_days=1,
    key_age_days=1,
)
SERVICE_KEY = tokens.new_key("decommission")
ISSUER = tokens.new_key("test-issuer")
REPLIES = {"confirmed": FindingConfirmed, "refuted": FindingRefuted, "inconclusive": RecheckInconclusive}
_serial = count(1)


def noon(on: date) -> datetime:
    return datetime.combine(on, time(12), ZONE).astimezone(UTC)


@dataclass
class Story:
    """What a test tells a story with; `day` is the business day, `verdicts` what the monitor answers by asset."""

    database: Database
    urls: Urls
    deps: Deps
    clock: SteppedClock
    world: Outside
    windows: Windows
    http: httpx.AsyncClient | None = None
    executor: Any = None
    messenger: Any = None
    topics: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[UUID, str] = field(default_factory=dict)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    traces: list[tuple[str, str | None]] = field(default_factory=list)
    units: dict[UUID, str] = field(default_factory=dict)

    # --- assembly

    def start(self, reserve: Database | None = None) -> None:
        """A new executor, as a started process would have; and the HTTP application."""
        self.deps = replace(self.deps, windows=self.windows)
        self.executor, self.messenger = Executor(self.deps, reserve), Messenger(self.deps)
        self.topics = main.topics(self.deps, self.executor.wake)
        authenticator = Authenticator(tokens.public_jwks(ISSUER), allow_local=True)

        async def nothing() -> dict[str, Any]:
            return {}

        app = main.application(
            self.deps,
            self.executor.wake,
            self.messenger.wake,
            authenticator,
            self.topics,
            health=nothing,
            quiet=nothing,
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://decommission")

    # --- time

    @property
    def day(self) -> date:
        return self.clock.today()

    async def next_day(self, days: int = 1) -> None:
        """Step to noon of a later day, day by day, each worked to its end."""
        for _ in range(days):
            self.clock.set(noon(self.day + timedelta(days=1)))
            await self.round()

    # --- events in and out

    async def hear(self, event: Event, *, sequence: int = 1, traceparent: str | None = None) -> None:
        """Deliver an event as Kafka would."""
        message = pack(event, sequence=sequence, time=self.clock.now(), traceparent=traceparent)
        incoming: Incoming = unpack(message.headers, key=message.key, value=message.body)
        handler = self.topics[message.topic][incoming.type]
        await handler.act(handler.model.model_validate_json(incoming.body), incoming)

    async def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of everything that waits for the relay; takes it out."""
        async with self.database.pool.acquire() as conn:
            rows = await conn.fetch("with o as (delete from outbox returning *) select * from o order by id")
        found = []
        for row in rows:
            headers: Headers = msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]])
            named = dict(headers)
            found.append(((named["ce_type"] or b"").decode(), json.loads(row["payload"])))
            self.traces.append((found[-1][0], (named.get("traceparent") or b"").decode() or None))
        self.told += found
        return found

    def events(self, kind: str, asset: UUID | None = None) -> list[dict[str, Any]]:
        """What was told so far under one type."""
        return [body for type_, body in self.told if type_ == kind and asset in (None, UUID(body["asset_id"]))]

    async def round(self) -> None:
        """Release the day, work until nothing is due, answer rechecks as the monitor would."""
        await self.call("POST", "/rounds", {})
        await self.settle()

    async def settle(self) -> None:
        while True:
            await self.messenger.work()
            await self.executor.work()
            asked = [body for type_, body in await self.outbox() if type_ == "recheck.requested"]
            answered = [await self.answer(RecheckRequested.model_validate(body)) for body in asked]
            if not any(answered):
                return

    async def answer(self, asked: RecheckRequested, verdict: str | None = None, on: date | None = None) -> bool:
        """The monitor's reply to a recheck; "nothing" means that it never comes."""
        verdict = verdict or self.verdicts.get(asked.asset_id, "confirmed")
        if verdict == "nothing":
            return False
        fields = asked.model_dump(include={"request_id", "case_id", "finding_id", "asset_id", "rule"})
        more: dict[str, Any] = {"why": "a source is away"} if verdict == "inconclusive" else {}
        await self.hear(REPLIES[verdict](**fields, business_day=on or asked.business_day, signals=(), **more))
        return True

    # --- the cast

    async def unit(self, name: str, *, endpoint: bool = True, parent: UUID | None = None) -> UUID:
        """A unit, and its webhook in the world outside."""
        which = ids.unit_id("test", name)
        names = (UnitName(language="en", text=name),)
        await self.hear(
            UnitRecorded(unit_id=which, version=1, scheme="test", value=name, names=names, parent_id=parent)
        )
        self.units[which] = name
        if endpoint:
            await self.endpoint(which)
        return which

    async def propose(self, unit: UUID, *, who: str | None = None, **changes: Any) -> dict[str, Any]:
        """An operator proposes where a unit's notices go; the system there is challenged at once."""
        name = self.units[unit]
        body = {
            "url": f"{self.world.address}/units/{name}/notices",
            "public_key": self.world.public_key(name),
            "contact": f"Zhang San <zhang@{name}.example>",
        }
        return dict(await self.call("PUT", f"/endpoints/{unit}", body | changes, who=who))

    async def confirm(self, unit: UUID, key: dict[str, Any], *, who: str = "rita", role: str = "registrar") -> Any:
        body = {"thumbprint": key["thumbprint"], "url": key["url"]}
        return await self.call("POST", f"/endpoints/{unit}/confirmation", body, role=role, who=who)

    async def prove(self, unit: UUID, signer: str | None = None) -> httpx.Response:
        """The unit's system signs the challenge it was sent and delivers the proof by itself."""
        async with self.database.reading() as conn:
            key = (await key_store.history(conn, unit))[0]
        claims = {"challenge_sha256": signing.sha256(key_domain.challenge(self.deps.signing_key, key))}
        token = signing.sign(unit_key(signer or self.units[unit]), claims)
        return await self.request("POST", f"/endpoints/{unit}/proof", {"proof": token}, role="public")

    async def endpoint(self, unit: UUID, *, aged: bool = True, **changes: Any) -> None:
        """A unit's endpoint, proposed, proved, confirmed, and in force for long enough unless it shall not be."""
        key = await self.propose(unit, **changes)
        if key["proved_at"] is None:
            assert (await self.prove(unit)).status_code == 204
        if key["in_force_from"] is None:
            await self.confirm(unit, key)
        if aged:  # as if all of that had been done a month ago
            for table, column in (("keys", "set_at"), ("key_proofs", "at"), ("key_confirmations", "at")):
                month_ago = f"update unit_{table} set {column} = {column} - interval '30 days' where unit_id = $1"  # noqa: S608
                await self.owner(month_ago, unit)

    async def resited(self, unit: UUID, url: str) -> None:
        """As if the address had been set when the door still let it through."""
        await self.owner("update unit_keys set url = $2 where unit_id = $1", unit, url)

    async def connector(self, platform: str = "x", **changes: Any) -> None:
        body = {
            "stop_url": f"{self.world.address}/connector",
            "restore_url": f"{self.world.address}/connector",
            "probe_url": self.world.address + "/pages/{platform}/{identity}",
            "honours_keys": True,
        }
        await self.call("PUT", f"/connectors/{platform}", body | changes)

    def record(self, name: str, sponsor: UUID, *, version: int = 1, kind: str = "account") -> dict[str, Any]:
        asset = ids.asset_id(kind, "x", name)
        return {
            "asset_id": asset,
            "version": version,
            "kind": kind,
            "platform": "x",
            "identity": name,
            "incarnation": 1,
            "address": f"https://x.example/{name}",
            "name": name,
            "language": "en",
            "sponsor_id": sponsor,
            "record": "filed",
            "running": "online",
            "source": "list",
            "listed_on": START,
            "opened_on": None,
            "changed_at": noon(START),
        }

    async def asset(self, name: str, sponsor: UUID, *, version: int = 1, kind: str = "account") -> UUID:
        """What the registry says of an account."""
        record = self.record(name, sponsor, version=version, kind=kind)
        model = AssetRegistered if version == 1 else AssetAmended
        await self.hear(model(**record), sequence=version)
        return UUID(str(record["asset_id"]))

    def finding(self, asset: UUID, rule: str = "C15", ordinal: int = 1, **changes: Any) -> FindingOpened:
        fields: dict[str, Any] = {
            "finding_id": ids.finding_id(asset, rule, ordinal),
            "asset_id": asset,
            "rule": rule,
            "business_day": self.day,
            "proposal": "closure",
            "verdict": "ZOMBIE",
            "pack": "cn-accounts",
            "pack_version": "1.0.0",
            "when": "days_since_post > 90",
            "basis": "a circular",
            "label": "FOUND",
            "signals": (),
            "clears_when": "it posts",
            "opened_at": self.clock.now(),
        }
        return FindingOpened(**fields | changes)

    async def flag(self, asset: UUID, rule: str = "C15", ordinal: int = 1) -> UUID:
        """The monitor opens a finding; answers the case it leads to."""
        await self.hear(self.finding(asset, rule, ordinal))
        found = await self.cases(asset_id=asset)
        return UUID(found[-1]["case_id"])

    async def clear(self, asset: UUID, rule: str = "C15", ordinal: int = 1) -> None:
        which = ids.finding_id(asset, rule, ordinal)
        await self.hear(
            FindingCleared(
                finding_id=which,
                asset_id=asset,
                rule=rule,
                business_day=self.day,
                reason="it posted",
                cleared_at=self.clock.now(),
            )
        )

    async def flagged(self, name: str, unit: UUID, **more: Any) -> tuple[UUID, UUID]:
        """An account of a unit with an open case: (asset, case)."""
        asset = await self.asset(name, unit, **more)
        return asset, await self.flag(asset)

    # --- what people do, over HTTP

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "operator",
        who: str | None = None,
        unit: str | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        assert self.http is not None
        headers = {"Idempotency-Key": key} if key else {}
        if role != "public":
            headers["Authorization"] = f"Bearer {issue(ISSUER, who or role, role.split(), unit=unit)}"
        return await self.http.request(method, f"/decommission/v1{path}", json=body, headers=headers)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        reply = await self.request(method, path, body, **more)
        assert not reply.is_error, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    async def cases(self, **filters: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return list((await self.call("GET", f"/cases?limit=500&{query}"))["items"])

    async def case(self, case: UUID) -> dict[str, Any]:
        return dict(await self.call("GET", f"/cases/{case}"))

    async def state(self, case: UUID) -> str:
        return str((await self.case(case))["state"])

    async def kinds(self, case: UUID) -> list[str]:
        """The kinds of a case's log, in order."""
        return [entry["kind"] for entry in (await self.case(case))["log"]]

    async def file(self, case: UUID) -> bytes:
        """A case's file, as it is written to a disk."""
        reply = await self.request("GET", f"/cases/{case}/file", role="auditor")
        assert reply.status_code == 200, reply.text
        return reply.content

    async def file_faults(self, case: UUID, **more: Any) -> list[str]:
        """What the verifier finds wrong with a case's file, with the service's key and those of its units."""
        service = jianfu_verify.read_key(tokens.public_key(SERVICE_KEY))
        units = [jianfu_verify.read_key(self.world.public_key(name)) for name in self.units.values()]
        return jianfu_verify.check(await self.file(case), [service], units, **more).faults

    async def act(self, case: UUID, what: str, *, reason: str = "a reason", **more: Any) -> Any:
        return await self.call("POST", f"/cases/{case}/{what}", {"reason": reason, **more})

    async def alarms(self, kind: str | None = None) -> list[dict[str, Any]]:
        items = (await self.call("GET", "/alarms?limit=500"))["items"]
        return [alarm for alarm in items if kind in (None, alarm["kind"])]

    async def sign(self, *who: str) -> list[dict[str, Any]]:
        """Sign every sealed plan as these people, and let what follows move."""
        plans: list[dict[str, Any]] = (await self.call("GET", "/plans?state=sealed"))["items"]
        for plan in plans:
            for name in who or ("ada", "bo"):
                body = {"sha256": plan["sha256"]}
                await self.call("POST", f"/plans/{plan['plan_id']}/approvals", body, role="approver", who=name)
        await self.round()
        return plans

    async def owner(self, sql: str, *arguments: Any) -> Any:
        """As the database's owner, who can do what the service cannot."""
        conn = await asyncpg.connect(self.urls.owner)
        try:
            return await conn.fetch(sql, *arguments)
        finally:
            await conn.close()

    # --- shortcuts through a case's life

    async def planned(self, case: UUID) -> None:
        """Play until the case's plan is sealed."""
        await self.round()
        while await self.state(case) != "planned":
            await self.next_day()

    async def announced(self, case: UUID) -> None:
        await self.planned(case)
        await self.sign()

    async def until(self, case: UUID, *states: str, days: int = 20) -> str:
        """Play days until the case stands in one of the states."""
        for _ in range(days):
            found = await self.state(case)
            if found in states:
                return found
            if found == "planned":
                await self.sign()
            await self.next_day()
        raise AssertionError(f"{await self.state(case)}: {await self.kinds(case)}")


Make = Callable[..., Awaitable[Story]]


@pytest.fixture(scope="session")
def idle_children() -> Iterator[list[ProcessPoolExecutor]]:
    """Children of archives whose stories are over; the next story goes on with one, since a start takes a second."""
    children: list[ProcessPoolExecutor] = []
    yield children
    for child in children:
        child.shutdown()


async def _part(archive: Archive, idle: list[ProcessPoolExecutor]) -> None:
    child, archive._pool = archive._pool, None
    if child is None:
        return
    try:
        await asyncio.wait_for(asyncio.wrap_future(child.submit(int)), 1)
        idle.append(child)
    except (BrokenProcessPool, TimeoutError):  # killed by its story, or still at work
        archive._end(child)


@asynccontextmanager
async def told(
    urls: Urls,
    folder: Path,
    *,
    limits: Limits | None = None,
    windows: Windows = SHORT,
    idle: list[ProcessPoolExecutor] | None = None,
) -> AsyncIterator[Story]:
    """A service on an empty database with a world of its own, both in a folder."""
    async with AsyncExitStack() as closing:
        world = await closing.enter_async_context(outside.running(folder, SERVICE_KEY))
        database = await Database.connect(urls.service, name="decommission")
        closing.push_async_callback(database.close)
        exceptions = dict.fromkeys(DOORS, (f"127.0.0.1:{world.port}", "127.0.0.1:9"))  # nobody answers at the other
        egress = Egress(exceptions, timeout=2, targets=Targets(longest_rest=0.2))
        closing.push_async_callback(egress.close)
        archive = Archive(folder / "archive")
        if idle is None:
            closing.push_async_callback(archive.close)
        else:
            archive._pool = idle.pop() if idle else None
            closing.push_async_callback(_part, archive, idle)
        clock = SteppedClock(ZONE, noon(START))
        deps = Deps(
            database=database,
            clock=clock,
            egress=egress,
            signing_key=SERVICE_KEY,
            limits=limits or Limits(),
            archive=archive,
            windows=windows,
        )
        story = Story(database, urls, deps, clock, world, windows)
        story.start()
        await story.connector()
        yield story


@pytest.fixture
async def make_story(
    fresh_database: Callable[[str], Awaitable[Urls]], tmp_path: Path, idle_children: list[ProcessPoolExecutor]
) -> AsyncIterator[Make]:
    """`await make_story(limits=…, windows=…)`: a service with a world of its own."""
    async with AsyncExitStack() as closing:

        async def make(*, limits: Limits | None = None, windows: Windows = SHORT) -> Story:
            folder = tmp_path / f"story-{next(_serial)}"
            folder.mkdir()
            urls = await fresh_database("decommission")
            return await closing.enter_async_context(
                told(urls, folder, limits=limits, windows=windows, idle=idle_children)
            )

        yield make


@pytest.fixture
async def story(make_story: Make) -> Story:
    """A service with short windows and the default limits."""
    return await make_story()


@pytest.fixture
async def unit(story: Story) -> UUID:
    return await story.unit("alpha")


async def gathered(*work: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*work))
