"""Nothing moves without proof of notice: the unit's own signature under this notice of this asset."""

import json
from typing import Any
from uuid import UUID

import pytest

from libs.common.outbound.egress import Egress, Reply
from libs.common.security import signing
from tests.acceptance.world import unit_key
from tests.integration.decommission.conftest import Story

MANNERS = [{"receipt": "none"}, {"receipt": "other-asset"}, {"receipt": "other-key"}, {"status": 500}, {"status": 302}]


@pytest.mark.parametrize("manner", MANNERS, ids=[str(next(iter(m.items()))) for m in MANNERS])
async def test_what_proves_nothing_is_undelivered_and_parks_with_an_alarm(
    story: Story, unit: UUID, manner: dict[str, Any]
) -> None:
    story.world.manners("alpha", **manner)
    asset, case = await story.flagged("mute", unit)
    await story.next_day(10)
    assert await story.state(case) == "undelivered"
    assert len(story.world.calls("notice", str(asset))) == 2
    assert len(story.events("case.undelivered", asset)) == 2
    assert story.events("case.noticed", asset) == []
    assert [alarm["kind"] for alarm in await story.alarms()] == ["undelivered"]


async def test_a_unit_whose_system_is_away_is_undelivered(story: Story, unit: UUID) -> None:
    await story.endpoint(unit, url="http://127.0.0.1:9/nobody")
    _, case = await story.flagged("away", unit)
    await story.next_day(5)
    assert await story.state(case) == "undelivered"


async def test_a_unit_without_an_endpoint_is_undelivered_until_it_has_one(story: Story) -> None:
    unit = await story.unit("beta", endpoint=False)
    _, case = await story.flagged("nowhere", unit)
    await story.next_day(5)
    assert await story.state(case) == "undelivered"
    await story.endpoint(unit)
    await story.round()
    assert await story.state(case) == "answering"


async def test_an_endpoint_sent_again_unchanged_begins_nothing_anew(story: Story) -> None:
    """A system that sends it every day would else be tried for ever, and nobody called."""
    unit = await story.unit("beta")
    story.world.manners("beta", status=503)
    _, case = await story.flagged("deaf", unit)
    for _ in range(4):
        await story.round()
        await story.endpoint(unit)
        await story.endpoint(unit, contact=f"somebody on {story.day}")
        await story.next_day()
    assert await story.state(case) == "undelivered"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["undelivered"]
    assert "endpoint_changed" not in await story.kinds(case)
    await story.endpoint(unit, url=f"{story.world.address}/units/beta/notices?moved")
    (moved,) = [entry for entry in (await story.case(case))["log"] if entry["kind"] == "endpoint_changed"]
    assert moved["actor"] == "jianfu-local|operator"
    assert await story.state(case) == "noticing"


async def answer(story: Story, case: UUID, what: dict[str, Any], who: str = "operator") -> Any:
    more = {"role": "unit", "unit": "test:alpha"} if who == "alpha" else {"role": who}
    return await story.request("POST", f"/cases/{case}/answers", what, **more)


@pytest.mark.parametrize("what", [{"answer": "close"}, {"answer": "fix", "until": "2025-06-02"}], ids=str)
async def test_what_an_operator_answers_leaves_the_unit_its_window(
    story: Story, unit: UUID, what: dict[str, Any]
) -> None:
    _, case = await story.flagged("told", unit)
    await story.round()
    assert (await answer(story, case, what)).status_code == 200
    assert (await story.case(case))["log"][-1]["data"]["on_behalf"] is True
    await story.next_day(2)
    assert await story.state(case) == "answering"
    await story.next_day()
    assert await story.state(case) == "planned"


async def test_a_unit_may_still_keep_what_an_operator_would_close_on_its_behalf(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("told", unit)
    await story.round()
    await answer(story, case, {"answer": "close"})
    await story.next_day()
    await answer(story, case, {"answer": "keep"}, "alpha")
    await story.round()
    assert await story.state(case) == "ended"
    assert [e["data"].get("on_behalf") for e in (await story.case(case))["log"] if e["kind"] == "answered"] == [
        True,
        None,
    ]


async def test_what_a_unit_answers_itself_nobody_answers_otherwise(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("told", unit)
    await story.round()
    await answer(story, case, {"answer": "close"})
    assert (await answer(story, case, {"answer": "fix", "until": "2025-06-20"}, "alpha")).status_code == 200
    for what in ({"answer": "close"}, {"answer": "fix", "until": "2025-06-03"}):
        reply = await answer(story, case, what)
        assert (reply.status_code, reply.json()["code"]) == (409, "answered_itself")
    await story.next_day(5)
    assert await story.state(case) == "fixing"
    assert (await answer(story, case, {"answer": "close"}, "alpha")).status_code == 200
    assert await story.state(case) == "ready"
    assert (await answer(story, case, {"answer": "keep"})).status_code == 200


async def test_an_endpoint_that_fails_first_and_signs_later_is_proof(story: Story, unit: UUID) -> None:
    story.world.manners("alpha", status=503)
    _, case = await story.flagged("slow", unit)
    await story.round()
    assert await story.state(case) == "noticing"
    story.world.manners("alpha")
    await story.next_day()
    assert await story.state(case) == "answering"
    keys = {call["key"] for call in story.world.calls("notice")}
    assert len(keys) == 2


async def test_the_unit_s_window_begins_with_the_proof_not_with_the_finding(story: Story, unit: UUID) -> None:
    story.world.manners("alpha", receipt="none")
    _, case = await story.flagged("late", unit)
    await story.round()
    story.world.manners("alpha")
    await story.next_day(3)
    assert await story.state(case) == "answering"
    await story.next_day()
    assert await story.state(case) == "planned"


async def sent_notice(story: Story, case: UUID) -> str:
    (row,) = await story.owner("select sha256 from notices where case_id = $1 order by ordinal desc limit 1", case)
    return str(row["sha256"])


def receipt(unit: str, sha256: str, asset: UUID, **more: Any) -> str:
    claims = {"notice_sha256": sha256, "asset_id": str(asset), "received_on": "2025-06-05"}
    return signing.sign(unit_key(unit), claims | more)


async def test_a_receipt_may_come_later_and_its_signature_is_the_proof(story: Story, unit: UUID) -> None:
    story.world.manners("alpha", receipt="none")
    asset, case = await story.flagged("later", unit)
    await story.next_day(5)
    sha256 = await sent_notice(story, case)
    for token in (
        receipt("somebody-else", sha256, asset),
        receipt("alpha", "0" * 64, asset),
        receipt("alpha", sha256, unit),
        receipt("alpha", sha256, asset, received_on="2025-05-01"),
        receipt("alpha", sha256, asset, received_on="2099-01-01"),
        "no receipt at all",
    ):
        reply = await story.request("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")
        assert (reply.status_code, reply.json()["code"]) == (422, "bad_receipt")
    assert await story.state(case) == "undelivered"
    token = receipt("alpha", sha256, asset)
    await story.call("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")
    await story.settle()
    assert await story.state(case) == "answering"
    # Whoever did not hear the answer sends it again: that proves no more, and is no mistake of theirs.
    log = await story.kinds(case)
    await story.call("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")
    assert await story.kinds(case) == log
    other = receipt("alpha", sha256, asset, received_on="2025-06-06")
    reply = await story.request("POST", f"/notices/{case}/receipt", {"receipt": other}, role="public")
    assert reply.status_code == 409


async def test_a_late_receipt_may_carry_the_answer(story: Story, unit: UUID) -> None:
    story.world.manners("alpha", receipt="none")
    asset, case = await story.flagged("later", unit)
    await story.round()
    told = {"received_on": story.day.isoformat(), "answer": {"answer": "keep", "reason": "needed"}}
    token = receipt("alpha", await sent_notice(story, case), asset, **told)
    await story.call("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")
    await story.settle()
    assert await story.state(case) == "ended"


ODD: list[Any] = [
    {"answer": "perhaps"},
    "keep",
    ["keep"],
    {"answer": "keep", "reason": "\x00"},
    {"answer": "fix", "until": "0001-01-01"},
    {"answer": "fix", "until": "9999-12-31"},
]


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
async def test_an_answer_that_cannot_be_read_leaves_the_notice_unproved(story: Story, unit: UUID, answer: Any) -> None:
    """Not silence: a unit that said keep in a form we do not read has not let its window run out."""
    asset, case = await story.flagged("odd", unit)
    story.world.manners(asset, answer=answer)
    await story.next_day(5)
    assert await story.state(case) == "undelivered"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["undelivered"]


@pytest.mark.parametrize(
    ("until", "accepted"),
    [
        ("0001-01-01", "expected a day from 2000-01-01 to 2099-12-31"),
        ("9999-12-31", "expected a day from 2000-01-01 to 2099-12-31"),
        ("2025-06-01", "2025-06-02 to 2026-06-02"),
        ("2026-06-03", "2025-06-02 to 2026-06-02"),
    ],
)
async def test_a_fix_is_promised_for_a_day_within_a_year(story: Story, unit: UUID, until: str, accepted: str) -> None:
    _, case = await story.flagged("never", unit)
    await story.round()
    reply = await story.request("POST", f"/cases/{case}/answers", {"answer": "fix", "until": until})
    assert reply.status_code == 422
    assert reply.json()["errors"] == [{"field": "until", "accepted": accepted}]


async def test_a_system_that_answers_beyond_reason_is_undelivered(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deep(self: Egress, method: str, url: str, **more: Any) -> Reply:
        return Reply(200, {}, b"[" * 200_000)  # type: ignore[arg-type]

    monkeypatch.setattr(Egress, "request", deep)
    _, case = await story.flagged("deep", unit)
    await story.next_day(3)
    assert await story.state(case) == "undelivered"


async def test_a_notice_that_is_tried_again_names_no_day_that_has_passed(story: Story) -> None:
    unit = await story.unit("beta", endpoint=False)
    _, case = await story.flagged("nowhere", unit)
    await story.next_day(5)
    await story.endpoint(unit)
    await story.round()
    (row,) = await story.owner("select body from notices where case_id = $1 order by ordinal desc limit 1", case)
    notice = json.loads(row["body"])
    assert (notice["sent_on"], notice["answer_by"]) == ("2025-06-07", "2025-06-09")
    assert await story.until(case, "closed") == "closed"


async def test_a_unit_that_cannot_be_reached_is_reached_through_the_unit_above(story: Story) -> None:
    above = await story.unit("ministry")
    below = await story.unit("bureau", parent=above)
    await story.endpoint(below, url="http://127.0.0.1:9/nobody")
    _, case = await story.flagged("below", below)
    await story.next_day(3)
    assert await story.state(case) == "answering"
    log = {entry["kind"]: entry["data"] for entry in (await story.case(case))["log"]}
    assert log["noticed"]["unit_id"] == str(above)


async def test_the_notice_says_what_it_must(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("told", unit)
    await story.round()
    (row,) = await story.owner("select body from notices where case_id = $1 order by ordinal desc limit 1", case)
    notice = json.loads(row["body"])
    assert notice["asset_id"] == str(asset)
    assert notice["address"] == "https://x.example/told"
    assert (notice["rule"], notice["basis"]) == ("C15", "a circular")
    assert (notice["answer_by"], notice["stop_not_before"]) == ("2025-06-04", "2025-06-06")
    assert notice["notice_id"] == str(case)  # what POST /notices/{id}/receipt takes
