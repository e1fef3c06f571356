"""What an attack came to: answers by their kind, how long a bystander waited, how much memory a process took."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass
class Counts:
    """The counts of one run. `unhandled`: answers that are no problem+json where one was due, and dead processes."""

    requests: int = 0
    refused: int = 0
    errors_5xx: int = 0
    unhandled: int = 0
    others: Counter[str] = field(default_factory=Counter)
    worst_p99: float = 0.0
    peak_mb: float = 0.0

    def answer(self, reply: httpx.Response) -> httpx.Response:
        """Count one answer of the product. A 503 that says so is a refusal; any other 5xx is an error of ours."""
        self.requests += 1
        if 400 <= reply.status_code < 500 or reply.status_code == 503:
            self.refused += 1
        if reply.status_code >= 500 and reply.status_code != 503:
            self.errors_5xx += 1
            self.unhandled += 1
        return reply

    def memory(self, *pids: int) -> float:
        """Note the peak resident memory of processes, in megabytes; returns the largest."""
        found = [peak_mb(pid) for pid in pids]
        self.peak_mb = max([self.peak_mb, *found])
        return max(found, default=0.0)

    def lines(self) -> list[str]:
        """What `make attack` prints."""
        told = [
            f"requests {self.requests:,} · refused {self.refused:,}",
            f"5xx {self.errors_5xx} · unhandled {self.unhandled}",
            f"worst p99 of a bystander {self.worst_p99 * 1000:.0f} ms · peak memory of a service {self.peak_mb:.0f} MB",
        ]
        return told + [f"{name}: {count:,}" for name, count in sorted(self.others.items())]


def peak_mb(pid: int) -> float:
    """The peak resident memory of a process since its start, in megabytes; 0 when it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


@dataclass
class Bystander:
    """Somebody who only wants a small answer, while others attack. Times in seconds."""

    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0


@contextlib.asynccontextmanager
async def bystander(
    counts: Counts, url: str, *, every: float = 0.02, headers: dict[str, str] | None = None
) -> AsyncIterator[Bystander]:
    """Ask for `url` again and again until the block ends, each time on time; what is not 2xx is a failure."""
    seen = Bystander()

    async def ask() -> None:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            while True:
                begun = time.monotonic()
                try:
                    reply = await client.get(url, headers=headers)
                    if not reply.is_success:
                        seen.failures.append(f"{reply.status_code} {reply.text[:200]}")
                except httpx.HTTPError as error:
                    seen.failures.append(type(error).__name__)
                seen.times.append(time.monotonic() - begun)
                await asyncio.sleep(every)

    task = asyncio.create_task(ask())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        counts.worst_p99 = max(counts.worst_p99, seen.p99)
