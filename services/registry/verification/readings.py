"""The readings of an address that somebody asks about: each kind of asset that it can be read as. Pure."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from libs.common.events.intake import Kind
from libs.common.security.visible import is_invisible, visible
from services.registry.identity.canonical import NAMED, Canonical, UnreadableAddress, canonical, is_address
from services.registry.lookalikes import skeleton
from services.registry.platforms.names import WEB
from services.registry.platforms.table import NETWORKS, STORES

Reading = tuple[Kind, Canonical]
_HOST = re.compile(r"([a-z][a-z0-9+.-]*:/*)?([^\s/:@?#]+\.[^\s/:@?#]+)((?:[/?#:].*)?)", re.IGNORECASE | re.DOTALL)
_LOOKED_FOR = {skeleton.key(domain): domain for platform in (*NETWORKS, *STORES) for domain in platform.domains}


def read_as(platform: str, address: str) -> tuple[list[Reading], UnreadableAddress | None]:
    """The readings of an address, without a platform also as an app's package, and why it does not name an account.

    Raises UnreadableAddress where it has no reading.
    """
    stores = () if platform else tuple(store.name for store in STORES)
    tried: list[tuple[Kind, str]] = [("account", platform or WEB), ("app", platform or WEB)]
    tried += [("app", store) for store in stores]
    tried.append(("group", platform or WEB))
    readings: dict[tuple[Kind, str, str], Reading] = {}
    refused: UnreadableAddress | None = None
    for kind, on in tried:
        try:
            identity = canonical(kind, on, address)
        except UnreadableAddress as error:
            refused = error if kind == "account" else refused
            continue
        if not (
            identity.page and on in NAMED and not platform
        ):  # a page elsewhere is read once, not once for each store
            readings.setdefault((kind, *identity.key), (kind, identity))
    if not readings:
        raise refused or UnreadableAddress(field="address", address=address[:200])
    return list(readings.values()), refused


def searched(identity: Canonical, platform: str) -> tuple[str | None, Collection[str]]:
    """The platform on which an identity is searched, None for any, and the platforms on which it then is not.

    Names of a platform may look like a host: `https://gov.one/` is not the page that is called `gov.one` on Facebook.
    """
    if platform or identity.platform in NAMED:
        return identity.platform, ()
    return None, () if identity.page and "/" in identity.identity else NAMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How assets that look like an address are searched: by tokens, in a kind on a platform, then by their keys."""

    kind: Kind
    platform: str | None
    apart: Collection[str]
    tokens: Sequence[str]
    keys: frozenset[str]


def trimmed(text: str) -> str:
    """A text without the invisible characters around it that come along when it is copied."""
    kept = text.strip()
    while kept and is_invisible(kept[0]):
        kept = kept[1:].lstrip()
    while kept and is_invisible(kept[-1]):
        kept = kept[:-1].rstrip()
    return kept


def may_be_shown(platform: str, address: str, read: Sequence[Reading]) -> bool:
    """Whether a text can only be the shown name of an asset, and not its name in an address."""
    if is_address(address) or any(identity.page for _, identity in read):
        return False
    ascii_only = unicodedata.normalize("NFKC", trimmed(address)).isascii()  # as a handle is
    return not platform or not ascii_only or all(kind == "group" for kind, _ in read)


def likenesses(platform: str, address: str) -> list[Likeness]:
    """The readings of an address: as written, and with look-alikes of Latin letters as these letters."""
    likely: dict[tuple[str, ...], Likeness] = {}
    for text in _seen(address):
        try:
            read, _ = read_as(platform, text)
        except UnreadableAddress:
            continue
        for kind, identity in read:
            on, apart = searched(identity, platform)
            spellings = (identity.identity, skeleton.spelt(identity.identity, text))
            keys = frozenset(skeleton.key(one) for one in (*spellings, *map(skeleton.plain, spellings)))
            like = Likeness(
                kind=kind, platform=on, apart=apart, tokens=skeleton.tokens("address", *spellings), keys=keys
            )
            likely.setdefault((kind, on or "", *like.tokens), like)
    return list(likely.values())


def _seen(address: str) -> list[str]:
    """The texts that a person may see in an address, each once."""
    shown = visible(trimmed(address))
    texts = [shown, skeleton.latin(address)]
    return list(dict.fromkeys([*texts, *(meant for text in texts if (meant := _of_known_host(text)) is not None)]))


def _of_known_host(address: str) -> str | None:
    """An address on a host that looks like one of a platform, as if it were on that; None where it does not."""
    match = _HOST.match(address)
    if match is None:
        return None
    scheme, host, rest = match.groups()
    labels = unicodedata.normalize("NFKC", host).lower().removesuffix(".").split(".")
    for first in range(len(labels)):
        tail = ".".join(labels[first:])
        meant = _LOOKED_FOR.get(skeleton.key(tail))
        if meant is not None and meant != tail:
            return f"{scheme or ''}{'.'.join([*labels[:first], meant])}{rest}"
    return None
