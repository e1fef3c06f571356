"""What every benchmark needs: real parts of its own, variants run by turns, ratios by their median, a table."""

import asyncio
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.database.migrations import migrate
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.db.pool import Database

ROOT = Path(__file__).parents[1]


class Wrong(AssertionError):
    """A variant did not do the work it was measured for; its speed means nothing."""


@dataclass(frozen=True)
class Result:
    """One figure: the median of `runs`. `ratio` is the median of ratios to `against`, run by run."""

    benchmark: str
    name: str
    value: float
    unit: str
    runs: list[float] = field(default_factory=list)
    against: str | None = None
    ratio: float | None = None
    expected: float | None = None

    @property
    def kept(self) -> bool:
        """Whether what was expected of it holds; a ratio is expected to be at least that."""
        return self.expected is None or (self.ratio or 0.0) >= self.expected


@dataclass
class Env:
    """A PostgreSQL and a Kafka that nobody else uses. `scale` shrinks the work for a quick look."""

    postgres: LocalPostgres
    kafka: LocalKafka
    scale: float = 1.0
    repeats: int = 3
    _names: Any = field(default_factory=lambda: count(1))

    def size(self, records: int) -> int:
        return max(100, int(records * self.scale))

    @property
    def options(self) -> dict[str, Any]:
        """aiokafka's options for a principal that may do everything."""
        return {
            "bootstrap_servers": self.kafka.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "admin",
            "sasl_plain_password": self.kafka.password("admin"),
        }

    async def topic(self, partitions: int = 4) -> str:
        """A new topic."""
        name = f"bench-{next(self._names)}"
        admin = AIOKafkaAdminClient(**self.options)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, partitions, 1)])
        finally:
            await admin.close()
        return name

    def group(self) -> str:
        """A consumer group that has committed nothing yet."""
        return f"bench-group-{next(self._names)}"

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[Database]:
        """A new database with a service's schema, open as that service's role, dropped afterwards."""
        name = f"bench_{next(self._names)}"
        owner = await asyncpg.connect(self.postgres.url())
        try:
            await owner.execute(f"create database {name} owner {OWNER}")
            migrations = ROOT / "services" / service / "migrations"
            await migrate(self.postgres.url(name, user=OWNER), migrations, service_role=f"jianfu_{service}")
            database = await Database.connect(self.postgres.url(name, user=f"jianfu_{service}"), name=service)
            try:
                yield database
            finally:
                await database.close()
        finally:
            await owner.execute(f"drop database if exists {name} with (force)")
            await owner.close()


Variant = Callable[[], Awaitable[float]]
PATIENCE = 300.0  # seconds; a variant that stands still ends the run with its name instead of holding it for ever


async def by_turns(variants: Mapping[str, Variant], repeats: int) -> dict[str, list[float]]:
    """Run every variant once per round, so that a slow minute of the machine strikes all of them."""
    runs: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(repeats):
        for name, variant in variants.items():
            gc.collect()
            started = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE):
                    runs[name].append(await variant())
            except TimeoutError:
                raise Wrong(f"{name} was not done after {PATIENCE:.0f} s") from None
            spent = time.perf_counter() - started
            print(f"  {turn + 1}/{repeats} {name}: {runs[name][-1]:,.0f} ({spent:.1f} s)", flush=True)
    return runs


def rate(benchmark: str, name: str, runs: Mapping[str, list[float]]) -> Result:
    """A rate by itself."""
    return Result(benchmark, name, statistics.median(runs[name]), "records/s", runs[name])


def compared(
    benchmark: str, name: str, against: str, runs: Mapping[str, list[float]], *, expected: float | None = None
) -> Result:
    """A rate beside another of the same rounds."""
    ratios = [ours / theirs for ours, theirs in zip(runs[name], runs[against], strict=True)]
    return Result(
        benchmark,
        name,
        statistics.median(runs[name]),
        "records/s",
        runs[name],
        against,
        statistics.median(ratios),
        expected,
    )


def table(results: Sequence[Result]) -> str:
    """The results for a person."""
    lines = [f"{'':22}{'':42}{'median':>14}  {'unit':10} {'ratio':>7} {'expected':>9}"]
    for each in results:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        expected = "" if each.expected is None else f"≥ {each.expected:g} {'✔' if each.kept else '✘'}"
        name = each.name if each.against is None else f"{each.name} / {each.against}"
        lines.append(f"{each.benchmark:22}{name:42}{each.value:>14,.1f}  {each.unit:10} {ratio:>7} {expected:>9}")
    return "\n".join(lines)


def write(results: Sequence[Result], file: Path) -> None:
    """The results for a program, with what they were measured on."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    file.parent.mkdir(parents=True, exist_ok=True)
    found = [asdict(each) | {"kept": each.kept} for each in results]
    file.write_text(json.dumps({"machine": machine, "results": found}, indent=2) + "\n")
