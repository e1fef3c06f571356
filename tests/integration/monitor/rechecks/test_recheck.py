"""The question before a gate: confirmed, refuted or inconclusive, from the data of today, answered once."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from libs.common.events.decommission import RecheckRequested
from libs.common.events.ids import finding_id
from services.monitor.rechecks import usecases as recheck_usecases
from tests.integration.monitor.conftest import Monitor, day


async def ask(monitor: Monitor, asset: UUID, *, rule: str = "C06", event_id: str = "q1", **changes: Any) -> UUID:
    request = uuid4()
    fields: dict[str, Any] = {
        "request_id": request,
        "case_id": uuid4(),
        "finding_id": finding_id(asset, rule, 1),
        "asset_id": asset,
        "rule": rule,
        "business_day": monitor.clock.today(),
    }
    asked = RecheckRequested(**fields | changes)
    await recheck_usecases.answer_recheck(monitor.database, monitor.book, asked, monitor.clock, event_id=event_id)
    return request


async def answers(monitor: Monitor) -> list[dict[str, Any]]:
    """The bodies of the answers in the outbox, with their type."""
    bodies = []
    for row in await monitor.database.pool.fetch("select * from outbox order by id"):
        headers = dict(msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]]))
        bodies.append(msgspec.json.decode(row["payload"]) | {"type": (headers["ce_type"] or b"").decode()})
    return bodies


@pytest.fixture
async def flagged(monitor: Monitor) -> UUID:
    """An account with an open C06, standing on day 15."""
    account = await monitor.record("a")
    for number in range(16):
        await monitor.full_day(number, [account])
        await monitor.sweep()
    await monitor.events()
    return account


async def test_what_is_still_true_is_confirmed_with_its_signals(monitor: Monitor, flagged: UUID) -> None:
    await monitor.full_day(16, [flagged])
    request = await ask(monitor, flagged, business_day=day(15))
    (answer,) = await answers(monitor)
    assert answer["type"] == "finding.confirmed"
    assert (answer["request_id"], answer["business_day"]) == (str(request), "2025-06-21")
    assert {s["name"]: s["value"] for s in answer["signals"]} == {"days_since_post": None, "days_observed_silent": 17}


async def test_a_post_of_today_refutes(monitor: Monitor, flagged: UUID) -> None:
    monitor.at(16)
    await monitor.usage("s", 16, {flagged: 1})  # not stated yet: that it was there is known all the same
    await ask(monitor, flagged)
    assert [answer["type"] for answer in await answers(monitor)] == ["finding.refuted"]


async def test_a_cleared_finding_is_refuted(monitor: Monitor, flagged: UUID) -> None:
    await monitor.full_day(16, [flagged], [flagged])
    await monitor.sweep()
    await monitor.events()
    monitor.at(20)  # that the source is blind by now changes nothing about what has ended
    await ask(monitor, flagged)
    assert [answer["type"] for answer in await answers(monitor)] == ["finding.refuted"]


async def test_a_refutation_shows_what_was_read_today_and_not_what_once_opened_it(
    monitor: Monitor, flagged: UUID
) -> None:
    await monitor.full_day(16, [flagged], [flagged])
    await monitor.sweep()
    await monitor.full_day(17, [flagged])
    await monitor.events()
    await ask(monitor, flagged)
    (answer,) = await answers(monitor)
    assert (answer["type"], answer["business_day"]) == ("finding.refuted", "2025-06-22")
    assert {s["name"]: s["value"] for s in answer["signals"]} == {"days_since_post": 1, "days_observed_silent": 1}


async def test_a_blind_source_answers_nothing(monitor: Monitor, flagged: UUID) -> None:
    monitor.at(17)
    await ask(monitor, flagged)
    (answer,) = await answers(monitor)
    assert answer["type"] == "recheck.inconclusive"
    assert "days_observed_silent" in answer["why"]


@pytest.mark.parametrize(
    "changes",
    [{"finding_id": uuid4()}, {"rule": "C99"}, {"rule": "C15"}, {"asset_id": uuid4()}],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_was_never_found_is_inconclusive(monitor: Monitor, flagged: UUID, changes: dict[str, Any]) -> None:
    await ask(monitor, flagged, **{"finding_id": finding_id(flagged, "C06", 1)} | changes)
    assert [answer["type"] for answer in await answers(monitor)] == ["recheck.inconclusive"]


async def test_of_what_is_gone_nothing_can_be_said(monitor: Monitor, flagged: UUID) -> None:
    await monitor.record("a", version=2, running="gone")
    await ask(monitor, flagged)
    assert [answer["type"] for answer in await answers(monitor)] == ["recheck.inconclusive"]


async def test_a_question_that_comes_again_is_not_answered_again(monitor: Monitor, flagged: UUID) -> None:
    await ask(monitor, flagged)
    await ask(monitor, flagged)
    assert len(await answers(monitor)) == 1
