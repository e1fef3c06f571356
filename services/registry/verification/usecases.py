"""Whether an address or a name is official, for the public: assets on record and look-alikes."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from libs.common.db.pool import Connection
from libs.common.errors import DomainError
from services.registry.assets.domain import Asset
from services.registry.assets.transitions import PUBLIC, public_state
from services.registry.identity.canonical import Canonical, UnreadableAddress
from services.registry.lookalikes import skeleton
from services.registry.platforms.names import platform_name
from services.registry.spelling.letters import lowered
from services.registry.verification import readings, store
from services.registry.verification.domain import Answer, Status
from services.registry.verification.readings import Likeness, Reading

MOST = 20  # assets of one name that are shown
LOOKED_AT = 10 * MOST  # assets of one name that are compared; a more common name has to be asked for by address


async def of_address(conn: Connection, address: str, platform: str, zone: tzinfo) -> Answer:
    """By address, or by account name on a platform; a text that cannot be either is searched as a shown name.

    A text that could be what an account is called in its address is never taken for a name that is shown: anybody may
    choose that. Raises UnreadableAddress for a text that is neither and looks like no asset.
    """
    refused: DomainError | None = None
    read: list[Reading] = []
    try:
        read, refused = readings.read_as(platform, address)
    except UnreadableAddress as error:
        refused = error
    listed = _first([asset for reading in read for asset in await _by_identity(conn, reading, platform)])
    if listed is not None:
        (public,) = await store.published(conn, [listed], zone)
        return Answer(status=public.state, by="address", asked_for=listed.canonical, assets=[public])
    if readings.may_be_shown(platform, address, read):
        named = await of_name(conn, address, platform, zone)
        if named.status != "unknown":
            return named
    likenesses = readings.likenesses(platform, address)
    alike = _first([asset for likeness in likenesses for asset in await _alike(conn, likeness, read)])
    asked_for = read[0][1] if read else _named(platform)
    if alike is not None:
        assets = await store.published(conn, [alike], zone)
        return Answer(status="look_alike", by="address", asked_for=asked_for, assets=assets)
    if refused is not None:
        raise refused
    return Answer(status="unknown", by="address", asked_for=asked_for)


async def of_name(conn: Connection, name: str, platform: str, zone: tzinfo) -> Answer:
    """By shown name: all assets of that name, or else all look-alikes."""
    wanted = skeleton.plain(readings.trimmed(name))
    asked_for = _named(platform)
    listed = await store.alike(conn, skeleton.tokens("name", name), asked_for.platform or None, most=LOOKED_AT + 1)
    same = [asset for asset in listed if skeleton.plain(asset.name) == wanted]
    keys = {skeleton.key(wanted), skeleton.key(name)}
    like = [asset for asset in listed if skeleton.plain(asset.name) != wanted and _looks(asset.name, keys)]
    shown = sorted(same or like, key=_order)
    if not shown:
        return Answer(status="unknown", by="name", asked_for=asked_for)
    assets = await store.published(conn, shown[:MOST], zone)
    status: Status = assets[0].state if same else "look_alike"
    more = len(shown) > MOST or len(listed) > LOOKED_AT
    return Answer(status=status, by="name", asked_for=asked_for, assets=assets, more=more)


def _named(platform: str) -> Canonical:
    """The identity of a question that names no address: the platform alone."""
    return Canonical(platform=platform_name(platform) if platform else "", identity="")


def _looks(text: str, keys: Iterable[str]) -> bool:
    return not {skeleton.key(text), skeleton.key(skeleton.plain(text))}.isdisjoint(keys)


def _order(asset: Asset) -> tuple[int, str, str]:
    """Official assets first; then in the order of their addresses, which ranks no unit."""
    return PUBLIC.index(public_state(asset.record, asset.running)), asset.platform, asset.identity


def _first(assets: Sequence[Asset]) -> Asset | None:
    return min(assets, key=lambda asset: _order(asset)[0], default=None)


async def _by_identity(conn: Connection, reading: Reading, platform: str) -> list[Asset]:
    kind, identity = reading
    on, apart = readings.searched(identity, platform)
    return await store.by_identity(conn, kind, on, identity.identity, apart=apart)


async def _alike(conn: Connection, likeness: Likeness, read: Sequence[Reading]) -> list[Asset]:
    """The assets that an address looks like, without those that differ from it only by the case of letters.

    Where a platform distinguishes case, that is another page, not a look-alike.
    """
    listed = await store.alike(conn, likeness.tokens, likeness.platform, apart=likeness.apart, most=LOOKED_AT)
    case = {lowered(identity.identity) for _, identity in read}
    return [
        asset
        for asset in listed
        if asset.kind == likeness.kind
        and lowered(asset.identity) not in case
        and (
            _looks(asset.identity, likeness.keys)
            or _looks(skeleton.spelt(asset.identity, asset.address), likeness.keys)
        )
    ]
