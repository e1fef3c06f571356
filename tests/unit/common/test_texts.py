"""What reaches a person is one text in two languages, with its code and parameters."""

import pytest

from libs.common.errors import DomainError, VersionConflict
from libs.common.text import Text, joined


def test_a_parameter_that_is_a_text_is_said_in_the_language_of_the_rest() -> None:
    text = Text("令牌无效:{why}", "the token is not valid: {why}", "bad").format(why=Text("过长", "it is too long"))
    assert (text.zh, text.en, text.code) == ("令牌无效:过长", "the token is not valid: it is too long", "bad")
    assert text.params["why"] == Text("过长", "it is too long")


@pytest.mark.parametrize(("asked", "said"), [("zh-CN,en;q=0.5", "中"), ("ZH", "中"), ("en, zh;q=0.9", "e"), ("", "e")])
def test_the_language_is_the_callers(asked: str, said: str) -> None:
    assert Text("中", "e").in_(asked) == said


def test_several_texts_are_one_in_each_language() -> None:
    assert joined([Text("一", "one"), Text("二", "two")]) == Text("一;二", "one; two")


def test_an_error_carries_its_code_and_parameters() -> None:
    text = VersionConflict(current=7).text
    assert (text.code, dict(text.params)) == ("version_conflict", {"current": 7})
    assert "7" in text.zh
    assert "7" in text.en


def test_a_word_of_ours_is_said_in_chinese() -> None:
    class Closed(DomainError):
        says = Text("已{state}", "it is {state}")
        words = {"closed": "关停"}  # noqa: RUF012

    assert Closed(state="closed").text.zh == "已关停"
    assert Closed(state="closed").text.en == "it is closed"


def test_braces_in_a_parameter_are_not_filled_again() -> None:
    assert Text("{a}", "{a}").format(a="{b}").en == "{b}"
