"""The published language only grows: fields are added, never removed, retyped or made required (architecture 3)."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libs.common.events.vocabularies import KNOWN, NAME
from tests.contract import additive, published, update, vocabularies
from tests.contract.additive import event_breaks

HELD = published.snapshots(published.EVENTS)
CLASSES = {cls.TYPE: cls for cls in published.event_classes()}


@pytest.mark.parametrize("name", sorted(HELD))
def test_what_was_published_still_holds(name: str) -> None:
    """Old records stay readable, old readers stay served."""
    assert name in CLASSES, f"{name} was published and is gone"
    assert event_breaks(HELD[name], published.event_snapshot(CLASSES[name])) == []


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_published_is_recorded(name: str) -> None:
    """An addition is recorded in the commit that makes it: `python -m tests.contract.update`."""
    assert HELD.get(name) == published.event_snapshot(CLASSES[name]), "run python -m tests.contract.update events"


def drop(snapshot: Any) -> None:
    del snapshot["schema"]["properties"]["basis"]


def drop_inside(snapshot: Any) -> None:
    del snapshot["schema"]["$defs"]["SignalRead"]["properties"]["source"]


def retype(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["rule"]["type"] = "integer"


def retype_inside(snapshot: Any) -> None:
    snapshot["schema"]["$defs"]["SignalRead"]["properties"]["name"]["type"] = "integer"


def reformat(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["business_day"]["format"] = "date-time"


def make_nullable(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["basis"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def make_certain(snapshot: Any) -> None:
    snapshot["schema"]["$defs"]["SignalRead"]["properties"]["value"] = {"type": "number"}


def require_new(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["added"] = {"type": "string"}
    snapshot["schema"]["required"].append("added")


def require_less(snapshot: Any) -> None:
    snapshot["schema"]["required"].remove("basis")


def limit(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["when"]["maxLength"] = 100


def single(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["signals"] = {"$ref": "#/$defs/SignalRead"}


def move(snapshot: Any) -> None:
    snapshot["topic"] = "jianfu.findings"


def rekey(snapshot: Any) -> None:
    snapshot["key"] = "finding_id"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop, "basis: removed"),
        (drop_inside, "signals[].source: removed"),
        (retype, "rule: was string, is integer"),
        (retype_inside, "signals[].name: was string, is integer"),
        (reformat, "business_day: format was date, is date-time"),
        (make_nullable, "basis: can now be null"),
        (make_certain, "signals[].value: null is no longer"),
        (require_new, "added: is now required"),
        (require_less, "basis: is no longer always there"),
        (limit, "when: maxLength was None, is 100"),
        (single, "signals: was array, is object"),
        (move, "topic: was jianfu.monitor, is jianfu.findings"),
        (rekey, "key: was asset_id, is finding_id"),
    ],
)
def test_a_planted_break_is_caught(change: Callable[[Any], None], said: str, tmp_path: Path) -> None:
    """Each way of breaking a reader is seen, by the test above and by the script that records."""
    held = HELD["finding.opened"]
    broken = copy.deepcopy(held)
    change(broken)
    found = event_breaks(held, broken)
    assert any(each.startswith(said) for each in found), found
    (tmp_path / "finding.opened.json").write_text(published.written(held))
    assert update.record(tmp_path, {"finding.opened": broken}, event_breaks)
    assert published.snapshots(tmp_path) == {"finding.opened": held}


def new_value(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["kind"]["enum"].append("website")


def lost_value(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["kind"]["enum"].remove("group")


def any_value(snapshot: Any) -> None:
    del snapshot["schema"]["properties"]["kind"]["enum"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (new_value, "kind: a reader may now meet ['website']"),
        (lost_value, "kind: no longer takes ['group']"),
        (any_value, "kind: a reader may now meet any value"),
    ],
)
def test_a_closed_set_of_values_neither_grows_nor_shrinks(
    change: Callable[[Any], None], said: str, tmp_path: Path
) -> None:
    """What strangers send is a closed set: it is judged when it comes in."""
    held = HELD["asset.declared"]
    broken = copy.deepcopy(held)
    change(broken)
    found = event_breaks(held, broken)
    assert any(each.startswith(said) for each in found), found
    (tmp_path / "asset.declared.json").write_text(published.written(held))
    assert update.record(tmp_path, {"asset.declared": broken}, event_breaks)
    assert published.snapshots(tmp_path) == {"asset.declared": held}


WITH_WORDS = sorted({place.rpartition(".")[::2] for places in vocabularies.fields().values() for place in places})


def words_of(snapshot: Any, field: str) -> Any:
    """The part of a field's schema that names its vocabulary, where null may stand too."""
    schema = snapshot["schema"]["properties"][field]
    return next(part for part in (schema, *schema.get("anyOf", ())) if NAME in part)


@pytest.mark.parametrize(("kind", "field"), WITH_WORDS)
def test_a_vocabulary_grows_and_never_shrinks(kind: str, field: str, tmp_path: Path) -> None:
    """An addition passes and is recorded; a removal, a closing, another vocabulary and a shorter bound do not."""
    held = HELD[kind]
    grown = copy.deepcopy(held)
    words_of(grown, field)[KNOWN].append("a-new-word")
    assert event_breaks(held, grown) == []
    (tmp_path / f"{kind}.json").write_text(published.written(held))
    assert update.record(tmp_path, {kind: grown}, event_breaks) == []
    assert published.snapshots(tmp_path) == {kind: grown}
    lost = event_breaks(grown, held)
    assert any("no longer lists ['a-new-word']" in each or "no longer among what it can be" in each for each in lost)
    for change in (
        {"enum": words_of(held, field)[KNOWN]},
        {NAME: "others"},
        {KNOWN: words_of(held, field)[KNOWN][1:]},
        {"maxLength": 10},
        {"pattern": "^[a-z]+$"},
    ):
        cut = copy.deepcopy(held)
        words_of(cut, field).update(change)
        assert event_breaks(held, cut) != [], change


def test_no_event_of_a_service_holds_a_closed_set_of_values() -> None:
    """All its words are of a vocabulary; only what strangers send is judged by closed sets."""
    closed = {
        kind: found for kind, cls in CLASSES.items() if (found := vocabularies.closed_sets(cls.model_json_schema()))
    }
    assert sorted(closed) == ["asset.corrected", "asset.declared", "asset.delisted"]
    assert all(found == [["app", "account", "group"]] for found in closed.values())


def test_a_removed_event_is_caught(tmp_path: Path) -> None:
    """A type is published for as long as its topic keeps records."""
    (tmp_path / "case.closed.json").write_text(published.written(HELD["case.closed"]))
    assert update.record(tmp_path, {}, event_breaks) == ["case.closed: removed"]


def add_optional(snapshot: Any) -> None:
    snapshot["schema"]["properties"]["added"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


def describe(snapshot: Any) -> None:
    snapshot["schema"]["description"] = "In other words."
    snapshot["schema"]["properties"]["rule"]["title"] = "Regel"


def reorder(snapshot: Any) -> None:
    schema = snapshot["schema"]
    schema["properties"] = dict(reversed(schema["properties"].items()))
    schema["required"].reverse()


def rename_definition(snapshot: Any) -> None:
    schema = snapshot["schema"]
    schema["$defs"] = {"Signal": schema["$defs"]["SignalRead"]}
    schema["properties"]["signals"]["items"]["$ref"] = "#/$defs/Signal"


@pytest.mark.parametrize("change", [add_optional, describe, reorder, rename_definition])
def test_an_addition_passes(change: Callable[[Any], None], tmp_path: Path) -> None:
    """What no reader notices is recorded without a word."""
    held = HELD["finding.opened"]
    grown = copy.deepcopy(held)
    change(grown)
    assert grown != held or change is reorder
    assert event_breaks(held, grown) == []
    (tmp_path / "finding.opened.json").write_text(published.written(held))
    assert update.record(tmp_path, {"finding.opened": grown}, event_breaks) == []
    assert published.snapshots(tmp_path) == {"finding.opened": grown}


@pytest.mark.parametrize(
    ("old", "new", "ways"),
    [
        ({"type": "string", "maxLength": 10}, {"type": "string", "maxLength": 20}, {"event", "in", "out"}),
        ({"type": "string", "maxLength": 20}, {"type": "string", "maxLength": 10}, {"out"}),
        ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}, {"out"}),
        ({"type": "integer", "minimum": 1}, {"type": "integer"}, {"event", "in", "out"}),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, {"in"}),
        ({"enum": ["a", "b"]}, {"const": "a"}, {"out"}),
        ({"type": "string"}, {}, {"in"}),
        ({}, {"type": "string"}, {"out"}),
        ({"type": "string"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, {"in"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}, {"out"}),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}}, set()),
    ],
)
def test_who_reads_and_who_writes(old: Any, new: Any, ways: set[str]) -> None:
    """A reader may come to accept more, a writer may come to say less; an event has both on both sides."""
    assert {way for way in ("event", "in", "out") if not additive.schema_breaks(old, new, way)} == ways  # type: ignore[arg-type]
