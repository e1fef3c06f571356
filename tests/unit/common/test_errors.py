"""What callers are told, in two languages."""

from libs.common.errors import Forbidden
from libs.common.text import Text


def test_an_argument_that_is_text_is_said_in_the_language_of_the_rest() -> None:
    error = Forbidden(why=Text("角色不符", "another role is needed"))
    assert (error.text.zh, error.text.en) == ("没有权限:角色不符", "Not allowed: another role is needed")
    assert str(error) == error.text.en
