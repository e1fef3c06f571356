"""How each platform names accounts in its addresses: pieces of a path and a query to one canonical name. Pure.

A reader also reads its own answer, and a name given without address. The empty string means that no account is named.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

Query = Mapping[str, Sequence[str]]  # the values a query gives each name, decoded, never blank
Reader = Callable[[Sequence[str], Query], str]

TAILS = frozenset({"about", "featured"})
# Pages of a platform itself, where a careless copy may stand for an account's address.
NO_ACCOUNT = {
    "x": {"i", "home", "hashtag", "search", "intent", "share", "explore", "settings", "login"},
    "instagram": {"p", "reel", "reels", "explore", "accounts", "tv", "stories"},
    "facebook": {
        "events", "hashtag", "home.php", "l.php", "login", "permalink.php", "photo", "photo.php", "reel", "share",
        "share.php", "sharer", "sharer.php", "story.php", "watch",
    },
    "youtube": {"embed", "feed", "live", "playlist", "results", "shorts", "watch"},
}  # fmt: skip


def fold(text: str) -> str:
    """Without the case of letters, NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def path(pieces: Sequence[str], _: Query | None = None) -> str:
    """The whole path, its case kept, without what only names a tab of the page."""
    kept = list(pieces)
    if "admin" in kept[1:]:
        kept = kept[: kept.index("admin", 1)]
    while len(kept) > 1 and kept[-1].lower() in TAILS:
        kept.pop()
    return "/".join(kept)


def _first(query: Query, name: str) -> str:
    """The first value of a name that is an id: letters, digits and what base64 and WeChat add; else nothing."""
    value = query.get(name, [""])[0]
    return value if re.fullmatch(r"[A-Za-z0-9_=-]+", value) else ""


def _handle(platform: str) -> Reader:
    def read(pieces: Sequence[str], _: Query) -> str:
        name = fold(pieces[0]).removeprefix("@") if pieces else ""
        return "" if name in NO_ACCOUNT.get(platform, ()) else name

    return read


def _facebook(pieces: Sequence[str], query: Query) -> str:
    """A name or number. `Some-Name-745106998847176` is the number: names hold no hyphen, so Facebook made it up."""
    if not pieces:
        return ""
    head = fold(pieces[0])
    if head == "profile.php":
        return _first(query, "id")
    if head == "groups":
        return f"groups/{fold(pieces[1])}" if len(pieces) >= 2 else ""
    if head in ("pages", "people"):
        rest = pieces[3:] if len(pieces) >= 2 and fold(pieces[1]) == "category" else pieces[1:]
        number = next((piece for piece in rest if piece.isdecimal() or piece.startswith("pfbid")), None)
        if number is not None:
            return number  # the name before it is decoration
        head = fold(rest[0]) if rest else ""
    if head == "pg":
        head = fold(pieces[1]) if len(pieces) >= 2 else ""
    numbered = re.search(r"-(\d{6,})$", head)
    return numbered[1] if numbered else "" if head in NO_ACCOUNT["facebook"] else head


def _youtube(pieces: Sequence[str], _: Query) -> str:
    """`channel/UC…`, `user/…`, `c/…`, `@…` and the bare name are five kinds of names; only the first has case."""
    if not pieces:
        return ""
    head = fold(pieces[0])
    if head == "channel":
        return f"channel/{pieces[1]}" if len(pieces) >= 2 else ""
    if head in ("user", "c"):
        return f"{head}/{fold(pieces[1])}" if len(pieces) >= 2 else ""
    return "" if head in NO_ACCOUNT["youtube"] else head


def _linkedin(pieces: Sequence[str], _: Query) -> str:
    """Companies, their showcases, schools and people are kinds of names of their own."""
    head = {"company-beta": "company"}.get(fold(pieces[0]), fold(pieces[0])) if pieces else ""
    if head not in ("company", "showcase", "school", "in") or len(pieces) < 2:
        return ""
    return f"{head}/{fold(pieces[1])}"


def _below(*heads: str, apart: Sequence[str] = ()) -> Reader:
    """The name stands below one of `heads` or alone; what stands below one of `apart` is another kind of name."""

    def read(pieces: Sequence[str], _: Query) -> str:
        if not pieces:
            return ""
        head = fold(pieces[0])
        if head in heads or head in apart:
            if len(pieces) < 2:
                return ""
            name = fold(pieces[1])
            return name if head in heads else f"{head}/{name}"
        return head.removeprefix("@")

    return read


def _wechat(pieces: Sequence[str], query: Query) -> str:
    """A WeChat id as it is, or the `__biz` of an account's page; an article's address names no account."""
    if "__biz" in query:
        number = _first(query, "__biz")
        return f"biz/{number}" if number else ""
    if "username" in query:  # the picture of its QR code
        return _first(query, "username")
    return "" if pieces and pieces[0] in ("s", "mp") else "/".join(pieces)


def _bilibili(pieces: Sequence[str], _: Query) -> str:
    """The number of a space, without the tab of it that is shown."""
    rest = pieces[1:] if pieces and fold(pieces[0]) == "space" else pieces
    return rest[0] if rest and rest[0].isdecimal() else path(rest)


def _zhihu(pieces: Sequence[str], _: Query) -> str:
    """Organisations and people are kinds of names of their own; what stands below a name is a tab of its page."""
    head = fold(pieces[0]) if pieces else ""
    if head not in ("org", "people"):
        return path(pieces)
    return f"{head}/{pieces[1]}" if len(pieces) >= 2 else ""


READERS: dict[str, Reader] = {
    "x": _handle("x"), "instagram": _handle("instagram"), "tiktok": _handle("tiktok"),
    "facebook": _facebook, "youtube": _youtube, "linkedin": _linkedin,
    "flickr": _below("photos", "people", apart=("groups",)), "snapchat": _below("add", apart=("p",)),
    "reddit": _below("user", "u", apart=("r",)), "weibo": _below("u", "profile", apart=("n", "p")),
    "wechat": _wechat, "bilibili": _bilibili, "zhihu": _zhihu,
}  # fmt: skip
