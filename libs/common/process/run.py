"""One service process: its parts start in order, run as one, stop in order, and a part that dies takes it down."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import structlog
import uvicorn
import uvloop
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from libs.common.clock import Clock, SteppedClock, SystemClock
from libs.common.consumer import inbox
from libs.common.consumer.fetching import EndOffsets
from libs.common.consumer.subscription import Broker, Subscription, make_broker
from libs.common.db.pool import UNAVAILABLE, Database, require_schema
from libs.common.http import connections, idempotency
from libs.common.outbox.relay import Publisher, Relay
from libs.common.process import crashpoints, latest
from libs.common.process.settings import CommonSettings
from libs.common.refusals import store as refusals
from libs.common.telemetry import observe

log = structlog.get_logger()
Role = Literal["api", "worker", "all"]
STOP_WITHIN = 20.0
LOOK_EVERY, STALLED_LOOKS = 15.0, 8  # seconds; two minutes of standing still are no rebalance


@dataclass
class Parts:
    """What a service assembles: its HTTP application, consumers, loops; `due` answers (work due now, running)."""

    app: FastAPI
    subscriptions: Sequence[Subscription] = ()
    loops: Sequence[Callable[[], Awaitable[None]]] = ()
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
    due: Callable[[], Awaitable[tuple[int, int]]] | None = None


@dataclass
class Base:
    """What every service starts from, built by `open_base` before the service's own parts."""

    settings: CommonSettings
    database: Database
    clock: Clock
    broker: Broker
    relay: Relay
    ends: EndOffsets
    role: Role
    started: bool = False
    parts: Parts | None = field(default=None)

    async def health(self) -> dict[str, Any]:
        """Database, broker and relay as they are now; None means well."""
        found: dict[str, Any] = {"database": await self.database_health()}
        if self.role != "api" and self.parts is not None:
            found["broker"] = await self._broker_health()
            for subscription in self.subscriptions:
                found[f"consumer {subscription.topic}"] = subscription.reason
            found["relay"] = self.relay.failing
        return found

    async def database_health(self) -> str | None:
        return await self.database.silence(2)

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        return self.parts.subscriptions if self.parts is not None else ()

    async def _broker_health(self) -> str | None:
        if not self.started:
            return "not connected to Kafka yet"
        try:
            # of a partition that need not be ours: a spare replica has none
            await self.ends.of([TopicPartition(subscription.topic, 0) for subscription in self.subscriptions][:1])
        except (KafkaError, OSError, TimeoutError) as error:
            return f"the broker does not answer: {type(error).__name__}"
        return None

    async def quiet(self) -> dict[str, Any]:
        """Whether nothing is on its way here: outbox, consumers' lag, due and running work."""
        subscriptions = self.subscriptions
        joined, lag = all(subscription.ready for subscription in subscriptions), 0
        ends: dict[TopicPartition, int] = {}
        try:
            ends = await self.ends.of([tp for subscription in subscriptions for tp in subscription.done])
            lag = sum(subscription.behind(ends) for subscription in subscriptions)
        except (KafkaError, OSError, TimeoutError):
            joined = False
        due, running = await self.parts.due() if self.parts and self.parts.due else (0, 0)
        outbox = await self.relay.depth()
        calm = joined and self.started and lag == outbox == due == running == 0
        offsets = {f"{tp.topic}/{tp.partition}": offset for tp, offset in sorted(ends.items())}
        counts = {"outbox": outbox, "lag": lag, "due": due, "running": running}
        return {"quiet": calm, **counts, "end_offsets": offsets}


async def open_base(settings: CommonSettings, migrations: Path, role: Role) -> Base:
    """Logs, crash points, database with the schema this code knows, clock, broker, relay."""
    service = settings.SERVICE
    observe.set_up(service, level=settings.log_level, traces=settings.traces)
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
    return Base(settings, database, clock, broker, relay, EndOffsets(kafka), role)


async def _clock(settings: CommonSettings, database: Database, folder: Path) -> Clock:
    """A clock that goes on from the latest business time of the data. Raises ClockBehind."""
    zone = ZoneInfo(settings.timezone)
    async with database.reading() as conn:
        reached = await latest.business_time(conn, folder, zone)
    if settings.clock == "system":
        latest.require_reached(SystemClock(zone).now(), reached)
        return SystemClock(zone, reached)
    return SteppedClock(zone, reached or datetime(2000, 1, 1, tzinfo=UTC))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process stops its parts in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(base: Base, parts: Parts) -> None:
    """Run until SIGTERM or SIGINT, or until a part dies; then drain, commit and close within 20 seconds."""
    base.parts = parts
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    config = uvicorn.Config(
        parts.app, host=base.settings.host, port=base.settings.port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5, lifespan="on", http=connections.protocol(connections.Bounds()),
    )  # fmt: skip
    connections.allow_files()
    server = _Server(config)
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(server.serve(), name="http"))
            tasks.append(group.create_task(base.relay.run(), name="relay"))
            if base.role != "api":
                tasks.append(group.create_task(_consume(base), name="consumers"))
                tasks += [group.create_task(_loop(run), name=f"loop-{run.__name__}") for run in parts.loops]
                tasks.append(group.create_task(_prune(base.database), name="prune"))
            for part in tasks:
                part.add_done_callback(lambda _: _end_within(STOP_WITHIN))
            group.create_task(_stop(base, parts, server, stop, tasks), name="stop")
    finally:
        for close in (*parts.closing, base.ends.close, base.database.close):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(close(), 5)


def _end_within(seconds: float) -> None:
    """End the process then, whatever hangs: a client library, a thread that Python would wait for, the loop itself."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


async def _loop(run: Callable[[], Awaitable[None]]) -> None:
    await run()
    raise RuntimeError(f"the loop {run.__name__} ended by itself")


async def _consume(base: Base) -> None:
    while True:
        try:
            await base.broker.start()
            break
        except (KafkaError, OSError) as error:
            log.warning("broker-not-reached", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)
    base.started = True
    log.info("ready", role=base.role, listen=base.settings.listen)
    await _watch(base)


async def _watch(base: Base) -> None:
    """End the process when a consumer has silently stopped reading, which client libraries do: a new one reads on.

    One that waits for the database, tries something again, was stopped on purpose, or has no broker is not stalled.
    """
    looks: dict[str, int] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY)
        for sub in base.subscriptions:
            still = False
            with contextlib.suppress(KafkaError, OSError):
                async with asyncio.timeout(LOOK_EVERY):
                    ends = await base.ends.of([*sub.done, TopicPartition(sub.topic, 0)])
                    still = not sub.joined or await sub.fetching.stalled(sub.consumer, ends)
                    still = still and not sub.stopped and await base.database_health() is None
            looks[sub.topic] = looks.get(sub.topic, 0) + 1 if still else 0
            if looks[sub.topic] >= STALLED_LOOKS:
                raise RuntimeError(f"the consumer of {sub.topic} stands still while records wait")


async def _prune(database: Database) -> None:
    while True:
        await asyncio.sleep(3600)
        with contextlib.suppress(*UNAVAILABLE):  # the next hour will do
            async with database.transaction("prune") as conn:
                await inbox.prune(conn)
                await idempotency.prune(conn)
                await refusals.prune(conn)


async def _stop(
    base: Base, parts: Parts, server: uvicorn.Server, stop: asyncio.Event, tasks: list[asyncio.Task[None]]
) -> None:
    await stop.wait()
    log.info("stopping")
    _end_within(STOP_WITHIN)
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(12):
            await base.broker.stop()
    server.should_exit = True
    await asyncio.wait({tasks[0]}, timeout=6)
    await base.relay.drain(3)
    for task in tasks:
        task.cancel()
    await base.relay.close()
    log.info("stopped")


def run(main: Callable[[Role], Awaitable[None]], role: Role) -> None:
    """Run a service under uvloop, with the collector tuned for batches of small objects."""
    gc.set_threshold(100_000, 50, 100)
    uvloop.run(main(role))  # type: ignore[arg-type]
