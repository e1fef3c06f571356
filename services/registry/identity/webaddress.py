"""A web address read as a browser reads it (WHATWG URL): the page that would be opened is judged. Pure.

An address is refused where a browser refuses it, and where people would read it otherwise than a browser: a backslash,
a name before the host, a port of the other scheme, an address behind an address.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote, unquote_plus

import ada_url

from libs.common.security.visible import is_invisible

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"https?:/*([^/?#]*)", re.IGNORECASE)
# Refuse `@` (a user name before the host) and these characters in a host, though a browser may decode them.
_NO_HOST = re.compile(r"[@\s%<>^|\\]")
_RESERVED = re.compile(r"%(2f|3f|23|25|5c)", re.IGNORECASE)  # decoding these would change the meaning of the address
_BEHIND = re.compile(r"https?:(?:/|$)", re.IGNORECASE)
_STRICT = re.compile(r"https?://[^/]", re.IGNORECASE)
_OTHER_PORT = frozenset({"80", "443"})  # the port of the scheme itself is dropped by the parser


class NoAddress(ValueError):
    """A browser would not open the address, or would open another page than people read."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query in its order: names and values as written. A name without `=` has the value None."""

    pairs: Sequence[tuple[str, str | None]]

    @classmethod
    def read(cls, text: str) -> "Query":
        parts = (part.partition("=") for part in text.split("&") if part.strip("="))
        return cls(pairs=[(name, value if equals else None) for name, equals, value in parts])

    @cached_property
    def spellings(self) -> dict[str, list[str]]:
        """How each name is written, each time, by its small letters."""
        spellings: dict[str, list[str]] = {}
        for name, _ in self.pairs:
            with suppress(NoAddress):
                spellings.setdefault(_spelt(name), []).append(name)
        return spellings

    def one(self, name: str) -> str | None:
        """The value of a name; None without one. Raises NoAddress where it occurs twice or is oddly spelt.

        Platforms differ in the spelling they accept and in whether the first or the last value counts.
        """
        if self.spellings.get(_spelt(name), [name]) != [name]:
            raise NoAddress(name)
        return next((value_of(value or "") for each, value in self.pairs if each == name), "") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The parts of a web address: `host` in Unicode, without a final dot, with a port that is not its scheme's.

    `strict` is one that is written in full; a browser also opens `https:x.example` and `https:/x.example`.
    """

    host: str
    pieces: tuple[str, ...]
    raw: tuple[str, ...]  # the same, not decoded
    query: Query
    fragment: str
    strict: bool


def web(text: str) -> Web:
    """Raises NoAddress."""
    text = re.sub(r"&(?:(?:amp|#38|#x26);)+", "&", text, flags=re.IGNORECASE)  # as copied out of a page's source
    scheme = _SCHEME.match(text)
    if scheme is None:
        text = f"http://{text}" if re.match(r"[^/?#]*:80(?:[/?#]|$)", text) else f"https://{text}"
    elif scheme[0].lower() not in ("http:", "https:"):
        if not re.match(r"[^/?#@]+\.[^/?#@]+:\d+(?:[/?#]|$)", text):  # `a.example:8080/x` looks like a scheme
            raise NoAddress(text)
        text = f"https://{text}"
    authority = _AUTHORITY.match(text)
    if authority is None or _NO_HOST.search(authority[1]) or "\\" in text or _unshown(text):
        raise NoAddress(text)
    try:
        parts = ada_url.URL(text)
    except ValueError:
        raise NoAddress(text) from None
    if parts.port in _OTHER_PORT or parts.username or parts.password:
        raise NoAddress(text)
    host = _host(parts.hostname) + (f":{parts.port}" if parts.port else "")
    read = [(piece, kept) for piece in parts.pathname.split("/") if (kept := decoded(piece))]
    raw, pieces = tuple(piece for piece, _ in read), tuple(kept for _, kept in read)
    behind = unicodedata.normalize("NFKC", "/".join(pieces)), parts.search, parts.hash
    if any(_BEHIND.search(part) for part in behind):
        raise NoAddress(text)  # an address behind an address, or two in one cell
    strict = scheme is None or bool(_STRICT.match(text))
    return Web(
        host=host,
        pieces=pieces,
        raw=raw,
        query=Query.read(parts.search.removeprefix("?")),
        fragment=parts.hash.removeprefix("#"),
        strict=strict,
    )


def _host(name: str) -> str:
    """A host in Unicode, without the dot at its end. Raises NoAddress for one that is none or would be another's."""
    name = name.removesuffix(".")
    labels = name.split(".")
    if (
        not all(re.fullmatch(r"[\w-]+", label) for label in labels)
        or name.startswith("[")
        or len(name) > 253
        or any(len(label) > 63 for label in labels)
    ):
        raise NoAddress(name)
    if labels[-1].lower().endswith(("http", "https")) or name in ("www", "http", "https"):
        raise NoAddress(name)  # `weibo.comhttps://weibo.com`
    if "xn--" not in name:
        return name
    shown = str(ada_url.idna.decode(name))
    if any(label.startswith("xn--") for label in shown.split(".")) or _unshown(shown):  # no Punycode, or not its own
        raise NoAddress(name)
    if any(unicodedata.category(char)[0] in "PZ" and char not in "-._·・" for char in shown):  # `a.cn、b.cn`
        raise NoAddress(name)
    return shown


def decoded(text: str) -> str:
    """Percent-decoded once, but for characters that would then mean something else; NFC, blanks collapsed.

    Bytes that are not UTF-8 (older Chinese pages write GBK) stay as written: decoded, they would all be the same.
    Raises NoAddress where the text cannot be shown, or would be read otherwise the next time.
    """
    try:
        plain = unquote(_RESERVED.sub(lambda match: "%25" + match[1].upper(), text), errors="strict")
    except UnicodeDecodeError:
        plain = re.sub(r"%[0-9a-f]{2}", lambda match: match[0].upper(), text, flags=re.IGNORECASE)
    if _unshown(plain):
        raise NoAddress(text)
    kept = unicodedata.normalize("NFC", " ".join(plain.split()))
    if kept in (".", ".."):  # a browser has resolved those that are written as such
        raise NoAddress(text)
    return kept


def _spelt(name: str) -> str:
    """A query name as the most lenient server reads it: without case, `a.b` and ` a b` as `a_b`, `a[1]` as `a`."""
    return re.sub(r"[. ]", "_", value_of(name).lower().partition("[")[0])


def value_of(text: str) -> str:
    """A value of a query, decoded from UTF-8 or else GBK. Raises NoAddress for one that is neither or is unseen."""
    try:
        plain = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        try:
            plain = unquote_plus(text, encoding="gb18030", errors="strict")
        except UnicodeDecodeError:
            raise NoAddress(text) from None
    if _unshown(plain.strip()):
        raise NoAddress(text)
    return unicodedata.normalize("NFC", " ".join(plain.split()))


def _unshown(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cs") or is_invisible(char) for char in text)
