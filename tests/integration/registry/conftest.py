"""A registry without its process: a database, and the verbs with which a test tells a story."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from deploy.local.issuer import issue
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.events import ids
from libs.common.events.decommission import CaseClosed
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, UnitRef
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator, Principal
from libs.common.senders.reread import Reread
from services.registry import main
from services.registry.assets.domain import Policy
from services.registry.imports import usecases as import_usecases
from services.registry.imports.files import File
from services.registry.imports.jobs import FORMATS
from services.registry.intake import handlers
from services.registry.intake import usecases as intake_usecases
from services.registry.intake.usecases import Declaration
from services.registry.tombstones import usecases as tombstone_usecases

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
TODAY = date(2025, 6, 1)
POLICY = Policy(guard_share=0.05, guard_floor=2, reopen_after=timedelta(days=365))
ANYONE = Principal("registrar", frozenset({"registrar"}))
OPERATOR = Principal("operator", frozenset({"operator"}))
HEAD = "account,platform,department,language,url\n"
KEY = tokens.new_key("test")


def declared(name: str, *, source: str = "list", unit: str = "Unit", **more: Any) -> AssetDeclared:
    fields: dict[str, Any] = {
        "source": source,
        "on": TODAY,
        "kind": "account",
        "platform": "X",
        "address": f"https://x.com/{name}",
        "name": name,
        "sponsor": UnitRef(scheme="ca-name", value=unit, name=unit),
    }
    return AssetDeclared(**fields | more)


def corrected(name: str, **more: Any) -> AssetCorrected:
    return AssetCorrected(**declared(name, **more).model_dump())


def delisted(name: str, *, source: str = "list", on: date = TODAY) -> AssetDelisted:
    return AssetDelisted(source=source, on=on, kind="account", platform="X", address=f"https://x.com/{name}")


def csv_of(*names: str, head: str = HEAD) -> str:
    return head + "".join(f"{name},X,Unit,English,https://x.com/{name}\n" for name in names)


def bearer(*roles: str, unit: str | None = None, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(KEY, 'me', roles, unit=unit)}"} | more


@dataclass
class Registry:
    """What a story needs."""

    database: Database
    now: datetime = NOW
    policy: Policy = POLICY

    async def take(self, declaration: Declaration, *, who: Principal = ANYONE, event: str | None = None) -> Any:
        return await intake_usecases.take_in(
            self.database,
            declaration,
            who,
            source="/t",
            event_id=event or str(uuid4()),
            now=self.now,
            policy=self.policy,
        )

    async def outcome(self, declaration: Declaration, **more: Any) -> str:
        return str((await self.take(declaration, **more)).outcome)

    async def bring_in(
        self,
        text: str,
        *,
        apply: bool = True,
        complete: bool = False,
        source: str = "list",
        key: str | None = None,
        on: date = TODAY,
        gone: Callable[[], Awaitable[bool]] | None = None,
        unknown: bool = False,
    ) -> dict[str, Any]:
        """Import a file; answers its report."""
        file = File(
            content=text.encode(),
            source=source,
            on=on,
            unit_scheme="ca-name",
            complete=complete,
            allow_unknown_platforms=unknown,
        )
        report = await import_usecases.run(
            self.database,
            file,
            ANYONE,
            formats=FORMATS,
            apply=apply,
            now=self.now,
            policy=self.policy,
            key=key,
            gone=gone,
        )
        return dict(msgspec.json.decode(report))

    async def summary(self, text: str, **more: Any) -> dict[str, int]:
        """What an import says in numbers, zeros left out."""
        return {k: n for k, n in (await self.bring_in(text, **more))["summary"].items() if n}

    async def close(self, asset_id: UUID, **more: Any) -> None:
        fields: dict[str, Any] = {
            "case_id": ids.case_id(asset_id, 1),
            "asset_id": asset_id,
            "version": 9,
            "at": self.now,
            "rule": "C15",
            "reason": "<silent>",
            "closed_on": self.now.date(),
            "stopped_on": self.now.date(),
            "plan_sha256": "p",
            "archive_sha256": "a",
        }
        declaration = CaseClosed(**fields | more)
        await tombstone_usecases.close(self.database, declaration, f"closed {asset_id}", now=self.now)

    async def fetch(self, query: str, *values: Any) -> Any:
        return await self.database.pool.fetchval(query, *values)

    async def state(self, name: str) -> str:
        return str(
            await self.fetch(
                "select record || ' ' || running from assets where identity = $1 order by incarnation desc limit 1",
                name,
            )
        )

    async def history(self, asset_id: UUID) -> list[tuple[str, str | None]]:
        rows = await self.database.pool.fetch(
            "select outcome, note from asset_versions where asset_id = $1 order by version", asset_id
        )
        return [(row["outcome"], row["note"]) for row in rows]

    async def emitted(self) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of every event in the outbox, in order; takes them out."""
        records = []
        for row in await self.database.pool.fetch(
            "with o as (delete from outbox returning *) select * from o order by id"
        ):
            headers = dict(msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]]))
            records.append(((headers["ce_type"] or b"").decode(), dict(msgspec.json.decode(row["payload"]))))
        return records

    async def pending(self) -> list[UUID]:
        rows = await self.database.pool.fetch(
            "select disappearance_id from disappearances where state = 'held' order by asset_id"
        )
        return [row["disappearance_id"] for row in rows]


@pytest.fixture
async def registry(database: Callable[[str], Awaitable[Database]]) -> Registry:
    """A fresh registry on the first of June."""
    return Registry(await database("registry"))


@pytest.fixture
async def http(registry: Registry) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its application, without broker or relay."""
    authenticator = Authenticator(tokens.public_jwks(KEY), allow_local=True)
    clock = SteppedClock(ZoneInfo("Asia/Shanghai"), NOW)
    taken = {handlers.TOPIC: handlers.build(registry.database, clock, authenticator, POLICY)}
    reread = Reread({"bootstrap_servers": "127.0.0.1:1"}, authenticator)

    async def nothing() -> dict[str, Any]:
        return {}

    app = main.application(
        registry.database, clock, POLICY, authenticator, taken, reread, health=nothing, quiet=nothing
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry/registry/v1") as client:
        yield client
