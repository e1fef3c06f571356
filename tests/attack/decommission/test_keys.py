"""Whose key a receipt is by: proposed by one, proved by the unit's own system, confirmed by another, and old enough."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.decommission.keys.domain import YOUNG
from tests.integration.decommission.conftest import SHORT, Make, Story
from tests.integration.decommission.notices.test_notice import receipt, sent_notice
from tests.integration.decommission.plans.test_plans import check_file, plan_of, ready, sign
from tests.integration.decommission.test_crash import Arm, Killed

OLD_ENOUGH = replace(SHORT, key_age_days=7, answer_days=4)


def at(story: Story, name: str, public: str | None = None) -> dict[str, Any]:
    """An endpoint in somebody's hands."""
    return {"url": f"{story.world.address}/units/{name}/notices", "public_key": story.world.public_key(public or name)}


async def history(story: Story, unit: UUID) -> list[dict[str, Any]]:
    return list((await story.call("GET", f"/endpoints/{unit}", role="auditor"))["items"])


# --- one person who is the unit


async def test_an_operator_who_plays_the_unit_closes_nothing(story: Story) -> None:
    """He sets its address and key, his own system signs the receipt and says close: the unit has heard nothing."""
    unit = await story.unit("alpha", endpoint=False)
    await story.request("PUT", f"/endpoints/{unit}", at(story, "mallory"), who="mallory")
    asset, case = await story.flagged("target", unit)
    story.world.manners(asset, answer={"answer": "close"})
    for _ in range(12):
        await story.sign()
        await story.next_day()
    assert story.world.calls("stop") == []
    assert await story.state(case) == "undelivered"
    assert story.events("case.noticed") == []
    why = {entry["data"]["why"] for entry in (await story.case(case))["log"] if entry["kind"] == "undelivered"}
    assert why == {"no key of the unit is in force yet"}


@pytest.mark.parametrize(("role", "who"), [("registrar", "mallory"), ("approver", "Mallory"), ("registrar", "MALLORY")])
async def test_who_set_a_key_does_not_confirm_it_however_he_spells_his_name(story: Story, role: str, who: str) -> None:
    unit = await story.unit("alpha", endpoint=False)
    key = await story.propose(unit, who="mallory")
    body = {"thumbprint": key["thumbprint"], "url": key["url"]}
    reply = await story.request("POST", f"/endpoints/{unit}/confirmation", body, role=role, who=who)
    assert (reply.status_code, reply.json()["code"]) == (409, "set_it_himself")
    assert (await history(story, unit))[0]["in_force_from"] is None
    for role in ("operator", "unit", "viewer", "auditor"):
        again = await story.request("POST", f"/endpoints/{unit}/confirmation", body, role=role, who="rita")
        assert again.status_code == 403


async def test_a_setter_or_confirmer_written_under_a_bare_name_is_the_same_person(story: Story) -> None:
    """As rows are from before identities named their issuer."""
    unit = await story.unit("alpha", endpoint=False)
    key = await story.propose(unit, who="mallory")
    await story.owner("alter table unit_keys disable trigger user")
    await story.owner("update unit_keys set set_by = 'Mallory'")
    body = {"thumbprint": key["thumbprint"], "url": key["url"]}
    own = await story.request("POST", f"/endpoints/{unit}/confirmation", body, role="registrar", who="mallory")
    assert (own.status_code, own.json()["code"]) == (409, "set_it_himself")
    await story.confirm(unit, key, who="rita")
    await story.owner("alter table unit_key_confirmations disable trigger user")
    await story.owner("update unit_key_confirmations set confirmed_by = 'Rita'")
    await story.next_day(2)
    await ready(story, unit, "a")
    plan = await plan_of(story)
    for who in ("mallory", "rita"):
        refused = await sign(story, plan, who)
        assert (refused.status_code, refused.json()["code"]) == (409, "holds_the_key"), who
    assert (await sign(story, plan, "bo")).status_code == 200


@pytest.mark.parametrize("which", ["set", "confirmed"])
async def test_who_set_or_confirmed_the_key_does_not_sign_the_plan(story: Story, which: str) -> None:
    unit = await story.unit("alpha", endpoint=False)
    key = await story.propose(unit, who="ada" if which == "set" else "mallory")
    await story.confirm(unit, key, who="Ada" if which == "confirmed" else "rita")
    await story.next_day(2)
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    refused = await sign(story, plan, "ada")
    assert (refused.status_code, refused.json()["code"]) == (409, "holds_the_key")
    assert key["thumbprint"] in refused.json()["texts"]["zh"]
    assert (await plan_of(story))["approvers"] == []
    for who in ("bo", "cy"):
        assert (await sign(story, plan, who)).status_code == 200
    assert await story.until(cases["a"], "closed") == "closed"


# --- proof that the unit's own system holds the key


@pytest.mark.parametrize("manner", ["none", 503, "somebody-else"], ids=str)
async def test_a_key_whose_holder_does_not_show_himself_is_not_in_force(story: Story, manner: Any) -> None:
    story.world.manners("alpha", challenge=manner)
    unit = await story.unit("alpha", endpoint=False)
    key = await story.propose(unit)
    assert key["unproved"]
    await story.confirm(unit, key)
    assert (await history(story, unit))[0]["in_force_from"] is None
    assert (await story.prove(unit, signer="somebody-else")).status_code == 422
    story.world.manners("alpha")
    proved = await story.call("POST", f"/endpoints/{unit}/challenge")
    assert (proved["unproved"], proved["in_force_from"] is None) == (None, False)
    keys = {call["key"] for call in story.world.calls("challenge", "alpha")}
    assert len(keys) == 1, "asked again it is the same question"


async def test_a_proof_may_come_later_and_by_itself(story: Story) -> None:
    story.world.manners("alpha", challenge="none")
    unit = await story.unit("alpha", endpoint=False)
    await story.confirm(unit, await story.propose(unit))
    assert (await story.prove(unit)).status_code == 204
    (before,) = await history(story, unit)
    await story.next_day()
    assert (await story.prove(unit)).status_code == 204
    assert await history(story, unit) == [before], "told again it changes nothing"
    nobody = await story.request("POST", f"/endpoints/{UUID(int=5)}/proof", {"proof": "a" * 20}, role="public")
    assert nobody.status_code == 404


async def test_the_proof_of_one_key_proves_no_other(story: Story) -> None:
    """Whoever could have the proof of yesterday's key count for today's would need no key at all."""
    unit = await story.unit("alpha", endpoint=False)
    await story.propose(unit)
    (first,) = await story.owner("select proof from unit_key_proofs")
    story.world.manners("alpha", challenge="none")
    for changes in ({"url": f"{story.world.address}/units/alpha/notices?elsewhere"}, at(story, "beta")):
        await story.propose(unit, **changes)
        reply = await story.request("POST", f"/endpoints/{unit}/proof", {"proof": first["proof"]}, role="public")
        assert (reply.status_code, reply.json()["code"]) == (422, "bad_proof")


async def test_nothing_is_asked_of_anybody_while_the_switch_is_off(story: Story) -> None:
    unit = await story.unit("alpha", endpoint=False)
    await story.call("POST", "/kill-switch", {"on": True})
    assert "kill switch" in (await story.propose(unit))["unproved"]["en"]
    assert story.world.calls("challenge") == []


async def test_a_confirmation_is_for_what_was_seen(story: Story) -> None:
    """The operator proposes another address between the look and the word of the second person."""
    unit = await story.unit("alpha", endpoint=False)
    seen = await story.propose(unit)
    await story.propose(unit, url=f"{story.world.address}/units/mallory/notices")
    body = {"thumbprint": seen["thumbprint"], "url": seen["url"]}
    reply = await story.request("POST", f"/endpoints/{unit}/confirmation", body, role="registrar")
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "url")


async def test_a_unit_that_sets_its_own_endpoint_is_asked_for_the_same(story: Story) -> None:
    unit = await story.unit("alpha", endpoint=False)
    path, more = f"/endpoints/{unit}", {"role": "unit", "unit": "test:alpha", "who": "alpha"}
    key = await story.call("PUT", path, at(story, "alpha"), **more)
    assert (key["proved_at"] is None, key["in_force_from"]) == (False, None)
    await story.confirm(unit, key)
    (held,) = await history(story, unit)
    assert (held["set_by"], held["confirmed_by"]) == ("jianfu-local|alpha", "jianfu-local|rita")


# --- from when it counts


async def test_a_young_key_proves_no_notice_until_it_is_old_enough(make_story: Make) -> None:
    story = await make_story(windows=OLD_ENOUGH)
    unit = await story.unit("alpha", endpoint=False)
    await story.endpoint(unit, aged=False)
    set_on = story.day
    asset, case = await story.flagged("early", unit)
    await story.round()
    last = (await story.case(case))["log"][-1]
    assert (last["kind"], last["data"]["why"]) == ("undelivered", YOUNG)
    token = receipt("alpha", await sent_notice(story, case), asset)
    late = await story.request("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")
    assert (late.status_code, late.json()["code"]) == (422, "bad_receipt")
    await story.next_day(6)
    assert await story.state(case) == "noticing", "no attempt has failed: nobody is called"
    assert await story.alarms() == []
    await story.next_day()
    assert await story.state(case) == "answering"
    (noticed,) = [entry for entry in (await story.case(case))["log"] if entry["kind"] == "noticed"]
    age = datetime.fromisoformat(noticed["at"]) - datetime.fromisoformat(noticed["data"]["key"]["in_force_from"])
    assert (age, story.day - set_on) == (timedelta(days=7), timedelta(days=7))


async def test_a_late_receipt_counts_once_the_key_is_old_enough(make_story: Make) -> None:
    story = await make_story(windows=replace(OLD_ENOUGH, answer_days=30))
    unit = await story.unit("alpha", endpoint=False)
    story.world.manners("alpha", receipt="none")
    await story.endpoint(unit, aged=False)
    asset, case = await story.flagged("early", unit)
    await story.round()
    token = receipt("alpha", await sent_notice(story, case), asset)
    path = f"/notices/{case}/receipt"
    await story.next_day(6)
    assert (await story.request("POST", path, {"receipt": token}, role="public")).status_code == 422
    await story.next_day(1)
    assert (await story.request("POST", path, {"receipt": token}, role="public")).status_code == 204


@pytest.mark.parametrize("field", ["key_age_days", "min_answer_days"])
def test_neither_time_can_be_switched_off(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(SHORT, **{field: 0})


# --- another key


async def test_a_proposal_replaces_nothing(story: Story, unit: UUID) -> None:
    """Neither does it take over, nor does the unit fall silent: the notice goes where the key in force is."""
    await story.propose(unit, **at(story, "mallory"))
    _, case = await story.flagged("kept", unit)
    await story.round()
    assert await story.state(case) == "answering"
    assert {call["unit"] for call in story.world.calls("notice")} == {"alpha"}
    assert story.world.calls("key-changed") == []


@pytest.mark.parametrize("stage", ["answering", "planned", "announced"])
async def test_a_key_that_changes_while_a_case_runs_is_told_to_both_addresses(
    story: Story, unit: UUID, stage: str
) -> None:
    asset, case = await story.flagged("swapped", unit)
    await story.unit("mallory", endpoint=False)
    await story.until(case, stage)
    plans = len(story.events("case.approved"))
    await story.confirm(unit, await story.propose(unit, **at(story, "mallory")))
    await story.round()
    (told,) = story.world.calls("key-changed")
    assert told["unit"] == "alpha", "the address before hears of it"
    said = json.loads(told["body"])
    assert (said["after"]["set_by"], said["after"]["confirmed_by"]) == ("jianfu-local|operator", "jianfu-local|rita")
    assert [call["unit"] for call in story.world.calls("notice", str(asset))] == ["alpha", "mallory"]
    assert await story.state(case) == "noticing", "the new key is too young to prove it"
    kinds = await story.kinds(case)
    assert ("unplanned" in kinds) == (stage != "answering")
    before = receipt("alpha", await sent_notice(story, case), asset)
    reply = await story.request("POST", f"/notices/{case}/receipt", {"receipt": before}, role="public")
    assert (reply.status_code, reply.json()["code"]) == (422, "bad_receipt")
    await story.next_day()
    assert await story.state(case) == "answering", "and the unit has all of its window again"
    assert len(story.events("case.approved")) == plans
    assert story.world.calls("stop") == []
    assert await story.until(case, "closed", days=30) == "closed"
    await check_file(story, case)


@pytest.mark.parametrize("stage", ["noticing", "answering", "announced"])
async def test_a_first_key_of_a_unit_that_was_told_through_the_one_above_is_told_to_both_addresses(
    story: Story, unit: UUID, stage: str
) -> None:
    """Else two people could give it an address, and who spoke for it until then would never hear."""
    below = await story.unit("beta", endpoint=False, parent=unit)
    asset, case = await story.flagged("swapped", below)
    if stage == "noticing":
        story.world.manners("alpha", receipt="none")
        await story.round()
    await story.until(case, stage)
    await story.confirm(below, await story.propose(below, **at(story, "beta")))
    await story.round()
    (told,) = story.world.calls("key-changed")
    assert told["unit"] == "alpha", "the address that spoke for it until now hears of it"
    said = json.loads(told["body"])
    assert (said["unit_id"], said["before"]["url"]) == (str(below), at(story, "alpha")["url"])
    assert str(below) in said["text"]["zh"]
    assert [call["unit"] for call in story.world.calls("notice", str(asset))] == ["alpha", "beta"]
    assert await story.state(case) == "noticing", "the new key is too young to prove it"
    if stage == "noticing":
        late = receipt("alpha", await sent_notice(story, case), asset)
        reply = await story.request("POST", f"/notices/{case}/receipt", {"receipt": late}, role="public")
        assert reply.status_code == 422
    if stage == "announced":  # the longest way is played to its end
        assert await story.until(case, "closed", days=30) == "closed"
        await check_file(story, case)
    await story.confirm(below, await story.propose(below, **at(story, "gamma")))
    await story.round()
    assert [call["unit"] for call in story.world.calls("key-changed")] == ["alpha", "beta"], "from now on its own"


async def test_a_first_key_while_no_case_runs_is_told_to_nobody(story: Story, unit: UUID) -> None:
    """The one above need not hear of each of hundreds that are set up."""
    await story.flagged("another-ones", unit)
    below = await story.unit("beta", endpoint=False, parent=unit)
    await story.confirm(below, await story.propose(below, **at(story, "beta")))
    await story.round()
    assert story.world.calls("key-changed") == []


async def test_a_key_above_tells_nobody_anew_who_has_one_of_his_own(story: Story, unit: UUID) -> None:
    below = await story.unit("beta", parent=unit)
    lower = await story.unit("delta", endpoint=False, parent=below)
    _, case = await story.flagged("kept", lower)
    await story.until(case, "answering")
    await story.unit("gamma", endpoint=False)
    await story.confirm(unit, await story.propose(unit, **at(story, "gamma")))
    await story.round()
    assert await story.state(case) == "answering"


async def test_a_receipt_under_way_when_the_key_changes_proves_nothing(story: Story, unit: UUID) -> None:
    """The answer of the system before comes after the change: the case waits for the one that is in force."""
    _, case = await story.flagged("crossing", unit)
    send, hits = story.deps.egress.request, []

    async def meanwhile(*args: Any, **more: Any) -> Any:
        reply = await send(*args, **more)
        if not hits and args[1].endswith("/units/alpha/notices"):
            hits.append(args)
            await story.confirm(unit, await story.propose(unit, **at(story, "mallory")))
        return reply

    story.deps.egress.request = meanwhile  # type: ignore[method-assign]
    await story.round()
    log = (await story.case(case))["log"]
    assert "noticed" not in [entry["kind"] for entry in log]
    assert [entry["data"]["unit_key"] for entry in log if entry["kind"] == "notice_started"] == [
        key["thumbprint"] for key in reversed(await history(story, unit))
    ]


async def test_a_kept_asset_stays_kept_whatever_key_comes(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("kept", unit)
    await story.round()
    await story.call("POST", f"/cases/{case}/answers", {"answer": "keep"}, role="unit", unit="test:alpha")
    await story.confirm(unit, await story.propose(unit, **at(story, "mallory")))
    await story.round()
    assert await story.state(case) == "ended"


async def test_an_address_that_cannot_hear_of_its_end_calls_a_person(story: Story, unit: UUID) -> None:
    story.world.manners("alpha", **{"key-changed": 503})
    await story.confirm(unit, await story.propose(unit, **at(story, "beta")))
    for _ in range(6):
        assert await story.messenger.due() in (0, 1)
        await story.round()
        assert await story.messenger.due() == 0, "what has been tried today is not due today"
        await story.next_day()
    told = story.world.calls("key-changed")
    assert (len(told), len({call["key"] for call in told})) == (3, 1)
    assert [alarm["kind"] for alarm in await story.alarms()] == ["key-changed"]


POINTS = [
    f"decommission.{name}"
    for name in (
        "propose_key.before-commit",
        "propose_key.after-commit",
        "challenge.before-effect",
        "challenge.after-effect",
        "prove_key.before-commit",
        "prove_key.after-commit",
        "confirm_key.before-commit",
        "confirm_key.after-commit",
        "key-changed.before-effect",
        "key-changed.after-effect",
        "key_change_told.before-commit",
        "key_change_told.after-commit",
    )
]


@pytest.mark.parametrize("point", POINTS)
async def test_what_died_on_the_way_to_a_new_key_is_done_once(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    arm = Arm(monkeypatch)
    _, case = await story.flagged("there", unit)
    await story.round()
    arm.name = point
    for _ in range(2):
        try:
            key = await story.propose(unit, **at(story, "beta"))
            await story.confirm(unit, key)
            await story.messenger.work()
        except Killed:
            story.start()
            continue
        break
    await story.round()
    assert arm.fired == 1
    first, second = reversed(await history(story, unit))
    assert (first["retired_at"], second["retired_at"]) == (second["in_force_from"], None)
    assert (await story.kinds(case)).count("endpoint_changed") == 1
    for what in ("challenge", "key-changed"):
        keys = [call["key"] for call in story.world.calls(what)]
        assert len(set(keys)) == {"challenge": 2, "key-changed": 1}[what]
    assert await story.messenger.due() == 0


# --- whoever reads may judge it


async def test_log_plan_announcement_and_case_file_name_the_key(story: Story) -> None:
    unit = await story.unit("alpha", endpoint=False)
    await story.endpoint(unit, aged=False)
    (key,) = await history(story, unit)
    await story.next_day(5)
    cases = await ready(story, unit, "a")
    named = {name: key[name] for name in ("thumbprint", "set_by", "confirmed_by")}
    plan = await plan_of(story)
    (member,) = plan["content"]["members"]
    assert named.items() <= member["notice_key"].items()
    assert member["notice_key_age_days"] == 6, "the day it was left to answer in and five before"
    await story.sign()
    await story.next_day()
    (item,) = (await story.call("GET", "/announcements", role="public"))["items"]
    assert item["data"]["notice_key"] == member["notice_key"]
    log = {entry["kind"]: entry["data"] for entry in (await story.case(cases["a"]))["log"]}
    assert log["noticed"]["key"] == member["notice_key"]
    assert log["notice_started"]["unit_key"] == key["thumbprint"]
    file = await story.call("GET", f"/cases/{cases['a']}/file", role="auditor")
    assert [notice["key"] for notice in file["notices"]] == [member["notice_key"]]
    assert set(log["noticed"]["key"]) == {
        "thumbprint",
        "set_by",
        "set_at",
        "proved_at",
        "confirmed_by",
        "confirmed_at",
        "in_force_from",
    }


async def test_what_was_ever_proposed_proved_and_confirmed_stays(story: Story, unit: UUID) -> None:
    import asyncpg

    await story.endpoint(unit, **at(story, "beta"))
    await story.propose(unit, **at(story, "gamma"))
    held = await history(story, unit)
    assert [key["retired_at"] is None for key in held] == [True, True, False]
    assert [key["in_force_from"] is None for key in held] == [True, False, False]
    for table in ("unit_keys", "unit_key_proofs", "unit_key_confirmations", "unit_key_tellings", "unit_key_owed"):
        for statement in (f"delete from {table}", f"update {table} set ordinal = 9"):  # noqa: S608 - named above
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with story.database.pool.acquire() as conn:
                    await conn.execute(statement)


# --- keys by which anybody can sign

IDENTITY, ORDER_TWO = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "7P_______________________________________38"


@pytest.mark.parametrize("x", [IDENTITY, ORDER_TWO])
async def test_a_key_by_which_anybody_can_sign_is_refused(story: Story, unit: UUID, x: str) -> None:
    body = at(story, "alpha") | {"public_key": {"kty": "OKP", "crv": "Ed25519", "x": x}}
    reply = await story.request("PUT", f"/endpoints/{unit}", body)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "public_key")
