"""The instruments of the plumbing; a service declares its own in `services/<service>/metrics.py`."""

from libs.common.telemetry.instruments import counter, gauge, histogram

TOPIC = "a topic of deploy/kafka/topics.yaml"

EVENTS = counter(
    "jianfu_events_total",
    "Records taken, by what became of them.",
    of="records",
    labels={
        "topic": TOPIC,
        "type": "an event type that the service handles, or ?, or other",
        "outcome": "handled, dead, again, parked, stuck, unknown, unexpected",
    },
)
CONSUMER_STUCK = gauge(
    "jianfu_consumer_stuck",
    "1 while a consumer fails for longer than its patience, or waits.",
    of="yes or no",
    labels={"topic": TOPIC},
)
SENDERS_ASIDE = gauge("jianfu_senders_aside", "Senders that are set aside.", of="senders", labels={"topic": TOPIC})
OUTBOX_PUBLISHED = counter(
    "jianfu_outbox_published_total", "Messages acknowledged by Kafka.", of="messages", labels={"topic": TOPIC}
)
OUTBOX_ROWS = gauge("jianfu_outbox_rows", "Messages waiting for the relay.", of="messages")
OUTBOX_BATCH = histogram("jianfu_outbox_batch_seconds", "From taking a batch of rows to its commit.", of="seconds")
CONNECTIONS_CUT = counter(
    "jianfu_connections_cut_total",
    "Connections that were refused or cut, by reason.",
    of="connections",
    labels={"reason": "crowded, caller_crowds, unreadable, slow_head, slow_body, slow_reader, endless_body"},
)
TARGETS_OPEN = gauge(
    "jianfu_targets_open", "Targets that rest after failures, or wait to be tried again.", of="targets"
)
TARGET_CALLS = gauge(
    "jianfu_target_calls", "Outgoing calls under way.", of="calls", labels={"lane": "ordinary, urgent"}
)
TARGET_CALLS_BROKEN_OFF = counter(
    "jianfu_target_calls_broken_off_total", "Calls broken off because what is urgent had no place.", of="calls"
)
