"""Promise 3 under attack: strangers, agents with another's name, days that nobody can have seen, over every way in."""

import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.house import House, account, beacon, declared, eventually, stated
from tests.attack.counting import Counts

pytestmark = pytest.mark.acceptance
USAGE, STATEMENTS = "/monitor/v1/usage", "/monitor/v1/statements"
VICTIM = "victim-of-sensors"


@pytest.fixture
async def victim(house: House) -> AsyncIterator[UUID]:
    """Somebody's account; what the attack leaves on the monitor's pile is given up at its end."""
    clock = await house.call("GET", "/monitor/v1/clock")
    if datetime.fromisoformat(clock["now"]) < house.instant():
        await house.step(house.day)
    await house.tell([declared(VICTIM, "victim unit", house.day)], role="registrar", salt=VICTIM)
    await house.quiet()
    yield account(VICTIM)
    for letter in await house.everything("/monitor/v1/dead-letters", role="operator"):
        place = {name: letter[name] for name in ("topic", "partition", "offset")}
        await house.call("POST", "/monitor/v1/dead-letters/discard", place | {"reason": "an attack"})


async def refused(
    house: House, counts: Counts, path: str, body: dict[str, Any], *, subject: str = "test"
) -> tuple[int, dict[str, Any]]:
    """What the monitor answers to one agent."""
    headers = {"Authorization": f"Bearer {house.token('agent', subject=subject)}"}
    reply = counts.answer(await house.http.request("POST", path, json=body, headers=headers))
    return reply.status_code, reply.json()


async def letters(house: House, topic: str) -> list[dict[str, Any]]:
    await house.quiet()
    found = await house.everything("/monitor/v1/dead-letters", role="operator")
    return [letter for letter in found if letter["topic"] == topic]


async def held_of(house: House, source: str) -> list[Any]:
    database = await house.database("monitor")
    try:
        return list(await database.fetch("select * from source_days where source = $1", source))
    finally:
        await database.close()


def usage(source: str, asset: UUID, **record: Any) -> dict[str, Any]:
    return {"source": source, "records": [{"asset_id": str(asset), "measure": "posts"} | record]}


def statement(source: str, day: date | str, *assets: UUID) -> dict[str, Any]:
    named = [str(asset) for asset in assets]
    return {"source": source, "day": str(day), "records": 0, "measures": ["posts"], "assets": named}


async def test_a_stranger_with_102_past_days_of_somebody_elses_account(
    house: House, victim: UUID, counts: Counts, size: int
) -> None:
    """A source that exists because its agent says so: the day it opened a closure, it was believed."""
    for number in range(103 * size):
        day = house.day - timedelta(days=number % 103)
        status, body = await refused(house, counts, STATEMENTS, statement("stranger", day, victim))
        assert (status, body["code"], body["errors"][0]["field"]) == (403, "not_admitted", "source")
    status, body = await refused(house, counts, USAGE, usage("stranger", victim, measure="posts_total", value=0))
    assert (status, body["code"]) == (403, "not_admitted")
    await house.tell([stated("stranger", house.day, [victim], 0)], role="agent", salt="stranger")
    await house.produce("jianfu.intake.usage", [beacon(house, "stranger", victim, house.day)])
    said = await letters(house, "jianfu.intake.sources")
    assert [letter["reason_code"] for letter in said].count("not_admitted") == 1
    told = [letter["reason"] for letter in await letters(house, "jianfu.intake.usage")]
    wanted = "source: expected one that is admitted for the agent jianfu-local|test"
    assert sum(wanted in reason for reason in told) == 1, told
    assert await held_of(house, "stranger") == []
    counts.others["statements of a stranger refused"] += 103 * size


async def test_days_that_nobody_can_have_seen(house: House, victim: UUID, counts: Counts, size: int) -> None:
    """The year 9999, days to come and long past: beacons, folded days, gauges and statements, by HTTP and Kafka."""
    source = f"bombs-{house.day}"
    await house.admit(source)
    noon = int(house.instant().timestamp() * 1000)
    wrong = [(1, "tomorrow"), (300, "next year"), (-46, "too late")] * size
    lines: list[dict[str, Any]] = [{"day": "9999-12-31", "count": 3}, {"day": "2098-12-31", "count": 3}]
    lines += [{"ts": 253_370_764_800_000}, {"ts": 253_370_764_800_000, "measure": "posts_total", "value": 1}]
    for days, _ in wrong:
        ts, day = noon + days * 86_400_000, str(house.day + timedelta(days=days))
        lines += [{"ts": ts}, {"ts": ts, "measure": "posts_total", "value": 0}, {"day": day, "count": 1}]
    good = {"asset_id": str(victim), "measure": "posts", "ts": noon}
    body = {"source": source, "records": [good, *({"asset_id": str(victim), "measure": "posts"} | x for x in lines)]}
    status, answer = await refused(house, counts, USAGE, body)
    assert (status, answer["accepted"], answer["refused"]) == (202, 1, len(lines))
    details = [row["detail"] for row in answer["rows"] if row["verdict"] == "refused"]
    assert all(detail.startswith(("ts: expected", "day: expected")) for detail in details), details

    bearer = ("authorization", f"Bearer {house.token('agent')}".encode())
    records = [
        {"key": b"k", "value": json.dumps({"source": source} | record).encode(), "headers": [bearer]}
        for record in body["records"][:12]
    ]
    await house.produce("jianfu.intake.usage", records)
    assert len(await letters(house, "jianfu.intake.usage")) == len(records) - 1

    for day in ("9999-12-31", *(house.day + timedelta(days=days) for days, _ in wrong)):
        status, answer = await refused(house, counts, STATEMENTS, statement(source, day, victim))
        assert (status, answer["errors"][0]["field"]) == (422, "day"), answer
    days = [house.day + timedelta(days=days) for days, _ in wrong[:3]]
    await house.tell([stated(source, day, [victim], 0) for day in days], role="agent", salt=source)
    assert len(await letters(house, "jianfu.intake.sources")) == 3
    assert {(row["day"], row["received"]) for row in await held_of(house, source)} == {(house.day, 2)}
    counts.others["day bombs refused"] += len(lines) + len(records) + 2 * len(wrong)


async def test_an_agent_that_the_admission_does_not_name(house: House, victim: UUID, counts: Counts) -> None:
    """Its token names the source, or all of them; the operator named somebody else."""
    source = f"named-{house.day}"
    await house.admit(source, agents=["the-right-one"])
    for path, body in (
        (STATEMENTS, statement(source, house.day, victim)),
        (USAGE, usage(source, victim, ts=int(house.instant().timestamp() * 1000))),
    ):
        status, answer = await refused(house, counts, path, body)
        assert (status, answer["code"]) == (403, "not_admitted"), answer
        assert (await refused(house, counts, path, body, subject="the-right-one"))[0] == 202
    await house.tell([stated(source, house.day, [victim], 9)], role="agent", salt=source)
    assert [letter["reason_code"] for letter in await letters(house, "jianfu.intake.sources")] == ["not_admitted"]


async def test_naming_anothers_account_does_not_widen_what_is_covered(
    house: House, victim: UUID, counts: Counts
) -> None:
    source = f"narrow-{house.day}"
    await house.tell([declared("mine-alone", "a unit of its own", house.day)], role="registrar", salt=source)
    await house.quiet()
    mine = account("mine-alone")
    await house.admit(source, assets=[str(mine)])
    status, answer = await refused(house, counts, STATEMENTS, statement(source, house.day, mine, victim))
    assert (status, answer["covered"], answer["not_covered"], answer["not_covered_ids"]) == (202, 1, 1, [str(victim)])
    why = await house.call("GET", f"/monitor/v1/assets/{victim}/why", role="viewer")
    assert source not in {shown["source"] for shown in why["sources"]}


async def test_after_an_upgrade_the_register_is_read_again(house: House, victim: UUID) -> None:
    """Rows from before it was said whose an asset is: covered by no unit, until the compacted topic has told it."""
    database = await house.database("monitor")
    try:
        await database.execute("update assets set sponsor_id = null")
        house.kill_service("monitor")

        async def told() -> bool:
            return bool(await database.fetchval("select count(*) filter (where sponsor_id is null) = 0 from assets"))

        await eventually(told, 60)
    finally:
        await database.close()
    await house.quiet()
    (found,) = [a for a in await house.everything("/registry/v1/assets") if a["asset_id"] == str(victim)]
    source = f"unit-{house.day}"
    await house.admit(source, units=[found["sponsor_id"]])
    answer = await house.call("POST", STATEMENTS, statement(source, house.day, victim), role="agent")
    assert answer["covered"] == 1
