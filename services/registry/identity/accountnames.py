"""Reading names by the tables of the platforms: pieces of a path and a query, or a text, to one identity. Pure.

An identity that was read reads as itself again. None means that no name fits: a rest of the text is never taken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from services.registry.identity.slips import names_nothing
from services.registry.identity.webaddress import Query
from services.registry.platforms.platform import Form, Platform
from services.registry.spelling.letters import lowered

_SELVES = frozenset(("me", "self", "my"))  # each reader's own page
_FILE = re.compile(r"\.(?:php|html?|aspx?|jsp|do|json|js|xml|txt|png|jpe?g|gif|svg)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page of a form, ready to compare: its `host`, if bound to one, and the name in a piece or in `asked`."""

    host: str | None
    pieces: tuple[re.Pattern[str], ...]
    asked: str | None
    bare: bool


@cache
def _page(at: str) -> _Page:
    host = None
    if at.startswith("//"):
        host, _, at = at[2:].partition("/")
    path, _, query = at.partition("?") if re.search(r"\?\w+=\{\}$", at) else (at, "", "")
    pieces = tuple(_piece(piece) for piece in path.split("/") if piece)
    return _Page(host=host, pieces=pieces, asked=query.removesuffix("={}") or None, bare=path == "{}" and host is None)


def _piece(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\}|\*|\?\?)", text)
    within = {"{}": "(?P<name>.+)", "*": ".+", "??": "[a-z]{2}"}
    return re.compile("".join(within.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)


def on_page(platform: Platform, host: str, pieces: Sequence[str], query: Query) -> str | None:
    """The identity behind a page of the platform. Raises NoAddress for a query with two names or an odd spelling."""
    if any(name.lower() in query.spellings for name in platform.posts):
        return None  # the page shows one post, not an account
    site = host.removeprefix("www.")
    for form in platform.forms:
        for page in map(_page, form.at):
            if page.host is not None and page.host.removeprefix("www.") != site:
                continue
            if (identity := _matched(platform, form, page, pieces, query)) is not None:
                return identity
    return None


def of_text(platform: Platform, text: str) -> str | None:
    """The identity behind a name, a number or an identity without an address."""
    pieces = [piece.strip() for piece in text.split("/")]
    for form in platform.forms:
        for page in map(_page, (form.gives, *form.text, *form.at)):
            if page.asked or page.host or len(page.pieces) != len(pieces):
                continue
            if (identity := _matched(platform, form, page, pieces, None)) is not None:
                return identity
    return None


def _matched(platform: Platform, form: Form, page: _Page, pieces: Sequence[str], query: Query | None) -> str | None:
    if len(pieces) < len(page.pieces):
        return None
    text = None
    for wanted, piece in zip(page.pieces, pieces, strict=False):
        match = wanted.fullmatch(piece)
        if match is None:
            return None
        text = match.groupdict().get("name", text)
    if page.asked is not None:
        text = query.one(page.asked) if query is not None and len(pieces) == len(page.pieces) else None
    name = form.name.read(text) if text is not None else None
    if name is None:
        return None
    if lowered(name) in _SELVES and (query is not None or not page.bare):
        return None  # the page of its own reader
    if page.bare and (
        lowered(name) in platform.routes or lowered(name) in platform.tabs or _FILE.search(lowered(name))
    ):
        return None
    if page.bare and not name.isascii() and names_nothing(name):  # `weibo.com/无`
        return None
    tail = [lowered(piece) for piece in pieces[len(page.pieces) :]]
    if any(piece not in platform.tabs and piece != lowered(text or "") for piece in tail):
        return None
    return form.gives.format(name)


def in_gbk(raw: Sequence[str], pieces: Sequence[str]) -> Sequence[str]:
    """Read path pieces that are not UTF-8 as GBK; pieces that are neither stay as written."""
    read: list[str] = []
    for written, piece in zip(raw, pieces, strict=True):
        try:
            unquote(written, errors="strict")
            read.append(piece)
        except UnicodeDecodeError:
            try:
                read.append(unquote(written, encoding="gb18030", errors="strict"))
            except UnicodeDecodeError:
                read.append(piece)
    return read
