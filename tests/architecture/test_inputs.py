"""No way in takes any text, a number for a day, or true for a count."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.events.registry import AssetRegistered
from libs.common.exact import Count, Day
from libs.common.http.guards import reads
from libs.common.outbound.egress import Egress
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from libs.common.senders.reread import Reread
from libs.common.strings import Plain
from services.decommission import main
from services.decommission.archives.store import Archive
from services.decommission.deps import Deps
from services.decommission.limits.domain import Limits, Windows
from services.monitor import api as monitor
from services.monitor import handlers as monitor_handlers
from services.monitor.deps import deps_of, rules_of
from services.registry import main as registry
from services.registry.assets.domain import Policy
from tests.architecture import inputs

ZONE = ZoneInfo("Asia/Shanghai")
CLOCK = SteppedClock(ZONE, datetime(2025, 6, 1, tzinfo=UTC))
KEY = tokens.new_key("k")
ISSUER = Authenticator(tokens.public_jwks(KEY), allow_local=True)
NOWHERE = {"bootstrap_servers": "127.0.0.1:1"}


async def well() -> dict[str, Any]:
    return {}


def away() -> Database:
    """A database that nobody has opened: an application is built without asking it."""
    return Database(asyncpg.create_pool("postgresql://127.0.0.1:1/nowhere"), "away", lambda: None)


def wake() -> None:
    """Nobody sleeps here."""


def of_registry(_: Path) -> FastAPI:
    reread = Reread(NOWHERE, ISSUER)
    return registry.application(away(), CLOCK, Policy(), ISSUER, {}, reread, health=well, quiet=well)


def of_monitor(_: Path) -> FastAPI:
    deps = deps_of(away(), CLOCK, ISSUER, rules_of())
    by_topic = monitor_handlers.build(deps)
    return monitor.build(deps, by_topic, Reread(NOWHERE, ISSUER), health=well, quiet=well)


def of_decommission(folder: Path) -> FastAPI:
    deps = Deps(
        database=away(),
        clock=CLOCK,
        egress=Egress({}),
        signing_key=KEY,
        limits=Limits(),
        archive=Archive(folder),
        windows=Windows(),
    )
    taken = main.topics(deps, wake)
    return main.application(deps, wake, wake, ISSUER, taken, health=well, quiet=well)


@pytest.mark.parametrize("build", [of_registry, of_monitor, of_decommission])
async def test_every_way_in_is_bounded_and_exact(build: Any, tmp_path: Path) -> None:
    """Parameters, headers and bodies of every route."""
    assert inputs.check(build(tmp_path)) == []


@pytest.mark.parametrize("build", [of_registry, of_monitor, of_decommission])
async def test_no_body_ignores_a_field_that_it_does_not_know(build: Any, tmp_path: Path) -> None:
    """What is ignored seems to be obeyed. Two routes read their bodies themselves: a CSV, and usage row by row."""
    app = build(tmp_path)
    assert inputs.deaf(app) == []
    assert inputs.unread(app) <= {"/registry/v1/imports", "/monitor/v1/usage"}


def test_an_event_of_the_intake_ignores_nothing_and_one_of_ours_does() -> None:
    """A stranger's unknown field is a slip; one of ours is a newer version's, which may go first."""
    assert [name for event in inputs.intake_events() for name in inputs.ignoring(event)] == []
    assert list(inputs.ignoring(AssetRegistered)) != []


@pytest.mark.parametrize("event", inputs.intake_events())
def test_every_event_of_the_intake_is_bounded_and_exact(event: type[BaseModel]) -> None:
    """The same over Kafka and in files."""
    assert list(inputs.loose(event, (), event.__name__)) == []


class Planted(BaseModel):
    """Breaks, and beside each what would do."""

    name: str
    note: str | None
    names: list[str]
    day: date
    at: datetime | None
    count: int
    share: float
    sure: bool
    anything: dict[str, Any]
    fit: Annotated[str, Plain(5)]
    fit_day: Day
    fit_count: Count | None


def test_a_planted_break_is_caught() -> None:
    """In a body and in a query, however deep."""
    app = FastAPI()

    @app.post("/planted")
    async def planted(body: list[Planted], rule: str, limit: Annotated[int, Query(ge=1)] = 1) -> None:
        """A route nobody serves."""

    @app.post("/read")
    @reads({}, Planted)
    async def read() -> None:
        """A route that reads its body itself."""

    assert inputs.deaf(app) == ["/planted: Planted", "/read: Planted"]
    assert "/read: Planted.note is any text" in inputs.check(app)
    app.router.routes.pop()
    found = {each.partition(" is ")[0].removeprefix("/planted: ") for each in inputs.check(app)}
    fields = ("name", "note", "names", "day", "at", "count", "share", "sure", "anything")
    assert found == {"rule", "limit", *(f"Planted.{field}" for field in fields)}
