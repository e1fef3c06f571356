"""docs/recipes/add-a-signal.md, followed: a new gauge is delivered, read, judged by a rule and explained."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.conftest import Urls
from tests.contract.published import ROOT, SIGNALS
from tests.recipes.followed import Copy, files_of

SIGNAL = """    Signal(
        name="likes",
        kinds=("account",),
        unit=Words(zh="个", en="likes"),
        meaning=Words(zh="账号显示的获赞总数", en="likes the account shows in all"),
        reads=Gauge(measure="likes_total", fresh_days=7),
    ),
"""
RULE = """
  - code: C90
    name: unloved
    kind: account
    title: {zh: 无人点赞, en: Nobody likes it}
    when: likes < 5
    verdict: IDLE
    proposal: correction
    level: assumed
    basis: {source: OPINION_2023, text: {zh: 示例, en: an example}}
    established:
      - {part: fewer than five likes, label: ASSUMED}
    clears_when: {zh: 有人点赞, en: somebody likes it}
"""


async def test_a_signal_is_added_in_two_files(tmp_path: Path, fresh_database: Callable[[str], Awaitable[Urls]]) -> None:
    catalogue, pack = files_of("add-a-signal.md")
    copy = Copy.into(tmp_path / "tree")
    copy.insert(catalogue, ")\n\n\ndef columns(", SIGNAL)
    copy.append(pack, RULE)
    assert copy.changed() == sorted([catalogue, pack])

    url = (await fresh_database("monitor")).service
    days = json.loads(copy.run("-m", "tests.recipes.judging", url, json.dumps({"likes_total": [9, 4, 4, 5]})))
    assert [day["rules"]["C90"] for day in days] == [
        {"truth": "false", "read": {"likes": 9.0}},
        {"truth": "true", "read": {"likes": 4.0}},
        {"truth": "true", "read": {"likes": 4.0}},
        {"truth": "false", "read": {"likes": 5.0}},
    ]
    assert [day["events"] for day in days] == [[], ["finding.opened"], [], ["finding.cleared"]]
    assert days[0]["meanings"]["likes"] == "账号显示的获赞总数 / likes the account shows in all"

    copy.run("-m", "tests.contract.update", "signals")
    page = SIGNALS.relative_to(ROOT).as_posix()
    assert copy.changed() == sorted([catalogue, pack, page])
    assert "| `likes` | account | 个 / likes |" in (copy.root / page).read_text("utf-8")
