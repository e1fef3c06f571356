"""Whether an address or a name is official, as the public is told: what is on record, or only looks like it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Any, Literal
from uuid import UUID

from libs.common import days
from libs.common.db.pool import Connection
from libs.common.errors import DomainError
from services.registry.assets import store
from services.registry.assets.domain import Asset
from services.registry.assets.store import QUERIES
from services.registry.assets.transitions import PUBLIC, PublicState, public_state
from services.registry.identity import lookalikes
from services.registry.identity.canonical import Canonical, UnreadableAddress
from services.registry.platforms.names import platform_name
from services.registry.platforms.platform import lowered
from services.registry.verification import asked
from services.registry.verification.asked import Reading

Status = Literal["official", "suspended", "gone", "closed", "unknown", "look_alike"]
MOST = 20  # assets of one name that are told
LOOKED_AT = 10 * MOST  # of what looks like it; what many are called is looked for by its address


@dataclass(frozen=True, slots=True)
class Told:
    """One asset as the public is told of it. `names` are those of its sponsor, as (language, text)."""

    asset: Asset
    state: PublicState
    since: date
    unit_id: UUID
    names: Sequence[tuple[str, str]]
    closed_on: date | None = None
    stopped_on: date | None = None
    rule: str | None = None
    title: str | None = None
    basis: str | None = None
    reason: str | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: `assets` are what was asked for, or of a look-alike what it looks like; `more` there are than these.

    `what` is what was asked for, as it was read; its identity is empty for a name and for what cannot be read.
    """

    status: Status
    by: Literal["address", "name"]
    what: Canonical
    assets: Sequence[Told] = field(default=())
    more: bool = False


async def of_address(conn: Connection, address: str, platform: str, zone: tzinfo) -> Found:
    """By address, or by what names an account on its platform; what cannot be either is looked for as a name.

    A text that could be what an account is called in its address is never taken for a name that is shown: that is
    anybody's to choose. Raises UnreadableAddress for what is neither and looks like nothing.
    """
    refused: DomainError | None = None
    read: list[Reading] = []
    try:
        read, refused = asked.readings(platform, address)
    except UnreadableAddress as error:
        refused = error
    listed = _first([asset for reading in read for asset in await _by_identity(conn, reading, platform)])
    if listed is not None:
        (told,) = await _told(conn, [listed], zone)
        return Found(told.state, "address", Canonical(listed.platform, listed.identity), [told])
    if asked.may_be_shown(platform, address, read):
        named = await of_name(conn, address, platform, zone)
        if named.status != "unknown":
            return named
    alike = _first([asset for like in asked.likenesses(platform, address) for asset in await _alike(conn, like, read)])
    what = read[0][1] if read else Canonical(platform_name(platform) if platform else "", "")
    if alike is not None:
        return Found("look_alike", "address", what, await _told(conn, [alike], zone))
    if refused is not None:
        raise refused
    return Found("unknown", "address", what)


async def of_name(conn: Connection, name: str, platform: str, zone: tzinfo) -> Found:
    """By the name that is shown: all of that name, or all that only look like it."""
    wanted = lookalikes.plain(asked.trimmed(name))
    what = Canonical(platform_name(platform) if platform else "", "")
    found = await store.alike(conn, lookalikes.tokens("name", name), what.platform or None, most=LOOKED_AT + 1)
    same = [asset for asset in found if lookalikes.plain(asset.name) == wanted]
    keys = {lookalikes.key(wanted), lookalikes.key(name)}
    like = [asset for asset in found if lookalikes.plain(asset.name) != wanted and _looks(asset.name, keys)]
    shown = sorted(same or like, key=_order)
    if not shown:
        return Found("unknown", "name", what)
    told = await _told(conn, shown[:MOST], zone)
    status: Status = told[0].state if same else "look_alike"
    return Found(status, "name", what, told, more=len(shown) > MOST or len(found) > LOOKED_AT)


def _looks(text: str, keys: Iterable[str]) -> bool:
    return not {lookalikes.key(text), lookalikes.key(lookalikes.plain(text))}.isdisjoint(keys)


def _order(asset: Asset) -> tuple[int, str, str]:
    """Official ones first; then in the order of their addresses, which says nothing of anybody."""
    return PUBLIC.index(public_state(asset.record, asset.running)), asset.platform, asset.identity


def _first(assets: Sequence[Asset]) -> Asset | None:
    return min(assets, key=lambda asset: _order(asset)[0], default=None)


async def _by_identity(conn: Connection, reading: Reading, platform: str) -> list[Asset]:
    kind, what = reading
    on, apart = asked.where(what, platform)
    return await store.by_identity(conn, kind, on, what.identity, apart=apart)


async def _alike(conn: Connection, like: asked.Likeness, read: Sequence[Reading]) -> list[Asset]:
    """What an address looks like, but for what differs from what was asked by nothing but the case of its letters.

    Where a platform tells the case apart, that is another page and no likeness.
    """
    found = await store.alike(conn, like.tokens, like.platform, apart=like.apart, most=LOOKED_AT)
    case = {lowered(what.identity) for _, what in read}
    return [
        asset
        for asset in found
        if asset.kind == like.kind
        and lowered(asset.identity) not in case
        and (_looks(asset.identity, like.keys) or _looks(lookalikes.spelt(asset.identity, asset.address), like.keys))
    ]


async def _told(conn: Connection, assets: Sequence[Asset], zone: tzinfo) -> list[Told]:
    ids = [asset.asset_id for asset in assets]
    rows = {row["asset_id"]: row async for row in QUERIES.assets_told(conn, asset_ids=ids)}
    return [_one(asset, rows[asset.asset_id], zone) for asset in assets]


def _one(asset: Asset, row: Any, zone: tzinfo) -> Told:
    state = public_state(asset.record, asset.running)
    since = asset.listed_on if row["turned"] == 1 else days.of(row["turned_at"], zone)
    names = [(name["language"], name["text"]) for name in json.loads(row["names"])]
    return Told(
        asset=asset,
        state=state,
        since=row["closed_on"] if state == "closed" and row["closed_on"] else since,
        unit_id=row["unit_id"],
        names=names or [("und", f"{row['scheme']}:{row['value']}")],
        closed_on=row["closed_on"],
        stopped_on=row["stopped_on"],
        rule=row["rule"],
        title=row["title"],
        basis=row["basis"],
        reason=row["reason"],
        successor=row["successor"],
    )
