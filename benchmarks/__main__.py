"""`python -m benchmarks [name …] [--scale 0.1] [--repeats 3]`: prints a table and writes build/bench.json.

Fails when a variant did not do its work exactly. A ratio below what is expected is marked, not failed: the machine
may be busy, and the figures of a quiet one count.
"""

import argparse
import asyncio
import gc
import importlib
import logging
import pkgutil
import sys
import tempfile
import time
from pathlib import Path

import uvloop

import benchmarks
from benchmarks import harness
from benchmarks.harness import Env, Result
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import LocalPostgres

NOT_BENCHMARKS = {"__main__", "harness", "beacons"}


def names() -> list[str]:
    """Every module here that has a `run`."""
    return sorted({module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - NOT_BENCHMARKS)


async def measure(wanted: list[str], env: Env) -> list[Result]:
    results: list[Result] = []
    for name in wanted:
        print(f"{name}:", flush=True)
        started = time.perf_counter()
        results += await importlib.import_module(f"benchmarks.{name}").run(env)
        print(f"  took {time.perf_counter() - started:.0f} s", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Jianfu beside what one would take instead.")
    parser.add_argument("names", nargs="*", choices=[[], *names()], help="all, if none is given")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the full size")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=harness.ROOT / "build" / "bench.json")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    gc.set_threshold(100_000, 50, 100)  # as the services run
    with tempfile.TemporaryDirectory(prefix="jianfu-bench-") as folder:
        postgres = LocalPostgres(Path(folder) / "postgres").start()
        kafka = LocalKafka(Path(folder) / "kafka").start()
        try:
            asyncio.run(postgres.prepare())
            results = uvloop.run(measure(given.names or names(), Env(postgres, kafka, given.scale, given.repeats)))
        finally:
            kafka.stop()
            postgres.stop()
    print("\n" + harness.table(results))
    harness.write(results, given.out)
    print(f"written to {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
