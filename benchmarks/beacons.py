"""Usage as agents send it: JSON beacons of 250 bytes, keyed by asset, each with its agent's token."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from deploy.local.issuer import issue
from libs.common.ids import NAMESPACE
from libs.common.security import tokens

ASSETS, DAYS, USERS, PARTITIONS, BYTES = 2_000, 2, 50_000, 4, 250
SOURCE, AGENT = "agent-7", "jianfu-local|agent-7"
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2025, 6, 1, tzinfo=ZONE)
DAY_MS = 86_400_000


@dataclass
class Stream:
    """What was sent to a topic: how many records, and what they must add up to."""

    topic: str
    records: int
    authenticator: tokens.Authenticator
    counts: dict[tuple[str, date], int] = field(default_factory=dict)
    users: dict[tuple[str, date], int] = field(default_factory=dict)


async def send(options: Mapping[str, Any], topic: str, records: int) -> Stream:
    """Fill a topic with seeded beacons; the answer says what is in it."""
    key = tokens.new_key("bench")
    headers = [("authorization", f"Bearer {issue(key, 'agent-7', ['agent'])}".encode())]
    stream = Stream(topic, records, tokens.Authenticator(tokens.public_jwks(key), allow_local=True))
    pick = random.Random(1)
    assets = [str(uuid5(NAMESPACE, f"bench {n}")) for n in range(ASSETS)]
    places = [int(murmur2(asset.encode()) & 0x7FFFFFFF) % PARTITIONS for asset in assets]
    users = [f"{pick.getrandbits(128):032x}" for _ in range(USERS)]
    begin = int(FIRST.astimezone(UTC).timestamp() * 1000)
    seen: dict[tuple[str, date], set[int]] = {}
    producer = AIOKafkaProducer(
        **options, acks="all", enable_idempotence=True, compression_type="lz4", max_batch_size=128 * 1024
    )
    await producer.start()
    try:
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        for _ in range(records):
            asset, user, ts = pick.randrange(ASSETS), pick.randrange(USERS), begin + pick.randrange(DAYS * DAY_MS)
            value = beacon(assets[asset], users[user], ts)
            place, name = places[asset], assets[asset].encode()
            if batches[place].append(key=name, value=value, timestamp=None, headers=headers) is None:
                await producer.send_batch(batches[place], topic, partition=place)
                batches[place] = producer.create_batch()
                batches[place].append(key=name, value=value, timestamp=None, headers=headers)
            row = (assets[asset], datetime.fromtimestamp(ts / 1000, ZONE).date())
            stream.counts[row] = stream.counts.get(row, 0) + 1
            seen.setdefault(row, set()).add(user)
        for place, batch in enumerate(batches):
            await producer.send_batch(batch, topic, partition=place)
        await producer.flush()
    finally:
        await producer.stop()
    stream.users = {row: len(distinct) for row, distinct in seen.items()}
    return stream


def beacon(asset: str, user: str, ts: int) -> bytes:
    """One beacon, padded with what agents add for themselves."""
    body = {
        "source": SOURCE,
        "asset_id": asset,
        "measure": "views",
        "ts": ts,
        "count": 1,
        "user": user,
        "region": "510100",
        "agent": "web/3.14.1",
        "page": "",
    }
    missing = BYTES - len(json.dumps(body, separators=(",", ":")))
    return json.dumps(body | {"page": "/" + "x" * (missing - 1)}, separators=(",", ":")).encode()
