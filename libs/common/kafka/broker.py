"""FastStream's broker, with the options that every service uses."""

import logging
from typing import Any

from faststream.kafka import KafkaBroker
from faststream.security import SASLPlaintext

from libs.common.kafka import client_fixes


class Broker(KafkaBroker):
    """FastStream's broker, and the name under which its consumers come back to their groups.

    With a name a consumer is a static member: a process that was killed and started again gets its partitions back at
    once, instead of waiting until the group has given up the dead one. No two live processes may share a name.
    """

    instance: str | None = None


def make_broker(options: dict[str, Any]) -> Broker:
    """FastStream's broker as we use it: quiet logs, no type magic, a bounded drain on stop."""
    client_fixes.install()
    rest = {k: v for k, v in options.items() if not k.startswith(("sasl_", "security_"))}
    security = None
    if "sasl_plain_username" in options:
        security = SASLPlaintext(options["sasl_plain_username"], options["sasl_plain_password"], use_ssl=False)
    return Broker(
        **rest,
        security=security,
        graceful_timeout=15,
        log_level=logging.DEBUG,
        logger=None,
        apply_types=False,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        allow_auto_create_topics=False,  # partitions are never altered, so topics come from their file alone
    )
