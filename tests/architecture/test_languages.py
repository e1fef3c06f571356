"""A Chinese reader is told everything in Chinese, to the end."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError

from libs.common.http import bodies
from services.decommission.cases import states, transitions, words
from services.decommission.cases.domain import IllegalEntry
from services.registry.assets.transitions import EVENTS, TRANSITIONS, IllegalTransition
from tests.architecture import inputs, languages
from tests.architecture.test_inputs import of_decommission, of_monitor, of_registry

ODD: list[Any] = [
    None,
    True,
    7,
    -1,
    2.5,
    1e9,
    10**30,
    "",
    " ",
    "x",
    "x\0",
    "2026-02-30",
    "2026-02-30T00:00:00Z",
    "1999-01-01",
    "ftp://x",
    "https://u:p@x/",
    "https://x/{}",
    "x" * 30_000,
    [],
    ["x"],
    [7] * 30,
    [None],
    {},
    {"kty": "RSA"},
    {"d": "x"},
]


def test_every_refusal_has_its_words_in_both_languages() -> None:
    assert list(languages.templates()) == []
    assert list(languages.arguments()) == []


def test_a_planted_break_is_caught(tmp_path: Path) -> None:
    code = tmp_path / "services" / "x.py"
    code.parent.mkdir()
    (tmp_path / "libs").mkdir()
    code.write_text(
        'Invalid(field="a", why="too late")\nMissing(what=f"plan {x}")\nInvalid(why=str(error))\n'
        'Invalid(why=Text("too late", "too late"))\nInvalid(why=Text("过晚", "过晚"))\n'
        'Invalid(why=Text("过晚", "too late"))\nMissing(what=which)\nMissing(what=f"{a}/{b}")\n'
    )
    assert [each.split(":")[1] for each in languages.arguments(tmp_path)] == ["1", "2", "3", "4", "5"]


def test_states_and_what_is_done_to_them_have_their_words() -> None:
    entries = set(transitions.LEGAL) | {"fix"}
    places = states.OPEN | states.ENDED
    assert (entries | places) - set(words.WORDS) == set()
    assert {word for pair in TRANSITIONS for word in pair} | EVENTS | {"closed", "amend"} <= set(
        IllegalTransition.words
    )
    said = IllegalEntry(state="answering", entry="restore_asked").text.zh
    assert said == "个案处于 待答复 状态,不允许 恢复。"


def models(tmp_path: Path) -> set[Any]:
    """Whatever a body is read as, and what strangers send over Kafka."""
    found: set[Any] = set(inputs.intake_events())
    for build in (of_registry, of_monitor, of_decommission):
        for route in iter_route_contexts(build(tmp_path).routes):
            if isinstance(route.original_route, APIRoute):
                found |= {field.field_info.annotation for field in route.dependant.body_params}
    return found


async def test_whatever_is_wrong_with_a_body_is_said_in_chinese(tmp_path: Path) -> None:
    """Every field of every body with every odd value: what comes back says in Chinese what is wrong."""
    seen = set()
    for model in models(tmp_path):
        fields = getattr(model, "model_fields", {})
        tried = [*ODD, *({name: odd, "no_such": 1} for name in fields for odd in ODD)]
        for given in tried:
            try:
                TypeAdapter(model).validate_python(given)
            except ValidationError as error:
                found = error.errors(include_url=False)
                for fault, said in zip(found, bodies.faults(found, model), strict=False):
                    seen.add(fault["type"])
                    assert said.text.zh != bodies.UNFIT, fault
                    assert languages.HAN.search(said.text.zh), fault
                    assert not languages.ENGLISH.search(said.text.zh), said.text.zh
    assert len(seen) >= 15, seen


class Deep(BaseModel):
    names: list[str]


def test_a_json_that_is_none_is_said_in_both() -> None:
    with pytest.raises(ValidationError) as refused:
        Deep.model_validate_json("{")
    text = bodies.in_words(refused.value, Deep)
    zh, en = text.zh, text.en
    assert zh.startswith("body:须为有效的 JSON")
    assert en.startswith("body: expected JSON")
