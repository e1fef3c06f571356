"""Languages as lists write them."""

import pytest

from services.registry.spelling.languages import language_tag


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("English", "en"),
        ("Bilingual", "mul"),
        ("bilingue", "mul"),
        ("FRANÇAIS", "fr"),
        ("中文", "zh"),
        ("zh-Hans", "zh-hans"),
        ("", "und"),
        ("Deutsch", "und"),
        ("e-n", "und"),
    ],
)
def test_languages_become_tags(said: str, tag: str) -> None:
    assert language_tag(said) == tag
