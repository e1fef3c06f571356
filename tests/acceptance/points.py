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
    "begin_setup_test": "only who tries an address; tests/integration/decommission/connectors/test_setup.py plays it",
    "end_setup_test": "the same",
    "watch_plan": "only a plan that nobody signs for days; tests/integration/decommission/waits/test_waits.py plays it",
    "void_plan": "only a plan all of whose cases were taken from it; decommission/alarms/test_alarms.py plays it",
    "park_case": "only a step that makes no progress leads there, and none is known",
}


def names(file: Path) -> Iterator[tuple[str, str]]:
    """(what, name) for every `.transaction("name")`, `.point("name")`, `perform(…)` and `observe(…)` in a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if ast.unparse(node.func) in ("perform", "observe"):
            yield from of_effect(node)
        if not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("transaction", "point") and isinstance(node.args[0], ast.Constant):
            yield node.func.attr, str(node.args[0].value)


def of_effect(call: ast.Call) -> Iterator[tuple[str, str]]:
    """The same for an external effect: its two points by its step, and the transactions around it by their names."""
    step = call.args[2]
    assert isinstance(step, ast.Constant), "a step is named where it is performed"
    yield from (("point", f"decommission.{step.value}.{moment}-effect") for moment in ("before", "after"))
    for word in call.keywords:
        if word.arg in ("begin", "end"):
            names = word.value.values if isinstance(word.value, ast.Dict) else [word.value]
            yield from (("transaction", str(name.value)) for name in names if isinstance(name, ast.Constant))


def points() -> list[str]:
    """Every named point of every service that a story can reach."""
    found: set[str] = set()
    for service in SERVICES:
        for file in (ROOT / "services" / service).rglob("*.py"):
            for what, name in names(file):
                if what == "point":
                    found.add(name)
                elif name not in UNREACHED:
                    found |= {f"{service}.{name}.before-commit", f"{service}.{name}.after-commit"}
        for file in (ROOT / "libs" / "common").rglob("*.py"):
            for what, name in names(file):
                if what == "transaction" and name not in UNREACHED:
                    found |= {f"{service}.{name}.before-commit", f"{service}.{name}.after-commit"}
        found |= {f"{service}.relay.{moment}" for moment in ("before-publish", "after-publish", "after-commit")}
    return sorted(found)
