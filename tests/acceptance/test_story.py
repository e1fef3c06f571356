"""One true story on real processes: recorded, watched, found dead, told, approved, archived, stopped, seen gone.

Every fault of the outside has an asset of its own in it, so that one run of days shows them all.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.acceptance.house import WINDOWS, House, account, new_data
from tests.acceptance.story import BLIND, DEAF, FORGED, Story
from tests.kit.bare import standalone

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    # silence lasts a day longer than a unit that agrees has to be given, or nobody could tell the two apart
    windows = json.dumps(WINDOWS | {"answer_days": 2})
    house = House(new_data(tmp_path_factory.mktemp("story")), JIANFU_DECOMMISSION_WINDOWS=windows)
    house.trace()
    house.start()
    try:
        told = Story(house)
        await told.play()
        yield told
    finally:
        await house.end()


def kinds(case: dict[str, Any]) -> list[str]:
    return [entry["kind"] for entry in case["log"]]


def raw_calls(story: Story, what: str, name: str) -> list[int]:
    return [c["raw"] for c in story.world["calls"] if c["what"] == what and c["asset"] == str(account(name))]


async def test_a_dead_account_is_closed_and_seen_to_be_gone(story: Story) -> None:
    case = story.cases["plain"]
    assert case["state"] == "closed", kinds(case)
    assert "x/plain" in story.world["stopped"]
    order = [
        "opened",
        "noticed",
        "planned",
        "approved",
        "announced",
        "archived",
        "recheck_asked",
        "confirmed",
        "stop_started",
        "stop_accepted",
        "probed",
        "disposed",
        "closed",
    ]
    positions = [kinds(case).index(kind) for kind in order]
    assert positions == sorted(positions)
    asset = await story.house.call("GET", f"/registry/v1/assets/{account('plain')}", role="viewer")
    assert (asset["record"], asset["running"]) == ("closed", "offline")
    stone = (await story.house.http.get(f"/registry/v1/tombstones/{account('plain')}")).json()
    assert stone["case_id"] == case["case_id"]
    assert stone["archive_sha256"]


def test_each_effect_happened_once_by_one_raw_call(story: Story) -> None:
    """Promise 5, where nothing crashed: one effect per key, one raw call per effect."""
    assert raw_calls(story, "notice", "plain") == [1]
    assert raw_calls(story, "stop", "plain") == [1]
    assert all(call["raw"] == 1 for call in story.world["calls"])


def test_nothing_closes_without_proof_of_notice(story: Story) -> None:
    """Promise 1: a plain 200, or a receipt signed by somebody else, is no proof."""
    for name in (*DEAF, *FORGED):
        case = story.cases[name]
        assert case["state"] in ("noticing", "undelivered")
        assert "noticed" not in kinds(case)
        assert raw_calls(story, "stop", name) == []
        assert raw_calls(story, "notice", name), "it was tried"


def test_closed_means_checked_closed(story: Story) -> None:
    """Promise 10: the target said 200 and stays alive: no closure, an alarm."""
    case = story.cases["liar"]
    assert case["state"] == "unverified"
    assert {e["data"]["result"] for e in case["log"] if e["kind"] == "probed"} == {"alive"}
    assert any(a["kind"] == "unverified" and a["case_id"] == case["case_id"] for a in story.alarms)


def test_a_unit_that_keeps_ends_the_case_and_one_that_agrees_shortens_it(story: Story) -> None:
    kept = story.cases["keeper"]
    assert (kept["state"], kept["log"][-1]["data"]["outcome"]) == ("ended", "kept")
    assert raw_calls(story, "stop", "keeper") == []
    stopped = {name: _at(story.cases[name], "stop_accepted") for name in ("willing", "plain")}
    assert stopped["willing"] < stopped["plain"]


def test_a_hold_stops_the_clock(story: Story) -> None:
    case = story.cases["held"]
    assert case["held"] is True
    assert raw_calls(story, "stop", "held") == []


def test_what_was_stopped_comes_back_whole(story: Story) -> None:
    """Promise 6: restored through the same connector and seen to answer."""
    case = story.cases["returned"]
    assert case["state"] == "restored", kinds(case)
    assert "x/returned" not in story.world["stopped"]
    assert raw_calls(story, "restore", "returned") == [1]


def test_life_between_approval_and_execution_cancels_only_that_asset(story: Story) -> None:
    case = story.cases["revived"]
    assert (case["state"], case["log"][-1]["data"]["outcome"]) == ("ended", "refuted")
    assert raw_calls(story, "stop", "revived") == []


async def test_the_silence_of_a_sensor_opens_and_clears_nothing(story: Story) -> None:
    """Promise 3: while the source is blind its assets are UNKNOWN, whatever they were before."""
    ours = {str(account(name)) for name in BLIND}
    assert not [f for f in story.findings if f["asset_id"] in ours]
    for name in BLIND:
        why = await story.house.call("GET", f"/monitor/v1/assets/{account(name)}/why", role="viewer")
        assert why["verdict"] == "UNKNOWN", name


async def test_a_case_file_is_verified_offline_with_the_key_from_outside(story: Story, tmp_path: Any) -> None:
    """Promise 7, on a real file; what an altered one says is shown in the unit tests."""
    case_id = story.cases["plain"]["case_id"]
    file = await story.house.call("GET", f"/decommission/v1/cases/{case_id}/file", role="auditor")
    (tmp_path / "case.json").write_text(json.dumps(file))
    key = story.house.data / "keys" / "decommission-signing.pub"
    unit = tmp_path / "unit.pub"
    unit.write_text(json.dumps(file["notice"]["public_key"]))
    assert standalone(tmp_path / "case.json", "--service-key", key, "--unit-key", unit).returncode == 0
    file["log"][3]["data"]["x"] = 1
    (tmp_path / "case.json").write_text(json.dumps(file))
    assert standalone(tmp_path / "case.json", "--service-key", key, "--unit-key", unit).returncode == 1


def _at(case: dict[str, Any], kind: str) -> str:
    return str(next(e["at"] for e in case["log"] if e["kind"] == kind))


def test_the_trace_of_a_case_leads_from_its_finding_to_its_tombstone(story: Story) -> None:
    """One walks backwards by parents and links, across processes and days, from the tombstone to the finding."""
    case = story.cases["plain"]
    spans = [json.loads(line) for line in story.house.spans.read_text().splitlines()]
    by_id = {(s["context"]["trace_id"], s["context"]["span_id"]): s for s in spans}

    def named(name: str, subject: str) -> dict[str, Any]:
        return next(s for s in spans if s["name"] == name and s["attributes"].get("event.subject") == subject)

    waiting, seen = [named("registry case.closed", case["case_id"])], []
    while waiting:
        span = waiting.pop()
        if span in seen:
            continue
        seen.append(span)
        trace = span["context"]["trace_id"]
        causes = [(trace, span["parent_id"])] if span["parent_id"] else []
        causes += [(link["context"]["trace_id"], link["context"]["span_id"]) for link in span["links"]]
        assert all(cause in by_id for cause in causes), f"{span['name']} names a cause that no process recorded"
        waiting += [by_id[cause] for cause in causes]
    names = {span["name"] for span in seen}
    assert named("decommission finding.opened", case["finding_id"]) in seen
    assert {
        "decommission case stop",
        "decommission case notice",
        "monitor recheck.requested",
        "decommission finding.confirmed",
    } <= names
    assert any("/monitor/v1/sweeps" in name for name in names), "the sweep that saw it"
    services = {span["resource"]["attributes"]["service.name"] for span in seen}
    assert services == {"jianfu-registry", "jianfu-monitor", "jianfu-decommission"}
