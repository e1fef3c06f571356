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
    """As what an address can be read, without a platform also as an app's package, and why it is no account's.

    Raises UnreadableAddress where it can be read as nothing.
    """
    stores = () if platform else tuple(store.name for store in STORES)
    tried: list[tuple[Kind, str]] = [("account", platform or WEB), ("app", platform or WEB)]
    tried += [("app", store) for store in stores]
    tried.append(("group", platform or WEB))
    found: dict[tuple[Kind, str, str], Reading] = {}
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
            found.setdefault((kind, *identity.key), (kind, identity))
    if not found:
        raise refused or UnreadableAddress(field="address", address=address[:200])
    return list(found.values()), refused


def searched(identity: Canonical, platform: str) -> tuple[str | None, Collection[str]]:
    """On which platform what is asked for may stand, None for any, and on which it then may not.

    Names of a platform may look like a host: `https://gov.one/` is not the page that is called `gov.one` on Facebook.
    """
    if platform or identity.platform in NAMED:
        return identity.platform, ()
    return None, () if identity.page and "/" in identity.identity else NAMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How something that looks like what is asked is found: by tokens, among a kind on a platform, and by its keys."""

    kind: Kind
    platform: str | None
    apart: Collection[str]
    tokens: Sequence[str]
    keys: frozenset[str]


def trimmed(text: str) -> str:
    """A text without what nobody sees around it, as it comes along when it is copied."""
    kept = text.strip()
    while kept and is_invisible(kept[0]):
        kept = kept[1:].lstrip()
    while kept and is_invisible(kept[-1]):
        kept = kept[:-1].rstrip()
    return kept


def may_be_shown(platform: str, address: str, read: Sequence[Reading]) -> bool:
    """Whether what is asked for can only be the name that is shown of something, and not what its address calls it."""
    if is_address(address) or any(identity.page for _, identity in read):
        return False
    ascii_only = unicodedata.normalize("NFKC", trimmed(address)).isascii()  # what a handle is made of
    return not platform or not ascii_only or all(kind == "group" for kind, _ in read)


def likenesses(platform: str, address: str) -> list[Likeness]:
    """What an address may look like: read as it is seen, and with what looks like Latin letters as these."""
    found: dict[tuple[str, ...], Likeness] = {}
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
            found.setdefault((kind, on or "", *like.tokens), like)
    return list(found.values())


def _seen(address: str) -> list[str]:
    """What a person may see in an address, each once."""
    shown = visible(trimmed(address))
    texts = [shown, skeleton.latin(address)]
    return list(dict.fromkeys([*texts, *(meant for text in texts if (meant := _of_known_host(text)) is not None)]))


def _of_known_host(address: str) -> str | None:
    """An address on a host that looks like one of a platform, as if it were on that; None where it does not."""
    found = _HOST.match(address)
    if found is None:
        return None
    scheme, host, rest = found.groups()
    labels = unicodedata.normalize("NFKC", host).lower().removesuffix(".").split(".")
    for first in range(len(labels)):
        tail = ".".join(labels[first:])
        meant = _LOOKED_FOR.get(skeleton.key(tail))
        if meant is not None and meant != tail:
            return f"{scheme or ''}{'.'.join([*labels[:first], meant])}{rest}"
    return None
