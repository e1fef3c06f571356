"""Canonical identity: the same thing written differently is the same thing. Pure.

A platform is told by the host of an address where the host is known, because people misname platforms; what is left
of the address after removing noise is the identity. Letters' case counts only where the platform counts it.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from libs.common.errors import DomainError

PLATFORM_BY_HOST = {
    "twitter.com": "x", "x.com": "x", "facebook.com": "facebook", "fb.com": "facebook", "instagram.com": "instagram",
    "youtube.com": "youtube", "linkedin.com": "linkedin", "flickr.com": "flickr", "snapchat.com": "snapchat",
    "reddit.com": "reddit", "weibo.com": "weibo", "weibo.cn": "weibo", "douyin.com": "douyin",
    "toutiao.com": "toutiao", "bilibili.com": "bilibili", "kuaishou.com": "kuaishou", "tiktok.com": "tiktok",
}  # fmt: skip
PLATFORM_ALIASES = {
    "twitter": "x", "intagram": "instagram", "you tube": "youtube", "linked in": "linkedin", "fb": "facebook",
    "微信": "wechat", "微信公众号": "wechat", "weixin": "wechat", "新浪微博": "weibo", "微博": "weibo",
    "抖音": "douyin",
    "今日头条": "toutiao", "快手": "kuaishou", "哔哩哔哩": "bilibili",
}  # fmt: skip


class UnreadableAddress(DomainError):
    """An address from which no identity can be read."""

    code = "unreadable_address"
    kind = "invalid"
    zh = "无法从地址识别对象:{address}"
    en = "No identity can be read from the address {address}"


@dataclass(frozen=True, slots=True)
class Canonical:
    """What an address stands for. `corrected` tells that the stated platform was overruled by the host."""

    platform: str
    identity: str
    corrected: bool = False


def canonical(kind: str, platform: str, address: str) -> Canonical:
    """The canonical identity of an asset. Raises UnreadableAddress naming the field and what would do."""
    stated = platform_name(platform)
    text = unicodedata.normalize("NFC", address.strip())
    if kind != "account" or not _is_web(text):
        return Canonical(stated, _plain(text))
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = (parts.hostname or "").lower()
    found = PLATFORM_BY_HOST.get(".".join(host.split(".")[-2:]))
    if found is None:
        path = unquote(parts.path).strip("/")
        return Canonical(stated, _plain(f"{host.removeprefix('www.')}/{path}".rstrip("/")))
    pieces = [piece.strip() for piece in unquote(parts.path).split("/") if piece.strip()]
    identity = _READERS.get(found, _first)(pieces, parts.query)
    if not identity:
        raise UnreadableAddress(field="address", accepted="the address of the account's own page", address=address)
    return Canonical(found, identity, corrected=found != stated)


def platform_name(text: str) -> str:
    """A platform's one name: lower case, aliases and common misspellings resolved."""
    name = " ".join(unicodedata.normalize("NFC", text).lower().split())
    return PLATFORM_ALIASES.get(name, name)


def _is_web(text: str) -> bool:
    return "://" in text or bool(re.match(r"^[a-z0-9-]+(\.[a-z0-9-]+)+/", text, re.IGNORECASE))


def _plain(text: str) -> str:
    """An identifier that is no known address: a package name, a group's number, a WeChat id."""
    name = " ".join(text.split())
    if not name:
        raise UnreadableAddress(field="address", accepted="a URL, package name or id", address=text)
    return name.lower() if _is_web(name) else name


def _first(pieces: Sequence[str], _: str) -> str:
    return pieces[0].removeprefix("@").lower() if pieces else ""


def _facebook(pieces: Sequence[str], query: str) -> str:
    if not pieces:
        return ""
    head = pieces[0].lower()
    if head == "profile.php":
        return parse_qs(query).get("id", [""])[0]
    if head in ("pages", "people") and len(pieces) >= 3:
        return pieces[2]  # the number identifies the page, its name is decoration
    if head in ("pg", "pages", "people") and len(pieces) >= 2:
        head = pieces[1].lower()
    numbered = re.search(r"-(\d{6,})$", head)  # facebook.com/Some-Name-745106998847176
    return numbered[1] if numbered else head


def _youtube(pieces: Sequence[str], _: str) -> str:
    if not pieces:
        return ""
    head = pieces[0].lower()
    if head == "channel" and len(pieces) >= 2:
        return f"channel/{pieces[1]}"  # the one kind of name in which case counts
    if head in ("user", "c") and len(pieces) >= 2:
        return f"{head}/{pieces[1].lower()}"
    return head


def _linkedin(pieces: Sequence[str], _: str) -> str:
    # companies, showcases and people are three namespaces
    return f"{pieces[0]}/{pieces[1]}".lower() if len(pieces) >= 2 else ""


def _second(pieces: Sequence[str], _: str) -> str:
    return pieces[1].lower() if len(pieces) >= 2 else ""


_READERS: dict[str, Callable[[Sequence[str], str], str]] = {
    "facebook": _facebook, "youtube": _youtube, "linkedin": _linkedin,
    "flickr": _second, "snapchat": _second, "reddit": _second, "weibo": _first,
}  # fmt: skip
