"""Whether a process is well, and whether nothing is on its way in it."""

from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from libs.common.process.runtime import Runtime


async def health(runtime: Runtime) -> dict[str, Any]:
    """Database, broker, consumers and relay as they are now; None means well."""
    found: dict[str, Any] = {"database": await runtime.database.silence(2)}
    if runtime.role != "api" and runtime.components is not None:
        found["broker"] = await _broker(runtime)
        for subscription in runtime.subscriptions:
            found[f"consumer {subscription.topic}"] = subscription.reason
        found["relay"] = runtime.relay.failing
    return found


async def _broker(runtime: Runtime) -> str | None:
    if not runtime.started:
        return "not connected to Kafka yet"
    try:
        # of a partition that need not be ours: a spare replica has none
        await runtime.ends.of([TopicPartition(subscription.topic, 0) for subscription in runtime.subscriptions][:1])
    except (KafkaError, OSError, TimeoutError) as error:
        return f"the broker does not answer: {type(error).__name__}"
    return None


async def quiet(runtime: Runtime) -> dict[str, Any]:
    """Whether nothing is on its way here: outbox, consumers' lag, due and running work."""
    subscriptions, components = runtime.subscriptions, runtime.components
    joined, lag = all(subscription.ready for subscription in subscriptions), 0
    ends: dict[TopicPartition, int] = {}
    try:
        ends = await runtime.ends.of([tp for subscription in subscriptions for tp in subscription.done])
        lag = sum(subscription.behind(ends) for subscription in subscriptions)
    except (KafkaError, OSError, TimeoutError):
        joined = False
    due, running = await components.due() if components and components.due else (0, 0)
    outbox = await runtime.relay.depth()
    calm = joined and runtime.started and lag == outbox == due == running == 0
    offsets = {f"{tp.topic}/{tp.partition}": offset for tp, offset in sorted(ends.items())}
    counts = {"outbox": outbox, "lag": lag, "due": due, "running": running}
    return {"quiet": calm, **counts, "end_offsets": offsets}
