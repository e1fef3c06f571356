"""A day's work by `jianfu` alone: a list is tried, mended and recorded, judged, and what is dead is read and signed."""

import json
import subprocess
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.house import House, account
from tests.acceptance.running import JIANFU
from tests.conftest import open_folder
from tests.kit import findings

pytestmark = pytest.mark.acceptance
DAY = date(2025, 6, 1)
LIST = (
    "账号名称,平台,主办单位,链接\n"
    "示例发布,X,示例县,https://x.com/desk_a\n"
    "示例服务,X,示例县,https://x.com/desk_b\n"
    ",X,示例县,https://x.com/desk_c\n"
)


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    with open_folder() as path:
        running = House(path / "data")
        try:
            running.start()
            await running.step(DAY)
            yield running
        finally:
            await running.end()


def jianfu(house: House, *arguments: str | Path, person: str = "olga") -> "subprocess.CompletedProcess[str]":
    command = [str(JIANFU), *map(str, arguments), "--data", str(house.data)]
    env = {"PATH": "/usr/bin:/bin", "LOGNAME": person, "LANG": "C.UTF-8"}
    return subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=120, check=False, stdin=subprocess.DEVNULL
    )


def said(house: House, *arguments: str | Path, person: str = "olga", code: int = 0) -> str:
    done = jianfu(house, *arguments, person=person)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


async def test_a_list_is_tried_mended_recorded_and_judged(house: House, tmp_path: Path) -> None:
    file, out = tmp_path / "list.csv", tmp_path / "verdicts.csv"
    file.write_text(LIST)
    asked = ("import", file, "--source", "desk", "--on", str(DAY))
    tried = said(house, *asked, "--out", out, code=1)
    assert "3 rows" in tried
    assert "nothing was recorded" in tried
    assert "refused" in tried
    assert await house.everything("/registry/v1/assets?source=desk") == []
    told = out.read_text("utf-8-sig").splitlines()
    assert "结果" in told[0]
    assert sum("refused" in line for line in told) == 1
    file.write_text("\n".join(LIST.splitlines()[:3]) + "\n")
    assert "2 added" in said(house, *asked, "--apply")
    assert json.loads(said(house, *asked, "--apply", "--json"))["summary"]["unchanged"] == 2
    await house.quiet()
    assert json.loads(said(house, "sweep", "--json"))["assets"] >= 2
    assert f"{DAY}: " in said(house, "sweep")
    wrong = jianfu(house, "import", file, "--source", "desk", "--on", "yesterday")
    assert (wrong.returncode, "--on wants a day" in wrong.stderr) == (1, True)


async def test_who_turned_the_switch_and_why(house: House) -> None:
    assert said(house, "kill-switch").startswith("off")
    on = said(house, "kill-switch", "on", "--reason", "方案有误", person="mia")
    assert on.startswith("ON")
    assert "jianfu-local|mia" in on
    assert "方案有误" in on
    assert "总开关已开启" in said(house, "status")
    assert json.loads(said(house, "kill-switch", "off", "--json"))["on"] is False
    assert "总开关" not in said(house, "status")


async def flagged(house: House, name: str) -> str:
    """An account that the monitor has found to be dead, and its case once it stands in a plan."""
    (asset,) = [a for a in await house.everything("/registry/v1/assets?source=desk") if a["address"].endswith(name)]
    await house.set_up_world("desk", asset["sponsor_id"], "x")
    await house.manners(**{asset["asset_id"]: {"answer": {"answer": "close"}}})
    which: Any = account(name)
    assert str(which) == asset["asset_id"]
    await house.step(first := house.day + timedelta(days=1))
    await house.produce("jianfu.monitor", [findings.dead(house, which)], user="admin")
    for day in range(1, 8):
        await house.quiet()
        await house.call("POST", "/decommission/v1/rounds", {})
        await house.quiet()
        (case,) = await house.everything(f"/decommission/v1/cases?asset_id={which}")
        if case["state"] == "planned":
            return str(case["case_id"])
        await house.step(first + timedelta(days=day))
    raise AssertionError(f"the case is {case['state']}")


async def test_a_case_is_listed_read_and_signed_by_two(house: House) -> None:
    case = await flagged(house, "desk_a")
    listed = said(house, "case", "list", "--state", "planned")
    assert case in listed
    assert "示例发布" in listed
    shown = said(house, "case", "show", case)
    assert "https://x.com/desk_a" in shown
    assert "noticed" in shown
    unasked = jianfu(house, "case", "approve", case, person="ada")
    assert unasked.returncode == 1
    assert "--yes" in unasked.stderr, unasked.stdout + unasked.stderr
    assert "sealed; signed by 已签 jianfu-local|ada" in said(house, "case", "approve", case, "--yes", person="ada")
    assert "approved; signed" in said(house, "case", "approve", case, "--yes", person="bo")
    await house.quiet()
    unknown = jianfu(house, "case", "approve", "00000000-0000-0000-0000-000000000001")
    assert unknown.returncode == 1
    assert "404" in unknown.stderr
    assert json.loads(said(house, "alarms", "--json")) == []


async def test_who_signs_reads_names_rules_and_the_answer(house: House) -> None:
    case = await flagged(house, "desk_b")
    read = jianfu(house, "case", "approve", case, person="ada").stdout
    for part in ("示例服务 (x) https://x.com/desk_b", "示例县", "C15", "a circular", "FOUND", "close"):
        assert part in read, read
    listed = json.loads(said(house, "case", "list", "--json", "--most", "1"))
    assert [(one["case_id"], one["name"], one["unit_name"]) for one in listed] == [(case, "示例服务", "示例县")]


async def test_an_alarm_is_listed_acknowledged_and_ended(house: House) -> None:
    """Its plan is signed by nobody for three days."""
    for _ in range(4):
        await house.step(house.day + timedelta(days=1))
        await house.call("POST", "/decommission/v1/rounds", {})
        await house.quiet()
    of_plans = ("alarms", "--kind", "plan-unsigned")
    (alarm,) = json.loads(said(house, *of_plans, "--json"))
    assert (alarm["kind"], alarm["state"]) == ("plan-unsigned", "open")
    assert alarm["alarm_id"] in said(house, "alarms")
    for wrong, named in (
        (("acknowledge",), "alarms acknowledge ALARM_ID"),
        (("end", alarm["alarm_id"]), f"alarms end {alarm['alarm_id']}"),
        (("acknowledge", "--reason", "r"), "alarms acknowledge ALARM_ID"),
    ):
        hint = jianfu(house, "alarms", *wrong).stderr
        assert named in hint, hint
        assert f"--data {house.data}" in hint, hint
        assert "--reason" in hint, hint
    acknowledged = said(house, "alarms", "acknowledge", alarm["alarm_id"], "--reason", "已电话催办", person="mia")
    assert "jianfu-local|mia: 已电话催办" in acknowledged
    assert "acknowledged" in said(house, *of_plans)
    ended = json.loads(said(house, "alarms", "end", alarm["alarm_id"], "--reason", "they are back", "--json"))
    assert (ended["state"], ended["ended"]["by"], ended["ended"]["role"]) == ("ended", "jianfu-local|olga", "operator")
    assert json.loads(said(house, *of_plans, "--json")) == []
    assert [one["alarm_id"] for one in json.loads(said(house, *of_plans, "--all", "--json"))] == [alarm["alarm_id"]]
