"""What vanishes with a file: what it calls closed, and what its source listed before and the whole file lacks."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.common.db.pool import Connection
from services.registry.assets import domain, guard, store, usecases
from services.registry.assets.domain import Asset, Policy
from services.registry.assets.store import QUERIES, Cause
from services.registry.identity.canonical import Canonical
from services.registry.imports.report import OUTDATED, File, Report
from services.registry.imports.rows import ENDED, SAID_TWICE, Key, Remark, Row
from services.registry.refusals import AnotherSource

PAGE = 1_000


@dataclass(slots=True)
class Listing:
    """What is kept of a file's rows until all are read: which assets it lists, and which it calls closed.

    `unreadable` counts the lines of which nobody can tell which asset they mean. `kinds` are those that it lists: a
    list of accounts says nothing of apps.
    """

    listed: set[Key] = field(default_factory=set)
    ended: dict[Key, Row] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    unreadable: int = 0

    def note(self, chunk: Sequence[Row], *, settled: Container[int]) -> None:
        """Keep what is needed of these rows; the lines that are `settled` were done by this import before."""
        for row in chunk:
            if row.key is None:
                self.unreadable += 1
                continue
            self.kinds.add(row.kind)
            if not row.ended:
                self.listed.add(row.key)
            elif row.line not in settled and row.twin_line is None:
                self.ended[row.key] = row


async def settle(
    conn: Connection,
    file: File,
    listing: Listing,
    report: Report,
    cause: Cause,
    *,
    now: datetime,
    policy: Policy,
    lacking: bool,
    apply: bool,
) -> None:
    """All of it is gone, or beyond the limit all of it is held for a person; with `apply` it is so.

    All or none, because a file that takes away too much is more likely cut short or mistaken than true. Where it has
    lines that nobody can read, what it lacks is held in any case: each of them may be one that seems to be missing.
    What a file calls closed is no closure, for that takes a case: it is gone by its source's word, as if delisted.
    """
    ending = await _ending(conn, file, listing, report)
    absent = [asset_id for asset_id in await _absent(conn, file, listing) if asset_id not in ending] if lacking else []
    everything = [*ending, *absent]
    assets = await store.lock_all(conn, everything) if apply else []  # assets before the source, as intake does
    added = 0 if apply else report.summary["added"] + report.summary["restored"]
    left = await guard.room(conn, file.source, now=now, policy=policy, added=added)
    held_before = await guard.held_among(conn, everything)
    beyond = len(everything) - len(held_before) > left
    held = {
        asset_id
        for asset_id in everything
        if beyond or asset_id in held_before or (listing.unreadable and asset_id not in ending)
    }
    for asset_id in everything:
        row = ending.get(asset_id)
        report.add(row, "held" if asset_id in held else "gone", ENDED if row else None, asset_id=str(asset_id))
    for asset in assets:
        if asset.asset_id not in held_before:
            await _vanish(conn, asset, file, cause, now=now, held=asset.asset_id in held)


async def _vanish(conn: Connection, asset: Asset, file: File, cause: Cause, *, now: datetime, held: bool) -> None:
    if asset.running == "gone" or asset.record == "closed" or asset.stated_on > file.on:  # it has moved on meanwhile
        return
    await guard.note(conn, asset, cause, now=now, state="held" if held else "applied")
    if held:
        await store.stated(conn, [asset.asset_id], file.on)
        return
    what = Canonical(asset.platform, asset.identity)
    after, outcome = domain.delist(asset, what, file.source, now=now, on=file.on)
    await usecases.save(conn, after, outcome, cause)


async def _absent(conn: Connection, file: File, listing: Listing) -> list[UUID]:
    kinds = sorted(listing.kinds) or ["account"]
    return [
        row["asset_id"]
        async for row in QUERIES.listed_assets(conn, source=file.source, kinds=kinds)
        if (row["kind"], row["platform"], row["identity"]) not in listing.listed and row["stated_on"] <= file.on
    ]


async def _ending(conn: Connection, file: File, listing: Listing, report: Report) -> dict[UUID, Row]:
    """The rows that take an asset off the list; of each other one that calls its asset closed the verdict is told."""
    found: dict[UUID, Row] = {}
    keys = list(listing.ended)
    for first in range(0, len(keys), PAGE):
        known = await store.peek_all(conn, keys[first : first + PAGE])
        for key in keys[first : first + PAGE]:
            row, asset = listing.ended[key], known.get(key)
            if key in listing.listed:
                report.add(row, "refused", SAID_TWICE)
            elif asset is None or asset.record == "closed" or asset.running == "gone":
                report.add(row, "unchanged", ENDED, **_known(asset))
            elif asset.source != file.source:
                error = AnotherSource(field="source", accepted=asset.source, owner=asset.source, source=file.source)
                report.add(row, "refused", Remark(error.code, error.field, error.text("zh"), error.text("en")))
            elif file.on < asset.stated_on:
                report.add(row, "unchanged", OUTDATED, **_known(asset))
            else:
                found[asset.asset_id] = row
    return found


def _known(asset: Asset | None) -> Mapping[str, str]:
    return {"asset_id": str(asset.asset_id)} if asset else {}
