"""Who is called or refused is told why in Chinese as well: no English reason stands in a Chinese text."""

import re
from typing import Any
from uuid import UUID

import pytest

from services.decommission import executor
from services.decommission.archives.store import Archive
from tests.integration.decommission.conftest import Story
from tests.integration.decommission.plans.test_plans import plan_of, ready, sign

ENGLISH = re.compile(r"[A-Za-z]{3,}(?: [a-z]+)+")


async def called(story: Story, case: UUID, kind: str) -> None:
    """A person is called to a case, in both languages."""
    await story.until(case, "needs_person", "undelivered", "announced")
    await story.next_day(4)
    texts = [alarm["text_zh"] for alarm in await story.alarms(kind)]
    assert texts
    assert not [text for text in texts if ENGLISH.search(text)]


@pytest.mark.parametrize("manner", [{"receipt": "none"}, {"receipt": "other-asset"}, {"receipt": "other-key"}], ids=str)
async def test_that_a_notice_was_not_proved(story: Story, unit: UUID, manner: dict[str, Any]) -> None:
    story.world.manners("alpha", **manner)
    _, case = await story.flagged("mute", unit)
    await called(story, case, "undelivered")


async def test_that_a_plan_was_altered(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    await story.sign()
    await story.owner("update plans set content = content || ' '")
    await called(story, cases["a"], "plan-altered")


@pytest.mark.parametrize("how", ["raises", "checks"])
async def test_that_the_machine_cannot_go_on(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        if how == "raises":
            raise ZeroDivisionError
        return "a" * 64, {"bag": False}

    if how == "raises":
        monkeypatch.setitem(executor.STEPS, "archive", broken)
    else:
        monkeypatch.setattr(Archive, "check", broken)
    _, case = await story.flagged("stuck", unit)
    await called(story, case, "stuck" if how == "raises" else "archive")
    assert not [alarm for alarm in await story.alarms() if ENGLISH.search(alarm["text_zh"])]


async def test_that_a_request_is_refused(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    path = f"/cases/{cases['a']}"
    replies = [
        await sign(story, await plan_of(story), "ada", "0" * 64),
        await story.request("POST", f"{path}/answers", {"answer": "keep"}, role="unit", unit="test:other"),
        await story.request(
            "PUT",
            f"/endpoints/{unit}",
            {"url": "http://h", "public_key": story.world.public_key("a")},
            role="unit",
            unit="test:other",
        ),
        await story.request("POST", f"{path}/answers", {"answer": "fix"}),
        await story.request("POST", f"{path}/answers", {"answer": "fix", "until": "2999-01-01"}),
    ]
    assert [reply.status_code for reply in replies] == [409, 403, 403, 422, 422]
    assert not [reply.text for reply in replies if ENGLISH.search(reply.json()["texts"]["zh"])]
