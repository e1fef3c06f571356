"""The one text type: what is stored has one form, a bound that counts folded letters, and can be shown."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from libs.common.strings import Plain


class Form(BaseModel):
    name: Annotated[str, Plain(10)]
    reason: Annotated[str, Plain(20, lines=True)] = "-"
    note: Annotated[str, Plain(5, least=0)] = ""


@pytest.mark.parametrize(
    "value", ["ß" * 6, "x" * 11, "ﬃ" * 4, "", "   ", "a\x00", "a\x1b[1m", "a\ud800", "a\uffff", "a\n"]
)
def test_what_cannot_be_stored_or_shown_is_refused(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Form(name=value)
    assert refused.value.errors()[0]["loc"] == ("name",)


def test_a_text_has_one_form() -> None:
    assert Form(name="e\u0301").name == "\u00e9"
    assert Form(name="ok", reason="one\nand\ttwo").reason == "one\nand\ttwo"
    assert Form(name="ok", note="").note == ""


def test_the_bounds_are_documented() -> None:
    properties = Form.model_json_schema()["properties"]
    assert (properties["name"]["minLength"], properties["name"]["maxLength"]) == (1, 10)
    assert "minLength" not in properties["note"]


@given(st.text(max_size=30))
def test_what_is_taken_can_be_taken_again(value: str) -> None:
    """What is stored once is never refused when it is read back, folded or not."""
    try:
        taken = Form(name=value).name
    except ValidationError:
        return
    assert Form(name=taken).name == taken
    assert len(taken.casefold()) <= 10
    taken.encode()
