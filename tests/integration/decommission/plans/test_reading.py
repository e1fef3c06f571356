"""A plan is read by who signs it, and names are bound by its hash; an older plan stays what it was."""

import hashlib
import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from libs.common.events import ids
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.security.signing import canonical, sha256
from services.decommission.plans import domain as plan_domain
from services.decommission.register import usecases as register_usecases
from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import check_file, plan_of, ready, sign


async def renamed(story: Story, name: str, text: str) -> UUID:
    """The registry tells another name of a unit."""
    which = ids.unit_id("test", name)
    names = (UnitName(language="en", text=name), UnitName(language="zh-Hans", text=text))
    await story.hear(UnitRecorded(unit_id=which, version=2, scheme="test", value=name, names=names))
    return which


def only(items: list[dict[str, Any]]) -> dict[str, Any]:
    (item,) = items
    return item


async def test_who_signs_reads_name_address_unit_rule_in_words_evidence_and_answer(story: Story, unit: UUID) -> None:
    await renamed(story, "alpha", "甲办公厅")
    asset = await story.asset("dead", unit)
    words = "僵尸账号 / Zombie account"
    signal = {"name": "days_since_post", "value": 120.0, "source": "eye", "as_of": "2025-06-01"}
    await story.hear(story.finding(asset, title=words, signals=(signal,)))
    story.world.manners(asset, answer={"answer": "close", "reason": "it is not needed"})
    (case,) = await story.cases(asset_id=asset)
    await story.planned(UUID(case["case_id"]))
    member = only((await plan_of(story))["members"])
    assert {part: member[part] for part in ("name", "platform", "identity", "address", "kind")} == {
        "name": "dead",
        "platform": "x",
        "identity": "dead",
        "address": "https://x.example/dead",
        "kind": "account",
    }
    assert (member["unit_name"], member["unit_code"], member["unit_id"]) == ("甲办公厅", "test:alpha", str(unit))
    evidence = only(member["evidence"])
    assert evidence["rule"] == {
        "rule": "C15",
        "words": words,
        "basis": "a circular",
        "label": "FOUND",
        "when": "days_since_post > 90",
    }
    assert evidence["signals"] == [signal]
    said = member["answer"]
    assert (said["answer"], said["reason"], said["by"]) == ("close", "it is not needed", f"unit:{unit}")
    assert (said["on_behalf"], said["after_sealing"], member["names_signed"], member["out"]) == (
        False,
        False,
        True,
        None,
    )


async def test_names_of_assets_and_units_stand_in_the_text_that_is_signed(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    plan = await plan_of(story)
    assert hashlib.sha256(plan["text"].encode()).hexdigest() == plan["sha256"]
    assert plan["content"]["format"] == "jianfu-plan/2"
    told = only(plan["content"]["members"])
    assert told["asset"] == {"name": "a", "platform": "x", "identity": "a", "address": "https://x.example/a"}
    assert told["unit"] == {"code": "test:alpha", "name": "alpha"}
    read = only(plan["members"])
    await renamed(story, "alpha", "乙办公厅")
    await story.owner("update subjects set name = 'b', address = 'https://x.example/b'")
    later = await plan_of(story)
    assert (later["text"], later["sha256"]) == (plan["text"], plan["sha256"])
    shown = only(later["members"])
    assert {part: shown[part] for part in ("name", "address", "unit_name")} == {
        part: read[part] for part in ("name", "address", "unit_name")
    }, "what is read is what is signed"
    listed = only((await story.call("GET", "/plans"))["items"])
    assert listed["first"] == [
        {
            "asset_id": told["asset_id"],
            "name": "a",
            "address": "https://x.example/a",
            "unit_id": str(unit),
            "unit_name": "alpha",
        },
    ]
    assert shown["out"] == plan_domain.CHANGED
    await story.sign()
    assert await story.state(cases["a"]) != "announced", "whom the row names now nobody signed for"
    assert story.world.calls("stop") == []


@pytest.mark.parametrize("tampering", ["'alpha', 'omega'", "'x.example/a', 'x.example/b'"])
async def test_a_plan_whose_names_were_changed_is_altered(story: Story, unit: UUID, tampering: str) -> None:
    await ready(story, unit, "a")
    plan = await plan_of(story)
    await story.owner(f"update plans set content = replace(content, {tampering})")  # noqa: S608 - a test's own text
    reply = await sign(story, plan, "ada")
    assert (reply.status_code, reply.json()["code"]) == (409, "plan_altered")
    shown = await plan_of(story)
    assert (shown["state"], shown["members"]) == ("altered", None)


async def test_evidence_that_is_not_what_was_sealed_is_not_shown(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a")
    await story.owner("""update findings set evidence = evidence || '{"basis": "another"}'""")
    member = only((await plan_of(story))["members"])
    assert member["fault"].startswith("the evidence of a finding is not what its log recorded")
    evidence = only(member["evidence"])
    assert evidence["sha256"]
    assert {evidence[part] for part in ("rule", "finding_id", "found_at")} == {None}


async def test_what_became_of_a_member_since_it_was_sealed_is_read_too(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "kept", "changed", "stays", "edited")
    body = {"answer": "keep", "reason": "the flood season"}
    await story.call("POST", f"/cases/{cases['kept']}/answers", body, role="unit", unit="test:alpha")
    await story.asset("changed", unit, version=2)
    await story.owner("update case_log set actor = 'eve' where case_id = $1 and seq = 2", cases["edited"])
    members = {member["name"]: member for member in (await plan_of(story))["members"]}
    assert {name: member["out"] for name, member in members.items()} == {
        "kept": "the unit keeps it",
        "changed": plan_domain.CHANGED,
        "stays": None,
        "edited": None,
    }
    said = members["kept"]["answer"]
    assert (said["answer"], said["reason"], said["after_sealing"]) == ("keep", "the flood season", True)
    assert members["edited"]["fault"]
    assert (members["edited"]["answer"], members["stays"]["fault"]) == (None, None)


async def test_a_plan_from_before_is_read_signed_carried_out_and_verified(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such a text does not name is shown as it is called today, and marked so."""
    seal = plan_domain.seal
    with monkeypatch.context() as patched:
        patched.setattr(plan_domain, "seal", lambda *given: before(seal, *given))
        cases = await ready(story, unit, "old")
    plan = await plan_of(story)
    assert "format" not in plan["content"]
    member = only(plan["members"])
    assert (member["name"], member["unit_name"], member["names_signed"]) == ("old", "alpha", False)
    assert await story.until(cases["old"], "closed", days=30) == "closed"
    await check_file(story, cases["old"])


def before(seal: Any, day: date, candidates: Any, limits: Any) -> plan_domain.Sealed | None:
    """A plan as it was sealed before names were in its text."""
    sealed = seal(day, candidates, limits)
    if sealed is None:
        return None
    content = json.loads(sealed.content)
    del content["format"]
    for member in content["members"]:
        del member["asset"], member["unit"]
    text = canonical(content)
    return plan_domain.Sealed(
        plan_id=sealed.plan_id, content=text.decode(), sha256=sha256(text), members=sealed.members
    )


async def test_a_unit_told_before_names_were_kept_is_read_again(story: Story, unit: UUID) -> None:
    assert not await register_usecases.units_nameless(story.deps)
    await story.owner("update units set name = null")
    assert await register_usecases.units_nameless(story.deps)
    names = (UnitName(language="en", text="alpha"),)
    await story.hear(UnitRecorded(unit_id=unit, version=1, scheme="test", value="alpha", names=names))
    assert not await register_usecases.units_nameless(story.deps)
