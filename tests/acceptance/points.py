"""The list of crash points, read from the code itself: a new transaction or effect is in it without being added."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "monitor", "decommission")

# Points that no story can reach, each with the reason.
UNREACHED = {
    "prune": "runs once an hour of machine time",
    "refuse_checkpoint": "only a checkpoint that its database's owner altered leads there",
    "set_aside": "only a sender with fifty refusals in a row; tests/integration/common/test_senders.py plays it",
    "park": "only records of a sender that is set aside; the same",
    "decide_held_day": "a page of decisions; tests/integration/registry/guard/test_guard.py repeats it",
    "unpark": "only what was counted of such a sender and not kept; the same",
    "release": "only an operator who releases such a sender; the same",
    "refuse_parked": "only a parked record that is refused once its sender was released; the same",
    "fill_looks": "done before a story begins; tests/integration/registry/verification/test_verify.py repeats it",
    "note_refusal": "only what is refused over HTTP; tests/integration/registry/intake/test_refused.py plays it",
    "begin_setup_test": "only somebody who tries an address; tests/integration/decommission/test_setup.py plays it",
    "end_setup_test": "the same",
    "watch_plan": "only a plan that nobody signs for three days; tests/integration/decommission/test_waits.py plays it",
    "void_plan": "only a plan all of whose cases were taken from it; test_alarms.py beside it plays it",
    "park_case": "only a step that makes no progress leads there, and none is known",
}


def _names(file: Path) -> Iterator[tuple[str, str]]:
    """(what, name) for every `.transaction("name")` and `faults.point("name")` in a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if node.func.attr in ("transaction", "point") and isinstance(node.args[0], ast.Constant):
            yield node.func.attr, str(node.args[0].value)


def points() -> list[str]:
    """Every named point of every service that a story can reach."""
    found: set[str] = set()
    for service in SERVICES:
        for file in (ROOT / "services" / service).rglob("*.py"):
            for what, name in _names(file):
                if what == "point":
                    found.add(name)
                elif name not in UNREACHED:
                    found |= {f"{service}.{name}.before-commit", f"{service}.{name}.after-commit"}
        for file in (ROOT / "libs" / "common").rglob("*.py"):
            for what, name in _names(file):
                if what == "transaction" and name not in UNREACHED:
                    found |= {f"{service}.{name}.before-commit", f"{service}.{name}.after-commit"}
        found |= {f"{service}.relay.{moment}" for moment in ("before-publish", "after-publish", "after-commit")}
    return sorted(found)
