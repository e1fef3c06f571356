"""Who gets a page and who gets JSON, and what a page may load."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from libs.common.http import pages


def asked(accept: str | None) -> bool:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return pages.wanted(Request({"type": "http", "headers": headers}))


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML; q=0.9", True),
        ("text/html;q=0", False),
        ("text/html;q=0.0", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html, application/json", True),
        ("text/html;charset=utf-8;q=0.5, application/json;q=0.4", True),
        ("text/html;q=nonsense", False),
        ("text/htmlx", False),
        ("text/*", False),
    ],
)
def test_a_page_is_for_who_asks_for_one(accept: str | None, page: bool) -> None:
    assert asked(accept) is page


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), max_size=60))
def test_any_header_can_be_read(accept: str) -> None:
    asked(accept)


def test_a_page_may_use_its_own_style_and_nothing_else() -> None:
    policy = pages.HEADERS["Content-Security-Policy"]
    digest = b64encode(sha256(pages.STYLE.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert re.findall(r"'(sha256-[^']+)'", policy) == [f"sha256-{digest}"]
    assert "unsafe" not in policy
    assert "http" not in policy.replace("https", "")
