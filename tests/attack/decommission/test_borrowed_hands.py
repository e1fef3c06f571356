"""Rows and people that stand in for others: another asset under a signed case, a hand in a case under another name."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.security import tokens
from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import plan_of, ready, sign

INVISIBLE = ("\ufe0f", "\u034f", "\u115f", "\u1160", "\u180b", "\u17b4", "\U000e0100", "\u2800", "\u3164", "\u200b")


async def stopped(story: Story) -> list[Any]:
    """Whom the orders to stop named, after every wait of a case."""
    for _ in range(8):
        await story.next_day()
    return [(call["asset"], call.get("identity")) for call in story.world.calls("stop")]


@pytest.mark.parametrize(
    "change",
    [
        "update cases set asset_id = $2 where case_id = $1",
        "update cases set ordinal = 7 where case_id = $1 and $2::uuid is not null",
        "update subjects set identity = 'innocent' where $2::uuid is not null"
        " and asset_id = (select asset_id from cases where case_id = $1)",
        "update subjects set kind = 'group' where $2::uuid is not null"
        " and asset_id = (select asset_id from cases where case_id = $1)",
    ],
)
@pytest.mark.parametrize("when", ["opened", "approved"])
async def test_no_signed_case_stops_another_asset(story: Story, unit: UUID, change: str, when: str) -> None:
    """The row beside the log names whom the order goes to: it is held against the id of the case and of the asset."""
    if when == "opened":
        _, case = await story.flagged("victim", unit)
    else:
        case = (await ready(story, unit, "victim"))["victim"]
    innocent = await story.asset("innocent", unit)
    if when == "approved":
        await story.sign()
    await story.owner(change, case, innocent)
    assert await stopped(story) == []
    assert await story.alarms("chain-broken") != []


@pytest.mark.parametrize("sign_", INVISIBLE, ids=lambda sign_: f"U+{ord(sign_):04X}")
async def test_nobody_is_two_by_a_character_that_nobody_sees(story: Story, unit: UUID, sign_: str) -> None:
    with pytest.raises(ValueError, match=r"drawn as nothing|printable|NFKC"):
        tokens.check_subject(f"ada{sign_}")
    await ready(story, unit, "a")
    plan = await plan_of(story)
    assert (await sign(story, plan, f"ada{sign_}")).status_code == 401
    await story.owner(
        "insert into approvals select plan_id, $1, sha256, sealed_at from plans", f"jianfu-local|ada{sign_}"
    )
    assert (await sign(story, plan, "ada")).json()["state"] == "sealed", "one person, whoever wrote the row"


async def mandate(story: Story, *signers: str) -> None:
    body = {"rule": "C15", "max_per_day": 5, "until": (story.day + timedelta(days=30)).isoformat()}
    which = (await story.call("POST", "/mandates", body, role="approver", who="pat"))["mandate_id"]
    for who in signers:
        await story.call("POST", f"/mandates/{which}/approvals", role="approver", who=who)


async def test_who_holds_the_key_signs_no_mandate_that_a_plan_rests_on(story: Story) -> None:
    unit = await story.unit("alpha", endpoint=False)
    key = await story.propose(unit, who="mallory")
    await story.confirm(unit, key, who="rita")
    await story.next_day(2)
    await mandate(story, "Mallory", "rita", "cy")
    await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "bo")).json()["state"] == "sealed"
    assert await stopped(story) == []


async def test_who_moved_a_case_by_hand_signs_no_mandate_that_its_plan_rests_on(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("hand", unit)
    await story.round()
    await story.act(case, "hold")
    await story.request("POST", f"/cases/{case}/release", {"reason": "x"}, who="hana")
    await mandate(story, "hana", "cy")
    await story.planned(case)
    assert (await sign(story, await plan_of(story), "bo")).json()["state"] == "sealed"
    assert await stopped(story) == []


async def connect(story: Story, who: str) -> None:
    """Somebody says how the platform is stopped, and so where the order goes."""
    address = f"{story.world.address}/connector"
    body = {
        "stop_url": f"{address}?by={who}",
        "restore_url": address,
        "probe_url": story.world.address + "/pages/{platform}/{identity}",
        "honours_keys": True,
    }
    await story.call("PUT", "/connectors/x", body, who=who)


async def test_who_said_how_a_platform_is_stopped_does_not_sign_for_it(story: Story, unit: UUID) -> None:
    await connect(story, "ada")
    await ready(story, unit, "a")
    plan = await plan_of(story)
    refused = await sign(story, plan, "Ada")
    assert (refused.status_code, refused.json()["code"]) == (409, "four_eyes")
    assert "停用方式" in refused.json()["texts"]["zh"]
    for who in ("bo", "cy"):
        assert (await sign(story, plan, who)).status_code == 200


async def test_who_signed_and_then_says_how_the_platform_is_stopped_stops_nothing(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    for who in ("ada", "bo"):
        await sign(story, plan, who)
    await connect(story, "ada")
    assert await stopped(story) == []
    assert await story.state(cases["a"]) != "closed"
