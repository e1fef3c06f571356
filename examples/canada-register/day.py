"""One day of the play: clock, inputs, quiet, sweep, quiet, round, quiet."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import prelude
from client import Client
from desk import Desk
from oracle import Expected
from prelude import Switchboard
from register import Row
from stack import World
from streams import Streams
from usage import Agents, Delivery
from watching import Sweep

ONE = timedelta(days=1)


class Days:
    """Plays day after day; `differences` says where a sweep found something else than computed."""

    def __init__(
        self,
        client: Client,
        streams: Streams,
        world: World,
        *,
        agents: Agents,
        desk: Desk,
        board: Switchboard,
        log: dict[date, list[Row]],
        expected: Expected,
    ) -> None:
        self._client = client
        self._streams = streams
        self._world = world
        self._agents = agents
        self._desk = desk
        self._board = board
        self._log = log
        self._expected = expected
        self.differences: list[str] = []
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.unknown = 0
        self.watched = 0
        self.beacons = 0
        self._prepared: asyncio.Task[Delivery] | None = None

    async def play(self, day: date, kill: Callable[[str], None]) -> dict[str, Any]:
        """The whole day; answers what its sweep found. `kill` is told of moments at which a service may die."""
        self._begun = time.monotonic()
        now = await prelude.step_clock(self._client, self._world, day)
        kill("registry")
        self._lap("clock")
        if rows := self._log.get(day):
            await prelude.apply_rows(self._client, self._streams, rows, now, self._board)
            self._lap("log")
        await self._desk.morning(day)
        self._lap("desk")
        delivery = await (self._prepared or asyncio.to_thread(self._agents.deliver, day))
        self.beacons += len(delivery.beacons)
        self._lap("agents")
        await self._streams.usage(delivery, now)
        kill("monitor")
        # Who was given back this morning is known by now: tomorrow's beacons are made while the services work.
        self._prepared = asyncio.create_task(asyncio.to_thread(self._agents.deliver, day + ONE))
        self._lap("usage sent")
        await self._client.quiet(first=0.06)
        self._lap("usage quiet")
        sweep: dict[str, Any] = await self._client.post("/monitor/v1/sweeps", {}, "operator")
        self._lap("sweep")
        self._compare(sweep, self._expected.sweeps[day])
        await self._client.quiet()
        self._lap("sweep quiet")
        await self._client.post("/decommission/v1/rounds", {}, "operator")
        kill("decommission")
        await self._client.quiet()
        self._lap("round")
        return sweep

    def _compare(self, found: dict[str, Any], wanted: Sweep) -> None:
        self.unknown += found["unknown"]
        self.watched = found["assets"]
        counts = wanted.counts()
        told = {name: found[name] for name in counts}
        if told != counts:
            self.differences.append(f"{wanted.day}: the sweep found {told}, computed was {counts}")

    def _lap(self, what: str) -> None:
        now = time.monotonic()
        self.seconds[what] += now - self._begun
        self._begun = now
