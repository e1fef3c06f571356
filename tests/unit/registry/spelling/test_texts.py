"""Texts in the form in which they are stored and shown."""

import pytest

from libs.common.errors import DomainError, Invalid
from services.registry.spelling.texts import clean, shown


@pytest.mark.parametrize("text", ["", " \x1f ", "a\0b", "a\x01b", "\ud800"])
def test_text_that_no_database_or_id_could_hold_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        clean("name", text)


def test_names_for_showing_hold_nothing_invisible() -> None:
    assert shown("name", "\u202e示例\u200b发\ufeff布\u2066 \ufe0f\u3164") == "示例发布"
    with pytest.raises(Invalid):
        shown("name", "\u200b\u202e\u3164")
