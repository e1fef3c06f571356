"""docs/recipes/add-a-rule.md, followed: a rule over known signals is in force, on both sides of its threshold."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.conftest import Urls
from tests.recipes.followed import Copy, files_of

RULE = """
  - code: C91
    name: unread
    kind: account
    title: {zh: 无人关注, en: Nobody follows it}
    when: followers <= 3 and days_listed >= 2
    verdict: ZOMBIE
    proposal: closure
    level: assumed
    basis: {source: OPINION_2023, text: {zh: 示例, en: an example}}
    established:
      - {part: three followers, label: ASSUMED}
    clears_when: {zh: 关注人数增加, en: more follow it}
"""


async def test_a_rule_is_added_in_one_file(tmp_path: Path, fresh_database: Callable[[str], Awaitable[Urls]]) -> None:
    (pack,) = files_of("add-a-rule.md")
    copy = Copy.into(tmp_path / "tree")
    copy.append(pack, RULE)
    assert copy.changed() == [pack]

    url = (await fresh_database("monitor")).service
    days = json.loads(copy.run("-m", "tests.recipes.judging", url, json.dumps({"followers": [3, 3, 3, 3, 4]})))
    assert [day["rules"]["C91"]["truth"] for day in days] == ["false", "false", "true", "true", "false"]
    assert days[2]["rules"]["C91"]["read"] == {"followers": 3.0, "days_listed": 2.0}
    assert [day["events"] for day in days] == [[], [], ["finding.opened"], [], ["finding.cleared"]]
    assert [day["open"] for day in days] == [[], [], ["C91"], ["C91"], []]
