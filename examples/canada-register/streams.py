"""Kafka, as the intake speaks it: lifecycle events, beacons of usage, statements of sources."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
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
            max_batch_size=1 << 17,  # as the broker stores it, unpacked
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
                LIFECYCLE,
                json.dumps(said(row), ensure_ascii=False).encode(),
                "/".join(row.identity).encode(),
                headers=[*headers, self._registrar],
            )
        await self._producer.flush()

    async def usage(self, delivery: Delivery, now: datetime) -> None:
        """One day's beacons and statements; returns when Kafka has them."""
        await self._beacons(delivery.beacons)
        for statement in delivery.statements:
            await self._producer.send(
                SOURCES,
                json.dumps(stated(statement)).encode(),
                statement.source.encode(),
                headers=[*envelope_of(statement, now), self._agent],
            )
        await self._producer.flush()

    async def _beacons(self, beacons: Iterable[tuple[bytes, bytes]]) -> None:
        """In whole batches: a day's beacons one by one cost more than all that the services do with them."""
        count = len(await self._producer.partitions_for(USAGE))
        batches: dict[int, Any] = {}
        for key, value in beacons:
            place = partition(key, count)
            while place not in batches or not self._append(batches[place], key, value):
                if place in batches:
                    await self._producer.send_batch(batches[place], USAGE, partition=place)
                batches[place] = self._producer.create_batch()
        for place, batch in batches.items():
            await self._producer.send_batch(batch, USAGE, partition=place)

    def _append(self, batch: Any, key: bytes, value: bytes) -> bool:
        return batch.append(key=key, value=value, timestamp=None, headers=[self._agent]) is not None


@cache
def partition(key: bytes, count: int) -> int:
    """Kafka's default partition of a key; the same few thousand keys come every day."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


def said(row: Row) -> dict[str, Any]:
    """What a row of the log says, as the body of its event."""
    # The log's language is the account's, not that of its department's name: nothing is said of the latter.
    sponsor = {"scheme": "ca-name", "value": row.department, "name": row.department}
    body = {
        "source": REGISTER,
        "on": row.day.isoformat(),
        "kind": "account",
        "platform": row.platform,
        "address": row.url,
        "sponsor": sponsor,
    }
    return body if row.change == "removed" else body | {"name": row.account, "language": row.language}


def stated(statement: Statement) -> dict[str, Any]:
    return {
        "source": statement.source,
        "day": statement.day.isoformat(),
        "revision": statement.revision,
        "records": statement.records,
        "measures": ["posts", "posts_total"],
        "assets": statement.assets,
    }


def envelope_of(statement: Statement, now: datetime) -> list[Header]:
    name = f"{statement.source} {statement.day} {statement.revision}"
    sequence = statement.day.toordinal() * 10 + statement.revision
    return envelope("source.stated", event_id(sequence, "stated", name), statement.source, now, sequence)


def envelope(kind: str, identifier: str, subject: str, now: datetime, sequence: int) -> list[Header]:
    """The headers of a CloudEvent 1.0 in Kafka's binary mode."""
    fields = {
        "ce_specversion": "1.0",
        "ce_id": identifier,
        "ce_source": "/examples/canada-register",
        "ce_type": kind,
        "ce_subject": subject,
        "ce_time": now.isoformat(),
        "ce_dataschema": f"urn:jianfu:schema:{kind}",
        "ce_sequence": str(sequence),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in fields.items()]
