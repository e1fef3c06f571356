"""Addresses carry no secret in their query: it is refused when it is set, and not shown where it was let in before."""

import pytest

from services.decommission.calls.addresses import check_secrets, filled, shown

SECRET = [
    ("https://a/b?access_token=abc", "https://a/b?access_token=***"),
    ("https://a/b?v=1&apiKey=abc&w=2", "https://a/b?v=1&apiKey=***&w=2"),
    ("https://a/b?api%5Fkey=abc", "https://a/b?api%5Fkey=***"),
    ("https://a/b?sig=abc#c", "https://a/b?sig=***#c"),
    ("https://a/b?PASSWORD=a&id={identity}", "https://a/b?PASSWORD=***&id={identity}"),
]
PLAIN = [
    "https://a/b",
    "https://a/b?",
    "https://a/b?stop",
    "https://a/b?key={identity}",
    "https://a/b?keyword=x&monkey=y",
    "https://a/{platform}/{identity}?token=",
    "https://a/tokens/secret",
]


@pytest.mark.parametrize(("url", "read_back"), SECRET)
def test_a_secret_is_refused_and_never_shown(url: str, read_back: str) -> None:
    with pytest.raises(ValueError, match="without a secret"):
        check_secrets(url)
    assert shown(url) == read_back


@pytest.mark.parametrize("url", PLAIN)
def test_what_is_no_secret_stays_as_it_is(url: str) -> None:
    check_secrets(url)
    assert shown(url) == url


def test_a_template_is_judged_and_tried_with_its_braces_filled() -> None:
    assert filled("https://a/{platform}/{identity}") == "https://a/jianfu-test/jianfu-test"
