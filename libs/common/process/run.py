"""Runs one service process: its parts start in order, run as one, stop in order, and a part that dies takes it down."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn
import uvloop
from aiokafka.errors import KafkaError

from libs.common.consumer import inbox
from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Database
from libs.common.http import connections, idempotency
from libs.common.process.runtime import Components, Role, Runtime
from libs.common.process.watchdog import end_within, watch
from libs.common.refusals import store as refusal_store

log = structlog.get_logger()
STOP_WITHIN = 20.0


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process stops its parts in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(runtime: Runtime, components: Components) -> None:
    """Run until SIGTERM or SIGINT, or until a part dies; then drain, commit and close within 20 seconds."""
    runtime.components = components
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    config = uvicorn.Config(
        components.app,
        host=runtime.settings.host,
        port=runtime.settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        lifespan="on",
        http=connections.protocol(connections.Bounds()),
    )
    connections.allow_files()
    server = _Server(config)
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(server.serve(), name="http"))
            tasks.append(group.create_task(runtime.relay.run(), name="relay"))
            if runtime.role != "api":
                tasks.append(group.create_task(_consume(runtime), name="consumers"))
                tasks += [group.create_task(_loop(run), name=f"loop-{run.__name__}") for run in components.loops]
                tasks.append(group.create_task(_prune(runtime.database), name="prune"))
            for part in tasks:
                part.add_done_callback(lambda _: end_within(STOP_WITHIN))
            group.create_task(_stop(runtime, components, server, stop, tasks), name="stop")
    finally:
        for close in (*components.closing, runtime.ends.close, runtime.database.close):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(close(), 5)


async def _loop(run: Callable[[], Awaitable[None]]) -> None:
    await run()
    raise RuntimeError(f"the loop {run.__name__} ended by itself")


async def _consume(runtime: Runtime) -> None:
    while True:
        try:
            await runtime.broker.start()
            break
        except (KafkaError, OSError) as error:
            log.warning("broker-not-reached", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)
    runtime.started = True
    log.info("ready", role=runtime.role, listen=runtime.settings.listen)
    await watch(runtime)


async def _prune(database: Database) -> None:
    while True:
        await asyncio.sleep(3600)
        with contextlib.suppress(*UNAVAILABLE):  # the next hour will do
            async with database.transaction("prune") as conn:
                await inbox.prune(conn)
                await idempotency.prune(conn)
                await refusal_store.prune(conn)


async def _stop(
    runtime: Runtime,
    components: Components,
    server: uvicorn.Server,
    stop: asyncio.Event,
    tasks: list[asyncio.Task[None]],
) -> None:
    await stop.wait()
    log.info("stopping")
    end_within(STOP_WITHIN)
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(12):
            await runtime.broker.stop()
    server.should_exit = True
    await asyncio.wait({tasks[0]}, timeout=6)
    await runtime.relay.drain(3)
    for task in tasks:
        task.cancel()
    await runtime.relay.close()
    log.info("stopped")


def run(main: Callable[[Role], Awaitable[None]], role: Role) -> None:
    """Run a service under uvloop, with the collector tuned for batches of small objects."""
    gc.set_threshold(100_000, 50, 100)
    uvloop.run(main(role))  # type: ignore[arg-type]
