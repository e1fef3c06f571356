"""Canonical identity: the same thing written differently is the same thing. Pure.

An account's platform is told by the host of its address where the host is known, because people misname platforms; what
is left of the address without noise is the identity (`accountnames.py` reads it per platform). Where the host is not
known the identity is host and path, the path's case kept, and the place after a `#` where a site keeps its pages there.
What cannot be told from an address is not guessed: a YouTube `user/x` and an `@x` may be one channel or two.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from libs.common.errors import DomainError
from services.registry.accountnames import READERS, Query, fold, path

PLATFORM_BY_HOST = {
    "twitter.com": "x", "x.com": "x", "facebook.com": "facebook", "fb.com": "facebook", "instagram.com": "instagram",
    "youtube.com": "youtube", "linkedin.com": "linkedin", "flickr.com": "flickr", "snapchat.com": "snapchat",
    "reddit.com": "reddit", "tiktok.com": "tiktok", "weibo.com": "weibo", "weibo.cn": "weibo",
    "weixin.qq.com": "wechat", "douyin.com": "douyin", "toutiao.com": "toutiao", "bilibili.com": "bilibili",
    "kuaishou.com": "kuaishou", "zhihu.com": "zhihu", "xiaohongshu.com": "xiaohongshu",
}  # fmt: skip
PLATFORM_ALIASES = {
    "twitter": "x", "twitter/x": "x", "x/twitter": "x", "x (twitter)": "x", "intagram": "instagram",
    "you tube": "youtube", "linked in": "linkedin", "fb": "facebook", "face book": "facebook",
    "微信": "wechat", "微信公众号": "wechat", "weixin": "wechat", "新浪微博": "weibo", "微博": "weibo",
    "sina weibo": "weibo", "抖音": "douyin", "今日头条": "toutiao", "头条号": "toutiao", "快手": "kuaishou",
    "哔哩哔哩": "bilibili", "b站": "bilibili", "知乎": "zhihu", "小红书": "xiaohongshu",
    "安卓": "android", "google play": "android", "苹果": "ios", "app store": "ios",
    "微信小程序": "wechat-mini-program", "支付宝小程序": "alipay-mini-program",
}  # fmt: skip
# Parts of the known platforms' sites that name no account: where one logs in, and short links to anything.
LOGINS = frozenset({"login", "passport", "sso"})
SHORT = frozenset({
    "v.douyin.com", "v.kuaishou.com", "vm.tiktok.com", "vt.tiktok.com", "l.facebook.com", "lm.facebook.com",
    "l.instagram.com", "link.zhihu.com",
})  # fmt: skip
STORES = {"play.google.com": "android", "apps.apple.com": "ios", "itunes.apple.com": "ios"}
KNOWN = frozenset(PLATFORM_BY_HOST.values())
_HOST_FIRST = re.compile(r"^[^\s/:@]+(\.[^\s/:@.]+)+(:\d+)?/", re.IGNORECASE)
_RESERVED = re.compile(r"%(2f|3f|23|25|5c)", re.IGNORECASE)  # decoded, these would change what the address says
# Before a host stands no name: where we would read `evil.example\@weibo.com` a browser goes to evil.example. Nor do the
# others stand in one: a browser refuses them, and who makes links of text ends the link there.
_NO_HOST = re.compile(r"[@\s%<>^|]")
# Where a page's query and not its path names what it is about; all else in a query is noise.
NAMING = frozenset({"id", "uid", "appid", "app_id", "apkname", "pkg", "package", "packagename", "pname"})
READ = NAMING | {"__biz", "username"}  # and on WeChat
MOST_BYTES = 1_000  # of an identity: what is longer fits no index


class UnreadableAddress(DomainError):
    """An address from which no identity can be read."""

    code = "unreadable_address"
    kind = "invalid"
    zh = "无法从地址识别对象:{address}"
    en = "No identity can be read from the address {address}"


@dataclass(frozen=True, slots=True)
class Canonical:
    """What an address stands for. `corrected`: its host overruled the stated platform; `blank`: it holds a blank."""

    platform: str
    identity: str
    corrected: bool = False
    blank: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.platform, self.identity


def canonical(kind: str, platform: str, address: str) -> Canonical:
    """The canonical identity of an asset. Raises UnreadableAddress naming the field and what would do."""
    stated = platform_name(platform)
    text = _tidy(address)
    if not text:
        raise _unreadable(address)
    found = _web(text, stated)
    if found is None:
        reader = READERS.get(stated, path) if kind == "account" and stated in KNOWN else None
        identity = reader([p.strip() for p in text.split("/") if p.strip()], {}) if reader else text
        return _checked(stated, identity, stated, address)
    host, parts = found
    pieces = [piece.strip() for piece in _decode(parts.path).split("/") if piece.strip()]
    if kind == "app":
        return _checked(*_app(host, pieces, parts, stated), stated, address)
    on = _known(host)
    if on is None:
        # An address elsewhere is no account of a known platform, whatever the list says.
        where = "web" if kind == "account" and stated in KNOWN else stated
        return _checked(where, _page(host, path(pieces), parts), stated, address)
    if host in SHORT or host.split(".")[0] in LOGINS:
        raise _unreadable(address)
    if not pieces and parts.fragment.startswith("!/"):  # twitter.com/#!/name
        pieces = [piece for piece in _decode(parts.fragment[2:]).split("/") if piece]
    return _checked(on, READERS.get(on, path)(pieces, _query(parts.query)), stated, address)


def platform_name(text: str) -> str:
    """A platform's one name: lower case, aliases and common misspellings resolved."""
    name = fold(_tidy(text)).replace(" / ", "/")
    return PLATFORM_ALIASES.get(name, name)


def _checked(platform: str, identity: str, stated: str, address: str) -> Canonical:
    if not identity or not platform or len(identity.encode()) > MOST_BYTES:
        raise _unreadable(address)
    if platform in KNOWN and _known(identity.split("/")[0].lower()):  # a platform's front page is nobody's account
        raise _unreadable(address)
    return Canonical(platform, identity, platform != stated, " " in identity and platform in KNOWN)


def _unreadable(address: str) -> UnreadableAddress:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in address[:200])
    return UnreadableAddress(field="address", accepted="the address of its own page, package name or id", address=shown)


def _tidy(text: str) -> str:
    """NFC, blanks collapsed, invisible format characters gone. Raises UnreadableAddress on control characters."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text.strip()) if unicodedata.category(c) != "Cf")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in kept):
        raise _unreadable(text)
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def _decode(text: str) -> str:
    """Percent-decoded once, but for characters that would then mean something else.

    What is no UTF-8 (older Chinese pages write GBK) stays as it is written: decoded it would be the same for all.
    """
    kept = _RESERVED.sub(lambda found: "%25" + found[1].upper(), text)
    try:
        return _tidy(unquote(kept, errors="strict"))
    except UnicodeDecodeError:
        return _tidy(re.sub(r"%[0-9a-f]{2}", lambda found: found[0].upper(), text, flags=re.IGNORECASE))


def _web(text: str, stated: str) -> tuple[str, SplitResult] | None:
    """The host and parts of a web address; None where the text is a name or number.

    Raises UnreadableAddress where a browser might open another host than the one that is read here.
    """
    if "://" not in text:
        first = text.split("/")[0].split("?")[0].lower()
        # `parks.canada/about` on a known platform is an account's name and not a host
        hosted = stated not in KNOWN and (_HOST_FIRST.match(text) or re.match(r"www\.[^.]+\.", first))
        if _known(first) is None and not hosted:
            return None
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        if "xn--" in host:
            host = host.encode("ascii").decode("idna")
    except ValueError:
        raise _unreadable(text) from None
    if not host or parts.scheme not in ("http", "https") or "\\" in text or _NO_HOST.search(parts.netloc):
        raise _unreadable(text)
    return fold(host) + (f":{port}" if port not in (None, 80, 443) else ""), parts


def _known(host: str) -> str | None:
    return next((p for known, p in PLATFORM_BY_HOST.items() if host == known or host.endswith(f".{known}")), None)


def _query(text: str) -> Query:
    """What a query gives the names we read, decoded; a blank value is none. What is no UTF-8 is taken for GBK.

    Raises UnreadableAddress where a value is neither, or holds control characters.
    """
    try:
        pairs = parse_qsl(text, errors="strict")
    except UnicodeDecodeError:
        pairs = parse_qsl(text, encoding="gb18030", errors="replace")
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.lower() in READ and (kept := _tidy(value)):
            if "\ufffd" in kept:
                raise _unreadable(value)
            found.setdefault(name.lower(), []).append(kept)
    return found


def _page(host: str, at: str, parts: SplitResult) -> str:
    """A page on a host that is not known: its path `at`, what its query names, and its place after a `#`."""
    rest = _named(parts.query) + _place(parts.fragment)
    site = host.removeprefix("www.")
    return f"{site}/{at}{rest}" if at or rest else site


def _named(query: str) -> str:
    found = _query(query)
    named = sorted({(name, value) for name in NAMING & found.keys() for value in found[name]})
    return "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in named) if named else ""


def _place(fragment: str) -> str:
    """Where a site of one page says after `#/` or `#!/` which of its pages it shows; other fragments are noise."""
    if not fragment.startswith(("/", "!/")):
        return ""
    at, _, query = fragment.partition("#")[0].partition("?")
    lead, *pieces = (piece.strip() for piece in _decode(at).split("/"))
    place = "/".join(piece for piece in pieces if piece) + _named(query)
    return f"#{lead}/{place}" if place else ""


def _app(host: str, pieces: list[str], parts: SplitResult, stated: str) -> tuple[str, str]:
    """An app's platform and identity from its page: the package in a store, else host and path."""
    store = STORES.get(host)
    if store == "android":
        package = _query(parts.query).get("id", [""])[0]
        return store, package if re.fullmatch(r"[A-Za-z0-9_.]+", package) else ""
    if store == "ios":
        return store, next((p.lower() for p in reversed(pieces) if re.fullmatch(r"id\d+", p, re.IGNORECASE)), "")
    return stated, _page(host, "/".join(pieces), parts)
