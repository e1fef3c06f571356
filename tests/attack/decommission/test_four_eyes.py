"""Four eyes on the real rows: spellings, roles, and hands in a case before, between and after the signatures."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.decommission.cases import casework
from services.decommission.cases.entries.person import NeedsPerson, Resumed
from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import mandate, plan_of, ready, sign

BOTH = "operator approver"


@pytest.mark.parametrize("first", ["ada", "Ada"])
async def test_one_person_under_every_spelling_is_one(story: Story, unit: UUID, first: str) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    for who in (first, "ada", "Ada", "ADA"):
        assert (await sign(story, plan, who)).json() == {"state": "sealed", "approvers": ["jianfu-local|ada"]}
    await story.owner("update approvals set approver = 'ada'")  # as it was written before
    assert (await sign(story, plan, "ADA")).json() == {"state": "sealed", "approvers": ["ada"]}
    assert (await sign(story, plan, "bo")).json()["state"] == "approved"
    assert await story.until(cases["a"], "closed", days=30) == "closed"


async def test_two_names_of_one_person_in_the_table_stop_nothing(story: Story, unit: UUID) -> None:
    """Whoever wrote them: they are counted as people at the signature and again at the stop."""
    await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.owner(
        "insert into approvals select plan_id, name, sha256, sealed_at from plans,"
        " (values ('ada'), ('Ada'), ('jianfu-local|ada')) n (name)"
    )
    assert (await sign(story, plan, "ada")).json()["state"] == "sealed"


async def test_a_mandate_proposed_under_a_bare_name_is_not_signed_by_the_same_person(story: Story, unit: UUID) -> None:
    which = await mandate(story)
    await story.owner("update mandates set proposed_by = 'Ada'")
    own = await story.request("POST", f"/mandates/{which}/approvals", role="approver", who="ada")
    assert (own.status_code, own.json()["code"]) == (409, "same_approver")
    for who in ("bo", "BO", "Bo"):
        await story.call("POST", f"/mandates/{which}/approvals", role="approver", who=who)
    (held,) = (await story.call("GET", "/mandates"))["items"]
    assert held["approvers"] == ["jianfu-local|bo"]
    await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "cy")).json()["state"] == "sealed"


async def test_who_proposed_a_mandate_does_not_approve_alone_under_it(story: Story, unit: UUID) -> None:
    body = {"rule": "C15", "max_per_day": 5, "until": (story.day + timedelta(days=9)).isoformat()}
    which = (await story.call("POST", "/mandates", body, role="approver", who="cy"))["mandate_id"]
    for who in ("ada", "bo"):
        await story.call("POST", f"/mandates/{which}/approvals", role="approver", who=who)
    await ready(story, unit, "a")
    assert (await sign(story, await plan_of(story), "Cy")).json()["state"] == "sealed"
    assert (await sign(story, await plan_of(story), "di")).json()["state"] == "approved"


async def parked(story: Story, case: UUID) -> None:
    """A person has been called to a case."""
    async with story.database.transaction("test") as conn:
        await casework.append(
            story.deps, conn, await casework.lock_case(story.deps, conn, case), NeedsPerson(why="a test")
        )


async def move(story: Story, case: UUID, what: str, who: str, role: str = "operator") -> Any:
    """Move a case towards its stop by hand; or a step away from it."""
    if what == "release":
        await story.act(case, "hold")
    if what == "resume":
        await parked(story, case)
    body: dict[str, Any] = {"reason": "r"} | ({"answer": "close"} if what == "answers" else {})
    return await story.request("POST", f"/cases/{case}/{what}", body, role=role, who=who)


MOVES = ("answers", "release", "resume")


@pytest.mark.parametrize("what", MOVES)
async def test_who_moved_a_case_by_hand_may_not_sign_its_plan(story: Story, unit: UUID, what: str) -> None:
    _, case = await story.flagged("a", unit)
    await story.round()
    assert (await move(story, case, what, "Ada")).status_code == 200
    await story.planned(case)
    plan = await plan_of(story)
    reply = await sign(story, plan, "ada")
    assert (reply.status_code, reply.json()["code"]) == (409, "four_eyes")
    assert str(case) in reply.json()["texts"]["en"]
    assert "经手" in reply.json()["texts"]["zh"]
    for who in ("bo", "cy"):
        reply = await sign(story, plan, who)
    assert reply.json()["state"] == "approved"


@pytest.mark.parametrize("what", MOVES)
async def test_who_signed_a_plan_may_not_move_its_cases_but_make_them_safer(
    story: Story, unit: UUID, what: str
) -> None:
    cases = await ready(story, unit, "a", "b")
    await sign(story, await plan_of(story), "ada")
    if what == "answers":
        await story.call("POST", f"/cases/{cases['a']}/answers", {"answer": "keep"}, who="op")
    reply = await move(story, cases["a"], what, "ADA")
    assert (reply.status_code, reply.json()["code"]) == (409, "four_eyes")
    body = {"reason": "r"}
    await story.call("POST", f"/cases/{cases['b']}/hold", body, who="ada")
    await story.call("POST", f"/cases/{cases['b']}/cancel", body, who="ada")
    answer = {"answer": "close"} if what == "answers" else {}
    await story.call("POST", f"/cases/{cases['a']}/{what}", body | answer, who="op2")


async def test_a_hand_between_two_signatures_takes_the_case_out_of_its_plan(story: Story, unit: UUID) -> None:
    """He signed, and then acted where the service did not see both at once."""
    cases = await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    await sign(story, plan, "ada")
    async with story.database.transaction("test") as conn:
        held = await casework.append(
            story.deps, conn, await casework.lock_case(story.deps, conn, cases["a"]), NeedsPerson(why="a test")
        )
        await casework.append(story.deps, conn, held, Resumed(reason="seen"), actor="jianfu-local|ada")
    assert (await sign(story, plan, "bo")).json()["state"] == "approved"
    dropped = [e["data"]["why"] for e in (await story.case(cases["a"]))["log"] if e["kind"] == "unplanned"]
    assert dropped == ["who moved the case by hand may not sign its plan"]
    await story.round()
    assert await story.state(cases["b"]) == "announced"


async def test_a_token_with_both_roles_signs_nothing_and_moves_nothing_but_stops_what_it_likes(
    story: Story, unit: UUID
) -> None:
    cases = await ready(story, unit, "a", "b")
    which, plan = await mandate(story), await plan_of(story)
    path = f"/plans/{plan['plan_id']}"
    refused = [
        await story.request("POST", f"{path}/approvals", {"sha256": plan["sha256"]}, role=BOTH, who="ada"),
        await story.request("POST", f"/mandates/{which}/approvals", role=BOTH, who="ada"),
        *[await move(story, cases["a"], what, "ada", BOTH) for what in ("answers", "release")],
    ]
    assert {reply.status_code for reply in refused} == {403}
    assert all("operator" in reply.json()["texts"]["zh"] for reply in refused)
    assert (await plan_of(story))["approvers"] == []
    for what in ("hold", "cancel"):
        await story.call("POST", f"/cases/{cases['b']}/{what}", {"reason": "r"}, role=BOTH, who="ada")
    await story.call("POST", f"/mandates/{which}/revoke", {"reason": "r"}, role=BOTH, who="ada")
    await story.call("POST", f"{path}/reject", {"reason": "r"}, role=BOTH, who="ada")


@pytest.mark.parametrize("ending", ["cancel", "keep", "refuted"])
@pytest.mark.parametrize("signed", [0, 1])
async def test_what_goes_to_its_end_takes_no_approval_and_the_others_are_approved(
    story: Story, unit: UUID, ending: str, signed: int
) -> None:
    cases = await ready(story, unit, "a", "b")
    plan = await plan_of(story)
    for who in ("ada",)[:signed]:
        await sign(story, plan, who)
    if ending == "cancel":
        await story.act(cases["a"], "cancel")
    elif ending == "keep":
        await story.call("POST", f"/cases/{cases['a']}/answers", {"answer": "keep"}, who="op")
    else:
        await story.clear(UUID((await story.case(cases["a"]))["asset_id"]))
    for who in ("ada", "bo"):  # before the executor has looked
        reply = await sign(story, plan, who)
    assert reply.json()["state"] == "approved"
    kinds = await story.kinds(cases["a"])
    assert "approved" not in kinds
    assert kinds[-1] == "unplanned"
    await story.round()
    assert await story.state(cases["b"]) == "announced"
    assert await story.state(cases["a"]) == "ended"
    assert {e["case_id"] for e in story.events("case.approved")} == {str(cases["b"])}
