"""Canonical identity: the same thing written differently is the same thing. Pure.

The host of an address decides the platform of an account where the host is known, because people misname platforms. The
platform's table reads the name there, and refuses a name that does not fit. Where the host is not known the identity is
host, path and query, and the path after a `#` where a site keeps its pages there: a split is seen, a merge is not. What
an address does not show is not guessed: a YouTube `user/x` and an `@x` may be one or two.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from libs.common.errors import DomainError
from libs.common.events.intake import Kind
from libs.common.security.visible import is_invisible
from libs.common.text import Text
from services.registry.identity import accountnames
from services.registry.identity.shortlinks import LOGINS, is_short
from services.registry.identity.slips import names_nothing, slipped_scheme
from services.registry.identity.webaddress import NoAddress, Query, Web, decoded, value_of, web
from services.registry.platforms.names import WEB, platform_name
from services.registry.platforms.platform import Platform, words
from services.registry.platforms.table import NETWORKS, STORES, TABLE
from services.registry.spelling.nothing import says_nothing

KNOWN = frozenset(platform.name for platform in NETWORKS if platform.has_pages)
NAMED = frozenset(TABLE)  # platforms whose things may have a name without an address
_DOMAINS: dict[str, list[tuple[str, Platform]]] = {
    kind: sorted(((d, p) for p in table for d in p.domains), key=lambda entry: -len(entry[0]))
    for kind, table in (("account", NETWORKS), ("group", NETWORKS), ("app", STORES))
}
_HOST = re.compile(r"(?:[^\s/:@?#.]+\.)+[^\s/:@?#.]+\.?(?::\d+)?(?=[/?#]|$)")
_LAST_LABEL = re.compile(r"(?:.*\.)?(?:[^\W\d_][^\W_]*|xn--[a-z0-9-]+|\d+\.\d+\.\d+\.\d+)\.?(?::\d+)?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://|https?:", re.IGNORECASE)
_DOTS = str.maketrans("。．｡", "...")
# Schemes that a browser opens without the web; such a text is not a name either.
_OTHER_SCHEME = re.compile(
    r"(?:javascript|data|mailto|about|view-source|file|blob|tel|sms|intent|weixin|market):\S", re.IGNORECASE
)
# Parameters that track where a link was clicked; every other parameter may identify the page.
NOISE = words(
    "fbclid gclid dclid msclkid yclid twclid igshid igsh mc_cid mc_eid _ga _gl spm spm_id_from vd_source from ref",
    "ref_src ref_url referer referrer fref isappinstalled share_token share_from share_source share_medium share_id",
)
_ASP = (".asp", ".aspx", ".ashx")  # where query names ignore case
MOST_BYTES = 1_000  # of an identity: a longer one fits no index
_ACCEPTED = "the address of its own page, package name or id"


class UnreadableAddress(DomainError):
    """An address from which no identity can be read."""

    code = "unreadable_address"
    kind = "invalid"
    says = Text("无法从地址识别对象:{address}", "No identity can be read from the address {address}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """The identity read from an address. `corrected`: its host overruled the stated platform; `blank`: it has a blank.

    A `page` has its address as its identity; its host is in no platform's table.
    """

    platform: str
    identity: str
    corrected: bool = False
    blank: bool = False
    page: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.platform, self.identity


def canonical(kind: Kind, platform: str, address: str) -> Canonical:
    """The canonical identity of an asset. Raises UnreadableAddress naming the field and the accepted form."""
    stated = platform_name(platform)
    accepted = _ACCEPTED
    try:
        text, trailed = _tidy(address)
        if _OTHER_SCHEME.match(text) or (not _SCHEME.match(text) and says_nothing(text)):
            raise NoAddress(text)
        if not _is_address(kind, stated, text):
            accepted = TABLE[stated].accepted if stated in TABLE else _ACCEPTED
            read = Canonical(platform=stated, identity=_name(kind, stated, text))
        elif trailed:  # a browser would open another page
            raise NoAddress(text)
        else:
            opened = web(text)
            domain, on = _platform_of(kind, opened.host)
            accepted = on.accepted if on else _ACCEPTED
            read = _listed(on, domain, opened) if on else _elsewhere(kind, stated, opened)
    except NoAddress:
        raise _unreadable(address, accepted) from None
    identity = read.identity
    if not identity or not read.platform or len(identity.encode()) > MOST_BYTES:
        raise _unreadable(address, accepted)
    blank = " " in identity and read.platform in KNOWN
    return Canonical(
        platform=read.platform, identity=identity, corrected=read.platform != stated, blank=blank, page=read.page
    )


def _unreadable(address: str, accepted: str) -> UnreadableAddress:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in address[:200])
    return UnreadableAddress(field="address", accepted=accepted, address=shown)


def _tidy(text: str) -> tuple[str, bool]:
    """The text in NFC, blanks collapsed, invisible characters trimmed; and whether any were trimmed at its end.

    Raises NoAddress for an invisible character inside the text.
    """
    kept, trailed = text.strip(), False
    while kept and is_invisible(kept[0]):
        kept = kept[1:].lstrip()
    while kept and is_invisible(kept[-1]):
        kept, trailed = kept[:-1].rstrip(), True
    if any(unicodedata.category(char) in ("Cc", "Cs") or is_invisible(char) for char in kept):
        raise NoAddress(text)
    return unicodedata.normalize("NFC", " ".join(kept.split())), trailed


def is_address(text: str) -> bool:
    """Whether a text is a web address, regardless of the stated platform."""
    return _is_address("account", "", " ".join(text.split()))


def _is_address(kind: Kind, stated: str, text: str) -> bool:
    """Whether a text is a web address, with or without its scheme; `parks.canada` may be a name."""
    if _SCHEME.match(text):
        return True
    first = re.split(r"[/?#]", text, maxsplit=1)[0].translate(_DOTS)
    if re.match(r"www\.[^.]+\.", first, re.IGNORECASE) or _platform_of(kind, _bare(first))[1] is not None:
        return True
    hosted = _HOST.match(text.translate(_DOTS))
    if hosted is None or not _LAST_LABEL.fullmatch(hosted[0]):
        return False
    if kind == "account" or stated == WEB:
        return stated not in TABLE
    return hosted.end() < len(text) and (kind == "app" or stated not in TABLE)


def _bare(host: str) -> str:
    return unicodedata.normalize("NFKC", host).lower().removesuffix(".")


def _platform_of(kind: Kind, host: str) -> tuple[str, Platform | None]:
    """The platform to which a host belongs, by the longest of its domains."""
    host = host.removeprefix("www.")
    return next((entry for entry in _DOMAINS[kind] if host == entry[0] or host.endswith(f".{entry[0]}")), ("", None))


def _name(kind: Kind, stated: str, text: str) -> str:
    """The identity behind a name, number or id without an address. Raises NoAddress for a text that cannot be one."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    if names_nothing(text) or slipped_scheme(text):
        raise NoAddress(text)
    table = TABLE.get(stated)
    if table is None:
        if stated == WEB and kind != "group":  # what stands on the web has an address
            raise NoAddress(text)
        return text
    identity = accountnames.of_text(table, text)
    if kind == "group" or table.free or kind not in table.kinds:
        return identity if identity is not None and "/" in identity else text  # a group is called anything
    if identity is None:
        raise NoAddress(text)
    return identity


def _listed(on: Platform, domain: str, opened: Web) -> Canonical:
    """The identity behind a page of a known platform. Raises NoAddress for a page without an owner."""
    host = opened.host
    if is_short(host, opened.pieces) or host.split(".")[0] in LOGINS or not on.shows(host, domain):
        raise NoAddress(host)
    pieces, query = opened.pieces, opened.query
    if on.free:
        return Canonical(
            platform=on.name, identity=accountnames.on_page(on, host, pieces, query) or _page(host, opened)
        )
    if on.gbk:
        pieces = tuple(accountnames.in_gbk(opened.raw, pieces))
    if on.hash is not None and opened.fragment.startswith(f"{on.hash}/"):
        if pieces:  # two paths, and only the site knows which of them it shows
            raise NoAddress(host)
        path, _, asked = opened.fragment[len(on.hash) :].partition("#")[0].partition("?")
        pieces, query = tuple(_pieces(path)), Query.read(asked)
    if any(_platform_of(kind, _bare(piece))[1] is not None for kind in ("account", "app") for piece in pieces):
        raise NoAddress(host)  # an address behind an address
    identity = accountnames.on_page(on, host, pieces, query)
    if identity is None:
        raise NoAddress(host)
    return Canonical(platform=on.name, identity=identity)


def _elsewhere(kind: Kind, stated: str, opened: Web) -> Canonical:
    """A page on a host that no table has. Raises NoAddress for a short link and for an address that is a slip."""
    other = _platform_of("app" if kind != "app" else "account", opened.host)[1]
    if is_short(opened.host, opened.pieces) or (other is None and not opened.strict):
        raise NoAddress(opened.host)
    if any(_platform_of("account", _bare(piece))[1] is not None for piece in opened.pieces):
        raise NoAddress(opened.host)
    if "." not in opened.host and (names_nothing("/".join((opened.host, *opened.pieces))) or stated in KNOWN):
        raise NoAddress(opened.host)  # `https://N/A`, `https://xcom/name`
    # If a platform has pages of its own, an address elsewhere is not an account there, even if the list says so.
    where = WEB if kind == "account" and stated in KNOWN else stated
    identity = _page(opened.host, opened)
    if where in TABLE and "/" not in identity:
        identity += "/"  # or a host would look like the name of a package or an account
    return Canonical(platform=where, identity=identity, page=True)


def _pieces(path: str) -> Iterable[str]:
    return (kept for piece in path.split("/") if (kept := decoded(piece)))


def _page(host: str, opened: Web) -> str:
    """A page on a host that is not known: its path, its query, and its path after a `#`."""
    pieces = opened.pieces
    if len(pieces) == 2 and pieces[0].startswith("@") and pieces[1] in ("about", "featured"):
        pieces = pieces[:1]  # a tab of an account's page, as on Mastodon
    site = host.removeprefix("www.") if host.count(".") > 1 else host
    at = "/".join(pieces)
    rest = _query_part(opened.query, at) + _fragment_page(opened.fragment)
    return f"{site}/{at}{rest}" if at or rest else site


def _query_part(query: Query, at: str) -> str:
    """The query without noise, sorted by name; values of one name keep their order."""
    pairs: list[tuple[str, str | None]] = []
    for written, given in query.pairs:
        name, value = value_of(written), None if given is None else value_of(given)
        if at.lower().endswith(_ASP):
            name = name.lower()
        if name.lower() in NOISE or name.lower().startswith("utm_") or not (name if value is None else value):
            continue
        pairs.append((name, value))
    pairs.sort(key=lambda pair: pair[0])
    shown = (quote(n, safe="") + ("" if v is None else "=" + quote(v, safe="")) for n, v in pairs)
    return "?" + "&".join(shown) if pairs else ""


def _fragment_page(fragment: str) -> str:
    """The path that a single-page site puts after `#/` or `#!/`; other fragments are noise."""
    if not fragment.startswith(("/", "!/")):
        return ""
    path, _, query = fragment.partition("#")[0].partition("?")
    lead = "!" if path.startswith("!") else ""
    at = "/".join(_pieces(path.removeprefix("!")))
    path = at + _query_part(Query.read(query), at)
    return f"#{lead}/{path}" if path else ""
