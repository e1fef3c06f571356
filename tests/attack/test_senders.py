"""One sender floods, lies about sizes, or says what nobody can read: the others are heard within seconds."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError

from libs.common.events.envelope import pack
from tests.acceptance.house import House, account, beacon, declared, eventually
from tests.attack.counting import Counts
from tests.kit import bombs

pytestmark = pytest.mark.acceptance
LIFECYCLE, USAGE = "jianfu.intake.lifecycle", "jianfu.intake.usage"


@pytest.fixture(autouse=True)
async def begun(house: House) -> None:
    """A business day, what has not come yet is refused, and a source that is heard."""
    await house.step(house.day)
    await house.admit("eye")


def said(house: House, name: str, sender: str, **changed: Any) -> dict[str, Any]:
    """A declaration of an account, as one sender makes it."""
    message = pack(declared(name, "flooded", house.day), sequence=1, time=house.instant())
    headers = [(header, raw) for header, raw in message.headers if header != "ce_id"]
    bearer = ("authorization", f"Bearer {house.token('registrar', subject=sender)}".encode())
    record = {"key": message.key, "value": message.body, "headers": [*headers, ("ce_id", uuid4().bytes.hex().encode())]}
    record["headers"].append(bearer)
    return record | changed


async def known(house: House, name: str) -> bool:
    assets = await house.everything("/registry/v1/assets")
    return str(account(name)) in {asset["asset_id"] for asset in assets}


async def aside(house: House, service: str) -> dict[str, dict[str, Any]]:
    found = await house.call("GET", f"/{service}/v1/senders")
    return {each["sender"]: each for each in found["items"]}


async def test_a_flood_of_one_sender_is_set_aside_and_another_is_heard(house: House, counts: Counts, size: int) -> None:
    flooder, other = f"flood-{uuid4().hex[:6]}", f"calm-{uuid4().hex[:6]}"
    identity = f"jianfu-local|{flooder}"
    pids = {name: house.stack["services"][name]["pid"] for name in house.stack["services"]}
    bad = said(house, "nothing", flooder, value=b"{}")
    await house.produce(LIFECYCLE, [bad | {"key": str(n).encode()} for n in range(5000 * size)])
    counts.others["refused records of one sender"] += 5000 * size
    await house.produce(LIFECYCLE, [said(house, other, other)])
    begun = time.monotonic()
    await eventually(lambda: known(house, other), 20 + 20 * size)
    counts.others["ms until another was heard (worst)"] = max(
        counts.others["ms until another was heard (worst)"], int((time.monotonic() - begun) * 1000)
    )
    assert (await house.http.get("/registry/readyz")).status_code == 200
    told = (await aside(house, "registry"))[identity]
    assert told["reason_code"] == "invalid"
    assert 0 < told["parked"] <= 1000
    database = await house.database("registry")
    try:
        assert await database.fetchval("select count(*) from dead_letters") < 1500, "a flood is not kept whole"
    finally:
        await database.close()
    late = f"late-{uuid4().hex[:6]}"
    await house.produce(LIFECYCLE, [said(house, late, flooder, key=b"0")])
    await house.quiet()
    assert not await known(house, late), "what it sends now is parked too, or only counted"
    named = {"topic": LIFECYCLE, "sender": identity}
    judged = 0
    page = {"released": False}
    while not page["released"]:
        page = await house.call("POST", "/registry/v1/senders/release", named)
        judged += page["handled"] + page["refused"]
        assert page["gone"] == 0
    assert judged > told["parked"], "what was only counted was read again"
    assert await known(house, late), "nothing of it is lost, whatever it stood behind"
    assert identity not in await aside(house, "registry")
    again = f"again-{uuid4().hex[:6]}"
    await house.produce(LIFECYCLE, [said(house, again, flooder)])
    await eventually(lambda: known(house, again), 30)
    counts.memory(*pids.values())
    assert {name: house.stack["services"][name]["pid"] for name in pids} == pids


async def test_parked_records_are_handled_when_their_sender_is_released(house: House) -> None:
    mended = f"mended-{uuid4().hex[:6]}"
    bad = said(house, "nothing", mended, value=b"{}")
    await house.produce(LIFECYCLE, [bad | {"key": b"same"} for _ in range(50)])
    identity = f"jianfu-local|{mended}"

    async def is_aside() -> bool:
        return identity in await aside(house, "registry")

    await eventually(is_aside)
    await house.produce(LIFECYCLE, [said(house, f"{mended}-{n}", mended, key=b"same") for n in range(3)])
    await house.quiet()
    assert (await aside(house, "registry"))[identity]["parked"] == 3
    page = await house.call("POST", "/registry/v1/senders/release", {"topic": LIFECYCLE, "sender": identity})
    assert (page["handled"], page["refused"], page["released"], page["not_kept"]) == (3, 0, True, [])
    for number in range(3):
        assert await known(house, f"{mended}-{number}")


async def test_a_bomb_is_refused_by_the_broker_and_stops_nobody(house: House, counts: Counts, size: int) -> None:
    for _ in range(size):
        with pytest.raises(KafkaError):
            await bombs.send(house.kafka("intake"), USAGE, bombs.batch(1100 << 20))
        counts.others["bombs refused"] += 1
    asset = account(f"bombed-{uuid4().hex[:6]}")
    await house.produce(USAGE, [beacon(house, "eye", asset, house.day)])
    await counted(house, asset)


async def test_a_bomb_that_is_stored_all_the_same_is_passed_over(house: House, counts: Counts, size: int) -> None:
    """A topic that somebody set otherwise: the consumers judge the size for themselves, before they unpack."""
    monitor = house.stack["services"]["monitor"]["pid"]
    await keep_packed(house, "producer")
    try:
        for number in range(4 * size):
            await bombs.send(house.kafka("intake"), USAGE, bombs.batch(1100 << 20), partition=number % 4)
            counts.others["bombs stored"] += 1
    finally:
        await keep_packed(house, "uncompressed")
    assets = [account(f"after-{uuid4().hex[:6]}") for _ in range(8)]
    await house.produce(USAGE, [beacon(house, "eye", asset, house.day) for asset in assets])
    for asset in assets:
        await counted(house, asset)
    letters = await house.everything("/monitor/v1/dead-letters?state=dead", role="operator")
    assert len([each for each in letters if each["reason_code"] == "too_large"]) >= 4 * size
    assert counts.memory(monitor) < 1000
    stack = json.loads((house.data / "stack.json").read_text())
    assert stack["services"]["monitor"]["pid"] == monitor, "it was never started again"


async def counted(house: House, asset: Any) -> None:
    database = await house.database("monitor")
    try:
        posts = "select total from usage_days where asset_id = $1"
        await eventually(lambda: database.fetchval(posts, asset), 30)
    finally:
        await database.close()


async def keep_packed(house: House, how: str) -> None:
    """Set how the broker stores what comes packed."""
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

    from deploy.kafka import topics

    admin = house.kafka("admin")
    client = topics.admin(admin["bootstrap_servers"], "admin", admin["sasl_plain_password"])
    entry = ConfigEntry("compression.type", how, incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ConfigResource.Type.TOPIC, USAGE, incremental_configs=[entry])
    client.incremental_alter_configs([change])[change].result(20)

    def taken() -> bool:
        described = client.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, USAGE)])
        return all(future.result(20)["compression.type"].value == how for future in described.values())

    await eventually(taken)
