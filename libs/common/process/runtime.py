"""What a service process starts from, built in order before the service's own components."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from libs.common import crashpoints
from libs.common.clock import Clock, SteppedClock, SystemClock
from libs.common.consumer.subscription import Subscription
from libs.common.db.pool import Database
from libs.common.db.schema import require_schema
from libs.common.kafka.broker import Broker, make_broker
from libs.common.kafka.end_offsets import EndOffsets
from libs.common.outbox.publisher import Publisher
from libs.common.outbox.relay import Relay
from libs.common.process import latest
from libs.common.process.settings import CommonSettings
from libs.common.telemetry import logs, traces

Role = Literal["api", "worker", "all"]


@dataclass
class Components:
    """What a service assembles: its HTTP application, consumers, loops; `due` answers (work due now, running)."""

    app: FastAPI
    subscriptions: Sequence[Subscription] = ()
    loops: Sequence[Callable[[], Awaitable[None]]] = ()
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
    due: Callable[[], Awaitable[tuple[int, int]]] | None = None


@dataclass
class Runtime:
    """What every service starts from, built by `open_runtime` before the service's own components."""

    settings: CommonSettings
    database: Database
    clock: Clock
    broker: Broker
    relay: Relay
    ends: EndOffsets
    role: Role
    started: bool = False
    components: Components | None = None

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        return () if self.components is None else self.components.subscriptions


async def open_runtime(settings: CommonSettings, migrations: Path, role: Role) -> Runtime:
    """Logs, crash points, database with the schema this code knows, clock, broker, relay."""
    service = settings.SERVICE
    logs.set_up(service, level=settings.log_level)
    traces.set_up(service, to=settings.traces)
    crashpoints.arm(settings.crash_points, settings.crash_fired, profile=settings.profile)
    database = await Database.connect(settings.database_url, name=service)
    await require_schema(database, migrations)
    try:
        clock = await _clock(settings, database, migrations.parent)
    except BaseException:
        await database.close()
        raise
    kafka = settings.kafka_options()
    relay = Relay(database, Publisher(kafka))
    broker = make_broker(kafka)
    broker.instance = f"{socket.gethostname()}-{settings.port}"  # the same for the process that takes its place
    return Runtime(settings, database, clock, broker, relay, EndOffsets(kafka), role)


async def _clock(settings: CommonSettings, database: Database, folder: Path) -> Clock:
    """A clock that goes on from the latest business time of the data. Raises ClockBehind."""
    zone = ZoneInfo(settings.timezone)
    async with database.reading() as conn:
        reached = await latest.business_time(conn, folder, zone)
    if settings.clock == "system":
        latest.require_reached(SystemClock(zone).now(), reached)
        return SystemClock(zone, reached)
    return SteppedClock(zone, reached or datetime(2000, 1, 1, tzinfo=UTC))
