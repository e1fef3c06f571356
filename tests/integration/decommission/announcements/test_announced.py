"""What the public reads of a closure: the rule in words, its basis, the unit and what comes next, at every stage."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from libs.common.events import ids
from libs.common.events.monitor import FindingOpened
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.http import pages
from tests.integration.decommission.conftest import Story

TITLE = "僵尸账号(超过90天未更新) / Zombie account (no update for more than 90 days)"
BASIS = "国办发〔2018〕123号 / 2018 No. 123 <b>"
PACK = {"title": TITLE, "basis": BASIS, "pack": "cn-accounts", "pack_version": "7.1.3", "label": "FRAG"}


async def opened(story: Story, name: str, unit: UUID, **changes: Any) -> tuple[UUID, UUID]:
    """A case from a finding that says its rule in words."""
    asset = await story.asset(name, unit)
    told: FindingOpened = story.finding(asset, **PACK | changes)
    await story.hear(told)
    (case,) = await story.cases(asset_id=asset)
    return asset, UUID(case["case_id"])


async def told(story: Story, case: UUID) -> dict[str, Any]:
    item: dict[str, Any] = await story.call("GET", f"/announcements/{case}", role="public")
    items = (await story.call("GET", "/announcements", role="public"))["items"]
    assert item in items
    return item


async def page(story: Story, path: str, accept: str = "text/html,application/xhtml+xml,*/*;q=0.8") -> httpx.Response:
    assert story.http is not None
    return await story.http.get(f"/decommission/v1{path}", headers={"Accept": accept})


async def test_an_announcement_says_why_whose_and_what_comes_next(story: Story, unit: UUID) -> None:
    asset, case = await opened(story, "told", unit)
    assert (await story.request("GET", f"/announcements/{case}", role="public")).status_code == 404
    await story.announced(case)
    item = await told(story, case)
    assert item["why"] == {**PACK, "when": "days_since_post > 90"}, "as the version of the pack says that judged it"
    assert (item["unit_id"], item["unit_name"]) == (str(unit), story.units[unit])
    assert item["unit_code"] == f"test:{story.units[unit]}"
    assert (item["asset_id"], item["state"], item["tombstone"]) == (str(asset), "announced", None)
    stop = item["data"]["stop_not_before"]
    assert stop in item["next"]["zh"]
    assert stop in item["next"]["en"]
    assert "answer keep" in item["next"]["en"]

    seen = []
    for _ in range(60):
        if await story.state(case) == "closed":
            break
        await story.next_day()
        text = (await told(story, case))["next"]["en"]
        if text not in seen:
            seen.append(text)
    begins = [text.split(" ", 3)[:3] for text in seen]
    assert begins == [["Nothing", "is", "stopped"]] * (begins[0][0] == "Nothing") + [
        ["It", "was", "stopped"],
        ["It", "is", "stopped,"],
        ["It", "is", "closed,"],
    ]
    item = await told(story, case)
    assert (item["state"], item["tombstone"]) == ("closed", f"/registry/v1/tombstones/{asset}")
    (event,) = story.events("case.closed", asset)
    assert {name: event[name] for name in PACK} == PACK
    assert event["reason"] == "rule C15"


async def test_the_tombstone_says_the_rule_that_was_true_on_the_day_of_the_stop(story: Story, unit: UUID) -> None:
    asset, case = await opened(story, "two", unit)
    other = {**PACK, "title": "空壳账号 / Shell account", "basis": "another / basis", "label": "ASSUMED"}
    await story.hear(story.finding(asset, "C16", **other))
    await story.planned(case)
    await story.clear(asset, "C15")
    assert await story.until(case, "closed", days=60) == "closed"
    (event,) = story.events("case.closed", asset)
    assert (event["rule"], event["title"], event["label"]) == ("C16", "空壳账号 / Shell account", "ASSUMED")
    assert (await told(story, case))["why"]["title"] == "空壳账号 / Shell account"


async def test_what_came_of_an_announcement_is_said(story: Story, unit: UUID) -> None:
    asset, case = await opened(story, "kept", unit)
    await story.announced(case)
    story.verdicts[asset] = "refuted"
    await story.next_day(2)
    item = await told(story, case)
    assert item["state"] == "withdrawn"
    assert "撤回" in item["next"]["zh"]
    assert "withdrawn" in item["next"]["en"]


async def test_of_a_log_that_is_in_doubt_nothing_is_told_but_that(story: Story, unit: UUID) -> None:
    _, case = await opened(story, "doubt", unit)
    await story.announced(case)
    await story.owner("update findings set evidence = jsonb_set(evidence, '{title}', '\"other words\"')")
    item = await told(story, case)
    assert (item["state"], item["why"], item["data"]) == ("in_doubt", None, None)
    assert "存疑" in item["next"]["zh"]
    shown = (await page(story, f"/announcements/{case}")).text
    assert "other words" not in shown
    assert "存疑" in shown


async def test_a_finding_from_before_rules_were_told_in_words(story: Story, unit: UUID) -> None:
    asset, case = await opened(story, "old", unit, title=None)
    await story.owner("update units set name = null")
    await story.announced(case)
    item = await told(story, case)
    assert (item["why"]["title"], item["why"]["basis"], item["unit_name"]) == (None, BASIS, None)
    shown = (await page(story, "/announcements")).text
    assert f"test:{story.units[unit]}" in shown
    assert await story.until(case, "closed", days=60) == "closed"
    assert story.events("case.closed", asset)[0]["title"] is None


async def test_people_read_a_page_at_the_same_address(story: Story, unit: UUID) -> None:
    """In both languages, as text, and of nothing that comes from elsewhere."""
    name = "<script>alert(1)</script>"
    asset, case = await opened(story, "page", unit)
    await story.owner("update subjects set name = $1, address = 'javascript:alert(1)'", name)
    await story.announced(case)
    for path in ("/announcements", f"/announcements/{case}"):
        reply = await page(story, path)
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert reply.headers["content-security-policy"] == pages.HEADERS["Content-Security-Policy"]
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "Accept" in reply.headers["vary"]
        for words in (
            "&lt;script&gt;",
            "僵尸账号",
            "Zombie account",
            "123号",
            "&lt;b&gt;",
            story.units[unit],
            "接下来",
            "What comes next",
            "cn-accounts 7.1.3",
            "Nothing is stopped before",
        ):
            assert words in reply.text, words
        for never in ("<script", "<b>", 'href="javascript', "http://", "https://", "src="):
            assert never not in reply.text, never
    for accept in ("application/json", "*/*", "", "text/html;q=0.1, application/json", "text/html;q=0"):
        reply = await page(story, "/announcements", accept)
        assert (reply.headers["content-type"], "Accept" in reply.headers["vary"]) == ("application/json", True), accept
        assert json.loads(reply.text)["items"][0]["asset_id"] == str(asset)
    assert (await page(story, f"/announcements/{ids.case_id(asset, 7)}")).status_code == 404


async def test_a_page_of_announcements_leads_to_the_next(story: Story, unit: UUID) -> None:
    assert "Nothing is announced" in (await page(story, "/announcements")).text
    cases = [(await opened(story, f"n{number}", unit))[1] for number in range(3)]
    await story.announced(cases[0])
    first = await page(story, "/announcements?limit=2")
    cursor = (await story.call("GET", "/announcements?limit=2", role="public"))["next"]
    assert f"/decommission/v1/announcements?cursor={cursor}" in first.text
    last = await page(story, f"/announcements?limit=2&cursor={cursor}")
    assert "cursor=" not in last.text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_unit_is_shown_by_its_chinese_name_if_it_has_one(story: Story, unit: UUID, language: str) -> None:
    names = (UnitName(language="en", text="The House"), UnitName(language=language, text="市政府办公厅"))
    await story.hear(
        UnitRecorded(unit_id=unit, version=2, scheme="test", value=story.units[unit], names=names), sequence=2
    )
    _, case = await opened(story, "named", unit)
    await story.announced(case)
    assert (await told(story, case))["unit_name"] == ("市政府办公厅" if language == "zh" else "The House")
