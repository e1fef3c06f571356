"""A unit reads which of its answers were refused, and why; mended it is taken under the same key."""

from uuid import UUID

from tests.integration.decommission.conftest import Story


async def test_a_refused_answer_is_read_by_its_unit_and_taken_mended(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("told", unit)
    other = await story.unit("beta")
    await story.flagged("theirs", other)
    await story.round()
    who = {"role": "unit", "unit": "test:alpha"}
    wrong = await story.request("POST", f"/cases/{case}/answers", {"answer": "fix"}, key="k", who="clerk", **who)
    assert wrong.is_error
    (told,) = (await story.call("GET", "/refusals", who="another clerk", **who))["items"]
    assert (told["record_id"], told["code"], told["place"]) == (
        "k",
        wrong.json()["code"],
        f"POST /decommission/v1/cases/{case}/answers",
    )
    assert told["texts"] == wrong.json()["texts"]
    mended = {"answer": "fix", "until": str(story.day), "reason": "r"}
    answer = await story.request("POST", f"/cases/{case}/answers", mended, key="k", who="clerk", **who)
    assert answer.status_code == 200, answer.text
    assert (await story.call("GET", "/refusals", role="unit", unit="test:beta"))["items"] == []
    nothing = {"answer": "keep"}
    foreign = await story.request("POST", f"/cases/{case}/answers", nothing, role="unit", unit="test:beta", who="eve")
    assert foreign.status_code == 403
    (theirs,) = (await story.call("GET", "/refusals", role="unit", unit="test:beta", who="eve"))["items"]
    assert (theirs["record_id"], theirs["code"]) == (str(case), "forbidden")
