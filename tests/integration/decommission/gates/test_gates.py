"""The gates before a stop, each shut alone: archive, limits, kill switch, connector; and what a person settles."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import bagit
import pytest
from prometheus_client import REGISTRY

from services.decommission.controls import usecases as control_usecases
from services.decommission.limits.domain import Limits
from tests.integration.decommission.conftest import SHORT, Make, Story


async def archived(story: Story, unit: UUID, name: str = "kept") -> tuple[UUID, Path]:
    """A case whose package stands and whose gate is shut by the monitor alone."""
    asset, case = await story.flagged(name, unit)
    await story.announced(case)
    story.verdicts[asset] = "inconclusive"
    await story.next_day(2)
    assert "archived" in await story.kinds(case)
    story.verdicts[asset] = "confirmed"
    return case, story.deps.archive.place(case)


async def test_the_package_is_a_bag_that_holds_what_has_to_be_kept(story: Story, unit: UUID) -> None:
    case, folder = await archived(story, unit)
    bag = bagit.Bag(str(folder))
    bag.validate(processes=1)
    names = {name.removeprefix("data/") for name in bag.payload_entries()}
    assert {
        "asset.json",
        "case/log.json",
        "case/findings.json",
        "notice/notice.json",
        "notice/receipt.jws",
        "plan/plan.json",
        "plan/approvals.json",
        "page/capture.json",
        "page/page.html",
    } <= names
    assert bag.info["Bagging-Date"] == story.day.isoformat()
    (entry,) = [e for e in (await story.case(case))["log"] if e["kind"] == "archived"]
    assert entry["data"]["checks"] == dict.fromkeys(("authenticity", "integrity", "usability", "security"), True)


async def test_no_port_no_path_and_no_contact_is_in_a_package(story: Story, unit: UUID) -> None:
    _, folder = await archived(story, unit)
    whole = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    for word in (str(story.world.port), str(folder.parent), "zhang", "Zhang San"):
        assert word.encode() not in whole


async def test_every_byte_counts(story: Story, unit: UUID) -> None:
    case, folder = await archived(story, unit)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            flipped = bytearray(content)
            flipped[place] ^= 1
            path.write_bytes(flipped)
            sha256, checks = await story.deps.archive.check(case, ["asset.json"])
            (kept,) = await story.owner("select sha256 from archives where case_id = $1", case)
            assert sha256 != kept["sha256"] or not all(checks.values()), (path.name, place)
        path.write_bytes(content)


async def test_one_flipped_byte_keeps_the_gate_shut_until_the_package_is_made_anew(story: Story, unit: UUID) -> None:
    case, folder = await archived(story, unit)
    page = folder / "data" / "page" / "page.html"
    page.write_bytes(page.read_bytes()[:-1] + b"?")
    await story.next_day()
    assert story.world.calls("stop") == []
    kinds = await story.kinds(case)
    assert "archive_failed" in kinds
    assert [alarm["kind"] for alarm in await story.alarms()] == ["archive"]
    await story.next_day()
    assert await story.state(case) == "verifying"
    assert (await story.kinds(case)).count("archived") == 2


async def test_a_package_that_vanished_keeps_the_gate_shut(story: Story, unit: UUID) -> None:
    import shutil

    _, folder = await archived(story, unit)
    shutil.rmtree(folder)
    await story.next_day()
    assert story.world.calls("stop") == []
    assert len(await story.alarms("archive")) == 1


async def test_a_place_to_archive_that_cannot_be_written_shuts_the_gate_and_then_calls_a_person(
    story: Story, unit: UUID
) -> None:
    _, case = await story.flagged("nowhere", unit)
    await story.announced(case)
    folder = story.deps.archive.place(case).parent
    folder.write_text("a file stands where the packages go")
    await story.next_day(8)
    assert story.world.calls("stop") == []
    assert await story.state(case) == "needs_person"
    folder.unlink()
    await story.act(case, "resume")
    await story.round()
    await story.next_day()
    assert await story.state(case) == "verifying"


LIMITS: list[tuple[dict[str, Any], int]] = [
    ({}, 4),
    ({"per_day": 3}, 3),
    ({"per_unit_per_day": 1}, 2),
    ({"per_unit_per_day": 2, "per_day": 3}, 3),
    ({"per_day": 0}, 0),
    ({"per_unit_per_day": 0}, 0),
]


@pytest.mark.parametrize(("limits", "allowed"), LIMITS, ids=[str(limits) for limits, _ in LIMITS])
async def test_a_day_stops_no_more_than_its_smallest_limit(
    make_story: Make, limits: dict[str, Any], allowed: int
) -> None:
    """Plans are sealed under wide limits; the limits in force at the stop are what counts."""
    story = await make_story()
    units = [await story.unit("alpha"), await story.unit("beta")]
    cases = [(await story.flagged(f"acc{n}", units[n % 2]))[1] for n in range(4)]
    await story.round()
    await story.next_day(3)
    await story.sign()
    tight = await _with_limits(story, Limits(**limits))
    await tight.next_day(2)
    assert len(tight.world.calls("stop")) == allowed
    stopped = sorted(call["asset"] for call in tight.world.calls("stop"))
    wanted = sorted([(await tight.case(case))["asset_id"] for case in cases])
    if "per_unit_per_day" not in limits:
        assert stopped == wanted[:allowed]
    await tight.next_day()
    assert len(tight.world.calls("stop")) == min(4, 2 * allowed)


async def _with_limits(story: Story, limits: Limits) -> Story:
    """The same service, started again with other limits."""
    from dataclasses import replace

    story.deps = replace(story.deps, limits=limits)
    story.start()
    return story


async def test_with_all_limits_zero_nothing_is_even_planned(make_story: Make) -> None:
    story = await make_story(limits=Limits(per_plan=0))
    _, case = await story.flagged("zero", await story.unit("alpha"))
    await story.next_day(10)
    assert await story.state(case) == "answering"
    assert (await story.call("GET", "/plans"))["items"] == []


async def test_the_kill_switch_stops_every_call_and_nothing_is_lost(story: Story, unit: UUID) -> None:
    _, noticed = await story.flagged("one", unit)
    await story.announced(noticed)
    await story.call("POST", "/kill-switch", {"on": True})
    before = len(story.world.world.calls)
    _, fresh = await story.flagged("two", unit)
    await story.next_day(5)
    assert len(story.world.world.calls) == before
    await story.call("POST", "/kill-switch", {"on": False})
    await story.round()
    assert await story.state(fresh) == "answering"
    assert len(story.world.calls("stop")) == 1


async def test_who_turned_the_switch_when_and_why_can_be_read(story: Story) -> None:
    """Architecture 9: as a note of readiness, never as a failure of it; in the changes of set-up; as a metric."""

    def gauge() -> float | None:
        return REGISTRY.get_sample_value("jianfu_kill_switch")

    never = await story.call("GET", "/kill-switch", role="viewer")
    assert never == {"on": False, "by_settings": False, "since": None, "by": None, "reason": None}
    ready = (await story.http.get("/readyz")).json()
    assert (ready["ready"], ready.get("notes")) == (True, None)
    await story.call("POST", "/kill-switch", {"on": True, "reason": "a wrong plan 方案有误"}, who="olga")
    await story.call("POST", "/kill-switch", {"on": True}, who="mia")  # it was on: nobody's turn
    for role in ("viewer", "operator", "approver", "auditor"):
        turned = await story.call("GET", "/kill-switch", role=role)
        assert turned["on"], role
        assert (turned["by"], turned["reason"]) == ("jianfu-local|olga", "a wrong plan 方案有误")
        assert turned["since"] is not None
    assert (await story.request("GET", "/kill-switch", role="agent")).status_code == 403
    ready = (await story.http.get("/readyz")).json()
    assert ready["ready"], "what was switched off on purpose is well"
    note = ready["notes"]["kill_switch"]
    assert note["since"] == turned["since"].replace("Z", "+00:00")
    assert ("olga" in str(note), "wrong plan" in str(note)) == (False, False), "anybody reads it: no names, no reasons"
    assert gauge() == 1
    await story.call("POST", "/kill-switch", {"on": False}, who="mia")
    off = await story.call("GET", "/kill-switch", role="viewer")
    assert (off["on"], off["by"], off["reason"]) == (False, "jianfu-local|mia", None)
    assert "notes" not in (await story.http.get("/readyz")).json()
    assert gauge() == 0
    changes = (await story.call("GET", "/setup-changes", role="auditor"))["items"]
    turns = [(c["actor"], c["before"], c["after"]) for c in changes if c["what"] == "kill-switch"]
    assert turns == [
        ("jianfu-local|olga", {"on": False}, {"on": True, "reason": "a wrong plan 方案有误"}),
        ("jianfu-local|mia", {"on": True}, {"on": False, "reason": None}),
    ]


async def test_a_switch_that_was_set_at_the_start_says_so(make_story: Make) -> None:
    story = await make_story()
    story.deps = replace(story.deps, kill_switch=True)
    story.start()
    turned = await story.call("GET", "/kill-switch", role="viewer")
    assert (turned["on"], turned["by_settings"], turned["by"]) == (True, True, None)
    assert (await story.http.get("/readyz")).json()["notes"]["kill_switch"]["since"] is None


async def test_limits_and_windows_that_a_start_changed_are_recorded_once(make_story: Make) -> None:
    story = await make_story(limits=Limits(per_day=7))
    for limits in (Limits(per_day=7), Limits(per_day=7), Limits(per_day=5)):
        await control_usecases.record_settings(replace(story.deps, limits=limits))
    changes = (await story.call("GET", "/setup-changes", role="operator"))["items"]
    changes = [change for change in changes if change["what"] in ("limits", "windows")]
    assert [(c["what"], (c["before"] or {}).get("per_day"), c["after"].get("per_day")) for c in changes] == [
        ("limits", None, 7),
        ("windows", None, None),
        ("limits", 7, 5),
    ]
    assert {c["actor"] for c in changes} == {"settings"}


async def test_a_platform_without_a_connector_goes_to_a_person(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("nowhere", unit)
    await story.announced(case)
    await story.owner("delete from connectors")
    await story.next_day(3)
    assert await story.state(case) == "needs_person"
    assert [alarm["kind"] for alarm in await story.alarms()] == ["no-connector"]
    await story.connector()
    await story.act(case, "resume")
    await story.round()
    assert await story.state(case) == "verifying"


@pytest.mark.parametrize("known", [True, False], ids=["connector-changed", "connector-set-late"])
@pytest.mark.parametrize("look", ["gone", "unclear"])
async def test_what_is_not_seen_where_it_will_be_looked_for_is_not_stopped(
    story: Story, unit: UUID, known: bool, look: str
) -> None:
    """An address with a mistake in it answers 404 for every account: a living one would be "verified gone"."""
    asset, case = await story.flagged("mistyped", unit)
    await story.announced(case)
    if not known:
        await story.owner("delete from connectors")
    story.verdicts[asset] = "inconclusive"
    await story.next_day(2)
    assert "archived" in await story.kinds(case)
    story.verdicts[asset] = "confirmed"
    wrong = story.world.address + "/pagez/{identity}" if look == "gone" else "http://127.0.0.1:9/{identity}"
    await story.owner("delete from connectors")
    await story.connector(probe_url=wrong)
    if known:  # as an operator changes it
        await story.connector(probe_url=wrong + "?")
    await story.next_day()
    assert await story.state(case) == "needs_person"
    assert story.world.calls("stop") == []
    (alarm,) = await story.alarms()
    assert alarm["kind"] == "gone-before"
    assert "probe_url" in alarm["text_en"]
    await story.connector()
    await story.act(case, "resume")
    await story.round()
    assert await story.state(case) == "verifying"
    assert await story.until(case, "closed") == "closed"


async def test_who_resumes_answers_for_the_address_and_for_no_other(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("gone-already", unit)
    story.world.world.stopped.add("x/gone-already")
    assert await story.until(case, "needs_person") == "needs_person"
    await story.connector(probe_url=story.world.address + "/pages/{platform}/{identity}?again")
    await story.act(case, "resume", reason="the platform deleted it")
    await story.round()
    assert await story.state(case) == "needs_person"
    assert story.world.calls("stop") == []
    await story.act(case, "resume", reason="it did")
    assert await story.until(case, "closed") == "closed"


async def test_a_connector_whose_new_address_shows_the_page_delays_nothing(story: Story, unit: UUID) -> None:
    case, _ = await archived(story, unit)
    await story.connector(probe_url=story.world.address + "/pages/{platform}/{identity}?v=2")
    await story.next_day()
    assert await story.state(case) == "verifying"
    assert await story.alarms() == []


async def test_a_target_that_refuses_is_asked_again_on_later_days_and_then_by_a_person(
    story: Story, unit: UUID
) -> None:
    _, case = await story.flagged("firm", unit)
    await story.connector(stop_url=f"{story.world.address}/no-such-place")
    await story.until(case, "needs_person")
    kinds = await story.kinds(case)
    assert kinds.count("stop_failed") == 3
    assert kinds.count("recheck_asked") == kinds.count("slot_reserved") == 3
    assert len(await story.alarms()) == 1


async def test_a_target_that_cannot_be_reached_was_not_stopped(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("away", unit)
    await story.announced(case)
    await story.connector(stop_url="http://127.0.0.1:9/stop")
    await story.next_day(2)
    assert "stop_accepted" not in await story.kinds(case)
    await story.connector()
    await story.next_day()
    assert await story.state(case) == "verifying"


async def test_an_unclear_look_proves_nothing(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("foggy", unit)
    await story.until(case, "verifying")
    await story.connector(probe_url="http://127.0.0.1:9/{identity}")
    await story.next_day(4)
    assert await story.state(case) == "verifying"
    await story.connector()
    await story.next_day(2)
    assert await story.state(case) == "verified"


async def test_a_day_without_a_look_begins_the_days_anew(make_story: Make) -> None:
    from dataclasses import replace

    story = await make_story(windows=replace(SHORT, verify_days=3))
    _, case = await story.flagged("gap", await story.unit("alpha"))
    await story.until(case, "verifying")
    await story.next_day(2)
    story.clock.set(story.clock.now() + timedelta(days=1))  # a day on which nothing ran
    await story.next_day()
    assert await story.state(case) == "verifying"
    await story.next_day(2)
    assert await story.state(case) == "verified"


async def test_what_raises_in_one_case_stops_no_other(story: Story, unit: UUID) -> None:
    """A broken row is one person's work, not the end of the service."""
    _, broken = await story.flagged("broken", await story.unit("beta"))
    story.world.manners("beta", receipt="none")
    await story.round()
    _, well = await story.flagged("well", unit)
    await story.owner("update notices set body = '{}' where case_id = $1", broken)
    await story.next_day(3)
    assert await story.state(well) == "answering"
    assert await story.state(broken) == "needs_person"
    assert len(await story.alarms()) == 1


async def test_whoever_asks_is_told_what_a_stop_still_needs(story: Story, unit: UUID) -> None:
    """By the same gates that the step goes through, of which those of the day come last."""
    _, case = await story.flagged("explained", unit)
    assert await _shut(story, case) == ["notice", "approval", "slot", "recheck", "archive", "plan"]
    await story.planned(case)
    assert await _shut(story, case) == ["approval", "slot", "recheck", "archive", "plan"]
    await story.sign()
    assert await _shut(story, case) == ["slot", "recheck", "archive"]
    await story.owner("update plans set state = 'rejected'")
    assert await _shut(story, case) == ["slot", "recheck", "archive", "standing"]
    await story.owner("update plans set state = 'approved'")
    await story.until(case, "verifying")
    assert await _shut(story, case) == []
    assert (await story.request("GET", f"/cases/{case}/gates", role="unit")).status_code == 403


async def _shut(story: Story, case: UUID) -> list[str]:
    told = await story.call("GET", f"/cases/{case}/gates", role="viewer")
    assert all((gate["why"] is None) == gate["open"] for gate in told["gates"])
    assert all(gate["why"]["zh"] != gate["why"]["en"] for gate in told["gates"] if not gate["open"])
    return [gate["gate"] for gate in told["gates"] if not gate["open"]]
