"""What somebody may mean who asks the public whether an address is official: each kind that it can be read as. Pure."""

from collections.abc import Collection

from libs.common.events.intake import Kind
from services.registry.identity import NAMED, Canonical, UnreadableAddress, canonical
from services.registry.platformnames import WEB
from services.registry.stores import STORES

Reading = tuple[Kind, Canonical]


def readings(platform: str, address: str) -> tuple[list[Reading], UnreadableAddress | None]:
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
            what = canonical(kind, on, address)
        except UnreadableAddress as error:
            refused = error if kind == "account" else refused
            continue
        if not (what.page and on in NAMED and not platform):  # a page elsewhere is read once, not once for each store
            found.setdefault((kind, *what.key), (kind, what))
    if not found:
        raise refused or UnreadableAddress(field="address", address=address[:200])
    return list(found.values()), refused


def where(what: Canonical, platform: str) -> tuple[str | None, Collection[str]]:
    """On which platform what is asked for may stand, None for any, and on which it then may not.

    Names of a platform may look like a host: `https://gov.one/` is not the page that is called `gov.one` on Facebook.
    """
    if platform or what.platform in NAMED:
        return what.platform, ()
    return None, () if what.page and "/" in what.identity else NAMED
