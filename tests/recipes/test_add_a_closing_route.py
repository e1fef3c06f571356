"""docs/recipes/add-a-closing-route.md, followed: a group's case goes its own way to its closure."""

import json
from pathlib import Path

from tests.recipes.followed import Copy, files_of

TOY = '''"""The way of a work group that is dissolved: its members are its public, so nothing waits for others. Pure."""

from services.decommission.routes.route import Route, Step

TOY = Route(
    name="toy",
    version=1,
    kinds=("group",),
    steps=(
        Step(verb="notice", window="notice_retry_days"),
        Step(verb="answer", window="answer_days"),
        Step(verb="plan"),
        Step(verb="sign"),
        Step(verb="announce"),
        Step(verb="archive", attempts=2),
        Step(verb="reserve"),
        Step(verb="ask"),
        Step(verb="stop", attempts=2),
        Step(verb="verify", window="verify_days"),
        Step(verb="dispose"),
        Step(verb="close"),
    ),
)
'''
VERIFIED = """    ("toy", 1): [
        {"verb": "notice", "window": "notice_retry_days"},
        {"verb": "answer", "window": "answer_days"},
        {"verb": "plan"},
        {"verb": "sign"},
        {"verb": "announce"},
        {"verb": "archive", "attempts": 2},
        {"verb": "reserve"},
        {"verb": "ask"},
        {"verb": "stop", "attempts": 2},
        {"verb": "verify", "window": "verify_days"},
        {"verb": "dispose"},
        {"verb": "close"},
    ],
"""
SEEN = """
import json
from services.decommission.routes.table import route_for
from tests.unit.decommission.life import Life

kinds = {}
for kind in ("account", "group"):
    life = Life(route=route_for(kind))
    life.days("closed")
    kinds[kind] = [life.p.route.name, life.kinds(), life.today.toordinal()]
print(json.dumps(kinds))
"""


def test_a_route_is_added_in_three_files(tmp_path: Path) -> None:
    module, table, verifier, *_ = files_of("add-a-closing-route.md")
    copy = Copy.into(tmp_path / "tree")
    copy.append(module, TOY)
    copy.insert(table, "\nFIRST = CLOSE", "from services.decommission.routes.toy import TOY\n")
    text = (copy.root / table).read_text("utf-8").replace("= (CLOSE,)", "= (CLOSE, TOY)")
    (copy.root / table).write_text(text, "utf-8")
    copy.insert(verifier, '    ("close", 1): [\n', VERIFIED)
    assert copy.changed() == sorted([module, table, verifier])

    told = json.loads(copy.run("-c", SEEN).splitlines()[-1])
    name, kinds, _ = told["group"]
    days = {kind: seen[2] for kind, seen in told.items()}
    assert (name, told["account"][0]) == ("toy", "close"), "the kind decides which way a case goes"
    assert kinds[-1] == "closed"
    assert days["group"] < days["account"], "without the two waits of the other way"
    tests = "tests/unit/decommission/casefiles/test_replay.py"
    copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", tests, "-k", "routes or table or closed")
