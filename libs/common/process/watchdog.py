"""Ends a process that hangs, and one whose consumer has silently stopped reading."""

import asyncio
import contextlib
import os
import threading

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from libs.common.process.runtime import Runtime

LOOK_EVERY, STALLED_LOOKS = 15.0, 8  # seconds; two minutes of standing still are no rebalance


def end_within(seconds: float) -> None:
    """End the process then, whatever hangs: a client library, a thread that Python would wait for, the loop itself."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


async def watch(runtime: Runtime) -> None:
    """End the process when a consumer has silently stopped reading, which client libraries do: a new one reads on.

    One that waits for the database, tries something again, was stopped on purpose, or has no broker is not stalled.
    """
    looks: dict[str, int] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY)
        for sub in runtime.subscriptions:
            still = False
            with contextlib.suppress(KafkaError, OSError):
                async with asyncio.timeout(LOOK_EVERY):
                    ends = await runtime.ends.of([*sub.done, TopicPartition(sub.topic, 0)])
                    still = not sub.joined or await sub.fetching.stalled(sub.consumer, ends)
                    still = still and not sub.stopped and await runtime.database.silence(2) is None
            looks[sub.topic] = looks.get(sub.topic, 0) + 1 if still else 0
            if looks[sub.topic] >= STALLED_LOOKS:
                raise RuntimeError(f"the consumer of {sub.topic} stands still while records wait")
