"""What the registry can do; each function is one transaction."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from libs.common import inbox, outbox
from libs.common.auth import Principal
from libs.common.db import Connection, Database
from libs.common.errors import Missing
from libs.common.events import registry as events
from libs.common.events.decommission import CaseClosed
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, UnitRef
from libs.common.ids import derive
from services.registry import domain, store
from services.registry.domain import Asset, Facts, Outcome
from services.registry.identity import canonical
from services.registry.store import QUERIES

log = structlog.get_logger()
INTAKE = Counter("jianfu_registry_intake_total", "Declarations taken, by outcome.", ["outcome"])
EVENT: dict[str, type[events.AssetRecord]] = {
    "registered": events.AssetRegistered, "amended": events.AssetAmended, "gone": events.AssetGone,
    "restored": events.AssetRestored, "stopped": events.AssetAmended, "resumed": events.AssetAmended,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """What the deployment decides: how many may vanish in a day, and how long a closed asset stays closed."""

    guard_share: float
    guard_floor: int
    reopen_after: timedelta


@dataclass(frozen=True, slots=True)
class Cause:
    """Who says it and which event or file it came with."""

    actor: str
    event: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an intake did, and to which asset. `corrected`: the address overruled the stated platform."""

    outcome: Outcome
    asset_id: UUID
    corrected: bool = False


Declaration = AssetDeclared | AssetCorrected | AssetDelisted


async def take_in(
    database: Database, told: Declaration, who: Principal, *, source: str, event_id: str, now: datetime, policy: Policy
) -> Result:
    """One intake event: declared, corrected or delisted. A repeated event gives the answer it got before."""
    async with database.transaction("take_in") as conn:
        if not await inbox.first_time(conn, "intake", f"{source} {event_id}"):
            row = await QUERIES.outcome_get(conn, event_source=source, event_id=event_id)
            return Result(row["outcome"], row["asset_id"])
        result = await apply(conn, told, who, Cause(who.subject, event_id), now=now, policy=policy)
        await QUERIES.outcome_add(
            conn, event_source=source, event_id=event_id, outcome=result.outcome, asset_id=result.asset_id
        )
    INTAKE.labels(result.outcome).inc()
    return result


async def apply(
    conn: Connection, told: Declaration, who: Principal, cause: Cause, *, now: datetime, policy: Policy
) -> Result:
    """Let one declaration take effect within the caller's transaction. Raises what the domain refuses."""
    what = canonical(told.kind, told.platform, told.address)
    held = await store.latest(conn, told.kind, what)
    if isinstance(told, AssetDelisted):
        after, outcome = domain.delist(held, what, told.source, now=now)
        await require_scope(conn, who, after.sponsor_id)
        if outcome == "gone" and not await _may_vanish(conn, after, cause, now=now, policy=policy):
            return Result("held", after.asset_id, what.corrected)
    else:
        sponsor = await ensure_unit(conn, told.sponsor, now=now)
        await require_scope(conn, who, sponsor)
        facts = Facts(
            told.kind, what, told.address.strip(), told.name.strip(), domain.language(told.language), sponsor,
            told.source, told.on, told.opened_on,
        )  # fmt: skip
        after, outcome = domain.declare(held, facts, now=now, reopen_after=policy.reopen_after)
    if outcome != "unchanged":
        await save(conn, after, outcome, cause)
    return Result(outcome, after.asset_id, what.corrected)


async def save(conn: Connection, asset: Asset, outcome: str, cause: Cause) -> None:
    """Write a new version and tell it."""
    await store.put(conn, asset, actor=cause.actor, cause=cause.event, outcome=outcome)
    await outbox.emit(conn, EVENT[outcome](**asdict(asset)), sequence=asset.version, time=asset.changed_at)


async def _may_vanish(conn: Connection, asset: Asset, cause: Cause, *, now: datetime, policy: Policy) -> bool:
    """Count a disappearance, or hold it when its source has lost too many within a rolling day."""
    allowed = await room(conn, asset.source, now=now, policy=policy) > 0
    await note_disappearance(conn, asset, cause, now=now, state="applied" if allowed else "held")
    return allowed


async def room(conn: Connection, source: str, *, now: datetime, policy: Policy) -> int:
    """How many more assets of a source may vanish in the rolling day that ends now."""
    await QUERIES.source_lock(conn, source=source)
    gone = await QUERIES.vanished_since(conn, source=source, since=now - timedelta(days=1))
    listed = await QUERIES.listed_by(conn, source=source) + gone
    return int(domain.guard_limit(listed, policy.guard_share, policy.guard_floor) - gone)


async def note_disappearance(conn: Connection, asset: Asset, cause: Cause, *, now: datetime, state: str) -> None:
    which = derive("disappearance", asset.asset_id, asset.version, cause.event)
    if state == "held":
        log.warning("disappearance-held", asset_id=str(asset.asset_id), source=asset.source)
    await QUERIES.disappearance_add(
        conn,
        disappearance_id=which,
        source=asset.source,
        asset_id=asset.asset_id,
        at=now,
        cause=cause.event,
        state=state,
    )


async def decide_held(database: Database, which: UUID, *, go: bool, reason: str, actor: str, now: datetime) -> Result:
    """A person lets a held disappearance happen, or drops it. Raises Missing, AlreadyDecided."""
    async with database.transaction("decide_held") as conn:
        row = await QUERIES.disappearance_lock(conn, disappearance_id=which)
        if row is None:
            raise Missing(what=f"held disappearance {which}")
        if row["state"] != "held":
            if row["state"] != ("applied" if go else "dropped"):
                raise domain.AlreadyDecided(state=row["state"])
            return Result("unchanged", row["asset_id"])  # the same decision once more
        held = await store.lock(conn, row["asset_id"])
        assert held is not None  # noqa: S101 - a foreign key
        await QUERIES.disappearance_decide(
            conn, disappearance_id=which, state="applied" if go else "dropped", decided_by=actor, reason=reason, at=now
        )
        if not go or held.running == "gone" or held.record == "closed":
            return Result("unchanged", held.asset_id)
        what = canonical(held.kind, held.platform, held.address)
        after, outcome = domain.delist(held, what, held.source, now=now)
        await save(conn, after, outcome, Cause(actor, f"guard {which}"))
    return Result(outcome, after.asset_id)


async def ensure_unit(conn: Connection, ref: UnitRef, *, now: datetime) -> UUID:
    """The unit a declaration names, recorded on first sight; a new name of it is kept beside the others."""
    row = await store.unit(conn, ref.scheme, ref.value)
    language = domain.language(ref.language)
    name = " ".join(ref.name.split())
    if row is None:
        unit_id = domain.unit_id(ref)
        new = await store.add_unit(conn, ref, now=now)
        await QUERIES.unit_name_add(conn, unit_id=unit_id, language=language, name=name)
        if new:
            await outbox.emit(conn, await store.unit_event(conn, unit_id), sequence=1, time=now)
        return unit_id
    unit_id = row["unit_id"]
    known = {n["name"] async for n in QUERIES.unit_names(conn, unit_id=unit_id)}
    if name not in known:
        await _change_unit(conn, unit_id, now=now, names=[(language, name)])
    return UUID(str(unit_id))


async def _change_unit(
    conn: Connection, unit_id: UUID, *, now: datetime, names: list[tuple[str, str]], parent: UUID | None = None,
    level: str | None = None, region: str | None = None,
) -> None:  # fmt: skip
    row = await QUERIES.unit_lock(conn, unit_id=unit_id)
    added = [
        await QUERIES.unit_name_add(conn, unit_id=unit_id, language=language, name=name) for language, name in names
    ]
    facts = (parent or row["parent_id"], level or row["level"], region or row["region"])
    if not any(added) and facts == (row["parent_id"], row["level"], row["region"]):
        return
    version = row["version"] + 1
    await QUERIES.unit_change(
        conn, unit_id=unit_id, version=version, parent_id=facts[0], level=facts[1], region=facts[2], changed_at=now
    )
    await outbox.emit(conn, await store.unit_event(conn, unit_id), sequence=version, time=now)


async def record_unit(
    database: Database, ref: UnitRef, *, names: list[tuple[str, str]], parent: tuple[str, str] | None,
    level: str | None, region: str | None, now: datetime,
) -> events.UnitRecorded:  # fmt: skip
    """Record a unit or add to what is known of it. Raises Missing when the parent is not recorded."""
    async with database.transaction("record_unit") as conn:
        above = None
        if parent is not None:
            found = await store.unit(conn, *parent)
            if found is None:
                raise Missing(field="parent", accepted="a unit that is recorded", what=f"{parent[0]}:{parent[1]}")
            above = found["unit_id"]
        unit_id = await ensure_unit(conn, ref, now=now)
        await _change_unit(conn, unit_id, now=now, names=names, parent=above, level=level, region=region)
        return await store.unit_event(conn, unit_id)


async def require_scope(conn: Connection, who: Principal, unit_id: UUID) -> None:
    """Registrars speak for all; a unit for its own subtree. Raises OutOfScope."""
    if "registrar" in who.roles:
        return
    scheme, _, value = (who.scope or "").partition(":")
    row = await store.unit(conn, scheme, value) if value else None
    if row is None or not await QUERIES.unit_covers(conn, above=row["unit_id"], below=unit_id):
        raise domain.OutOfScope(scope=who.scope or "-")


async def case_moved(database: Database, asset_id: UUID, event_id: str, move: str, *, now: datetime) -> None:
    """A case `stopped` or `resumed` an asset."""
    async with database.transaction("case_moved") as conn:
        if await inbox.first_time(conn, "decommission", event_id):
            held = await _known(conn, asset_id)
            after = domain.stopped(held, now=now) if move == "stopped" else domain.resumed(held, now=now)
            await save(conn, after, move, Cause("decommission", event_id))


async def close(database: Database, told: CaseClosed, event_id: str, *, now: datetime) -> None:
    """A case ended in a verified closure: the record is terminal, a tombstone stands."""
    async with database.transaction("close_asset") as conn:
        if not await inbox.first_time(conn, "decommission", event_id):
            return
        after = domain.closed(await _known(conn, told.asset_id), now=now)
        await store.put(conn, after, actor="decommission", cause=event_id, outcome="closed")
        await QUERIES.tombstone_add(
            conn, asset_id=told.asset_id, case_id=told.case_id, closed_on=told.closed_on, stopped_on=told.stopped_on,
            rule=told.rule, reason=told.reason, successor=told.successor, plan_sha256=told.plan_sha256,
            archive_sha256=told.archive_sha256,
        )  # fmt: skip
        path = f"/registry/v1/tombstones/{told.asset_id}"
        event = events.AssetClosed(**asdict(after), tombstone_path=path)
        await outbox.emit(conn, event, sequence=after.version, time=now)


async def _known(conn: Connection, asset_id: UUID) -> Asset:
    held = await store.lock(conn, asset_id)
    if held is None:
        raise Missing(field="asset_id", what=f"asset {asset_id}")
    return held


async def amend(
    database: Database, asset_id: UUID, version: int, who: Principal, *, name: str | None, language: str | None,
    opened_on: date | None, now: datetime,
) -> Asset:  # fmt: skip
    """Correct facts of a record that the caller has read at `version`. Raises VersionConflict, OutOfScope."""
    async with database.transaction("amend_asset") as conn:
        held = await _known(conn, asset_id)
        await require_scope(conn, who, held.sponsor_id)
        after = domain.amend(held, version, name=name, language=language, opened_on=opened_on, now=now)
        if after.version != held.version:
            await save(conn, after, "amended", Cause(who.subject, "api"))
    return after
