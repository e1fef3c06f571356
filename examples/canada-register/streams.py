"""Kafka, as the intake speaks it: lifecycle events, beacons of usage, statements of sources."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from names import event_id
from register import Row
from usage import Delivery, Statement

LIFECYCLE, USAGE, SOURCES = "jianfu.intake.lifecycle", "jianfu.intake.usage", "jianfu.intake.sources"
TYPES = {"added": "asset.declared", "amended": "asset.corrected", "removed": "asset.delisted"}
REGISTER = "gc-register"  # the source that lists the accounts

Header = tuple[str, bytes]


class Streams:
    """One idempotent producer; each record carries the token of who says it."""

    def __init__(self, kafka: dict[str, Any], *, registrar: str, agent: str) -> None:
        password = Path(kafka["password_files"]["intake"]).read_text().strip()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=kafka["bootstrap_servers"],
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username="intake",
            sasl_plain_password=password,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=1 << 20,
        )
        self._registrar = ("authorization", f"Bearer {registrar}".encode())
        self._agent = ("authorization", f"Bearer {agent}".encode())

    async def __aenter__(self) -> "Streams":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def lifecycle(self, rows: Iterable[Row], now: datetime) -> None:
        """The log's rows of one day, each as one event keyed by the account's identity; returns when Kafka has them."""
        for row in rows:
            if row.change is None:
                raise ValueError(f"line {row.line} is of the register, not of the log")
            kind = TYPES[row.change]
            headers = envelope(kind, event_id(row.line, row.change, row.url), row.url, now, row.line)
            await self._producer.send(
                LIFECYCLE, json.dumps(said(row), ensure_ascii=False).encode(), "/".join(row.identity).encode(),
                headers=[*headers, self._registrar],
            )  # fmt: skip
        await self._producer.flush()

    async def usage(self, delivery: Delivery, now: datetime) -> None:
        """One day's beacons and statements; returns when Kafka has them."""
        headers = [self._agent]
        for key, value in delivery.beacons:
            await self._producer.send(USAGE, value, key, headers=headers)
        for statement in delivery.statements:
            await self._producer.send(
                SOURCES, json.dumps(stated(statement)).encode(), statement.source.encode(),
                headers=[*envelope_of(statement, now), self._agent],
            )  # fmt: skip
        await self._producer.flush()


def said(row: Row) -> dict[str, Any]:
    """What a row of the log says, as the body of its event."""
    # The log's language is the account's, not that of its department's name: nothing is said of the latter.
    sponsor = {"scheme": "ca-name", "value": row.department, "name": row.department}
    body = {
        "source": REGISTER, "on": row.day.isoformat(), "kind": "account", "platform": row.platform,
        "address": row.url, "sponsor": sponsor,
    }  # fmt: skip
    return body if row.change == "removed" else body | {"name": row.account, "language": row.language}


def stated(statement: Statement) -> dict[str, Any]:
    return {
        "source": statement.source,
        "day": statement.day.isoformat(),
        "revision": statement.revision,
        "records": statement.records,
        "assets": statement.assets,
    }


def envelope_of(statement: Statement, now: datetime) -> list[Header]:
    name = f"{statement.source} {statement.day} {statement.revision}"
    sequence = statement.day.toordinal() * 10 + statement.revision
    return envelope("source.stated", event_id(sequence, "stated", name), statement.source, now, sequence)


def envelope(kind: str, identifier: str, subject: str, now: datetime, sequence: int) -> list[Header]:
    """The headers of a CloudEvent 1.0 in Kafka's binary mode."""
    fields = {
        "ce_specversion": "1.0", "ce_id": identifier, "ce_source": "/examples/canada-register", "ce_type": kind,
        "ce_subject": subject, "ce_time": now.isoformat(), "ce_dataschema": f"urn:jianfu:schema:{kind}",
        "ce_sequence": str(sequence), "content-type": "application/json",
    }  # fmt: skip
    return [(name, value.encode()) for name, value in fields.items()]
