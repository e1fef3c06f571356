"""What the registry can do with assets; each public function that takes a database is one transaction."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from libs.common.consumer import inbox
from libs.common.db.pool import Connection, Database
from libs.common.errors import Missing
from libs.common.events import registry as events
from libs.common.events.decommission import CaseClosed
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, UnitRef
from libs.common.http import idempotency
from libs.common.outbox import relay
from libs.common.security.signing import sha256
from libs.common.security.tokens import Principal
from services.registry.assets import domain, guard, store
from services.registry.assets.domain import Asset, Outcome, Policy
from services.registry.assets.store import QUERIES, Cause
from services.registry.identity.canonical import Canonical, canonical
from services.registry.refusals import AlreadyDecided, DuplicateAsset, EventReused, NotClosed
from services.registry.units.usecases import ensure_unit, require_scope

log = structlog.get_logger()
INTAKE = Counter("jianfu_registry_intake_total", "Declarations taken, by outcome.", ["outcome"])
EVENT: dict[str, type[events.AssetRecord]] = {
    "registered": events.AssetRegistered, "amended": events.AssetAmended, "gone": events.AssetGone,
    "restored": events.AssetRestored, "stopped": events.AssetAmended, "resumed": events.AssetAmended,
}  # fmt: skip
Declaration = AssetDeclared | AssetCorrected | AssetDelisted


@dataclass(frozen=True, slots=True)
class Result:
    """What an intake did, and to which asset; of a `duplicate` that is the twin."""

    outcome: Outcome
    asset_id: UUID
    what: Canonical
    sponsor_id: UUID | None = field(default=None, compare=False)


async def take_in(
    database: Database,
    told: Declaration,
    who: Principal,
    *,
    source: str,
    event_id: str,
    now: datetime,
    policy: Policy,
    tell_twins: bool = False,
) -> Result:
    """One intake event: declared, corrected or delisted. A repeated event gives the answer it got before.

    A twin is a DuplicateAsset, which Kafka's dead letters show, or with `tell_twins` an outcome like the others.
    Raises EventReused when its sender has had another event taken under this id; what others call theirs is no matter.
    """
    what = canonical(told.kind, told.platform, told.address)
    said = sha256(f"{told.TYPE} {told.model_dump_json(exclude_defaults=True)}".encode())
    async with database.transaction("take_in") as conn:
        # Of two at once the second waits here.
        await inbox.first_time(conn, "intake", f"{who.subject} {source} {event_id}")
        event = {"event_source": source, "event_id": event_id, "subject": who.subject, "told": said}
        before = await QUERIES.outcome_get(conn, **event)
        if before is not None:
            if before["told"] not in (None, said):
                raise EventReused(field="id", accepted="an id of its own", source=source, event_id=event_id)
            return Result(before["outcome"], before["asset_id"], what)
        try:
            async with conn.transaction() if tell_twins else nullcontext():
                result = await apply(conn, told, who, Cause(who.subject, event_id), now=now, policy=policy)
        except DuplicateAsset as error:
            if not tell_twins:
                raise
            result = Result("duplicate", UUID(str(error.params["twin"])), what)
        await QUERIES.outcome_add(conn, **event, outcome=result.outcome, asset_id=result.asset_id)
    INTAKE.labels(result.outcome).inc()
    return result


async def apply(
    conn: Connection,
    told: Declaration,
    who: Principal,
    cause: Cause,
    *,
    now: datetime,
    policy: Policy,
    sponsors: Mapping[UnitRef, UUID] | None = None,
) -> Result:
    """Let one declaration take effect within the caller's transaction. Raises what the domain refuses.

    A caller with many of them holds all their identities already and gives the `sponsors` that it knows.
    """
    what = canonical(told.kind, told.platform, told.address)
    domain.has_come(told.on, now=now)
    held = await store.latest(conn, told.kind, what, identity_held=sponsors is not None)
    if isinstance(told, AssetDelisted):
        after, outcome = domain.delist(held, what, domain.clean("source", told.source), now=now, on=told.on)
        await require_scope(conn, who, after.sponsor_id)
        if outcome == "gone" and not await guard.may_vanish(conn, after, cause, now=now, policy=policy):
            await store.stated(conn, [after.asset_id], told.on)
            return Result("held", after.asset_id, what)
    else:
        sponsor = (sponsors or {}).get(told.sponsor) or await ensure_unit(conn, told.sponsor, now=now)
        await require_scope(conn, who, sponsor)
        permitted = held is not None and await permits(conn, held)
        facts = domain.facts(told, what, sponsor, now=now)
        after, outcome = domain.declare(
            held, facts, now=now, reopen_after=policy.reopen_after, permitted=permitted, zone=policy.zone
        )
        if held is not None and held.record != "closed":
            await require_scope(conn, who, held.sponsor_id)  # nobody takes over what another unit answers for
            if outcome != "outdated":
                await guard.listed_again(conn, held.asset_id, cause, now=now)
        cause = replace(cause, note=cause.note or _note(told, held, what))
    if outcome == "unchanged":
        await store.stated(conn, [after.asset_id], told.on)
    elif outcome != "outdated":
        await save(conn, after, outcome, cause)
    return Result(outcome, after.asset_id, what, after.sponsor_id)


async def permits(conn: Connection, held: Asset) -> bool:
    """Whether an operator lets this closed asset come back early."""
    return held.record == "closed" and await QUERIES.permit_get(conn, asset_id=held.asset_id) is not None


def _note(told: AssetDeclared | AssetCorrected, held: Asset | None, what: Canonical) -> str | None:
    """What a reader of the history would otherwise wonder about."""
    if isinstance(told, AssetCorrected) and (held is None or held.record == "closed"):
        return "corrected by its source before anybody declared it"
    if held is not None and held.record == "closed":
        return f"reopens {held.asset_id}"
    return f"declared as {told.platform}, its address is on {what.platform}" if what.corrected else None


async def save(conn: Connection, asset: Asset, outcome: str, cause: Cause) -> None:
    """Write a new version and tell it."""
    await store.put(conn, asset, outcome=outcome, cause=cause)
    await relay.emit(conn, EVENT[outcome](**store.fields(asset)), sequence=asset.version, time=asset.changed_at)


async def declare(
    database: Database,
    told: AssetDeclared,
    who: Principal,
    *,
    key: str | None,
    raw: bytes,
    render: Callable[[Asset], bytes],
    now: datetime,
    policy: Policy,
) -> bytes:
    """Record an asset by request; the answer is kept under the Idempotency-Key. Raises DuplicateAsset."""
    async with database.transaction("declare_asset") as conn:
        given = await idempotency.recall(conn, who.subject, key, raw)
        if given is not None:
            return given[1]
        cause = Cause(who.subject, f"request {key}" if key else "request")
        result = await apply(conn, told, who, cause, now=now, policy=policy)
        if result.outcome in (
            "unchanged",
            "amended",
            "outdated",
        ):  # listed already: PATCH corrects, a second POST does not
            raise DuplicateAsset(field="address", twin=result.asset_id, source=told.source)
        answer = render(await _known(conn, result.asset_id))
        await idempotency.keep(conn, who.subject, key, raw, status=201, answer=answer)
    INTAKE.labels(result.outcome).inc()
    return answer


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
            await save(conn, after, "amended", Cause(who.subject, "request"))
    return after


async def permit_reopening(database: Database, asset_id: UUID, who: Principal, reason: str, *, now: datetime) -> Asset:
    """An operator lets a closed asset come back before its cooldown is over. Raises Missing, NotClosed."""
    async with database.transaction("permit_reopening") as conn:
        held = await _known(conn, asset_id)
        if held.record != "closed":
            raise NotClosed(asset_id=asset_id)
        reason = domain.clean("reason", reason)
        await QUERIES.permit_add(conn, asset_id=asset_id, permitted_by=who.subject, reason=reason, at=now)
    log.info("reopening-permitted", asset_id=str(asset_id), actor=who.subject)
    return held


async def decide_held(database: Database, which: UUID, *, go: bool, reason: str, actor: str, now: datetime) -> Result:
    """A person lets a held disappearance happen, or drops it. The same decision again changes nothing.

    Raises Missing when there is none under this id, AlreadyDecided when it was decided the other way.
    """
    wanted = "applied" if go else "dropped"
    async with database.transaction("decide_held") as conn:
        found = await QUERIES.disappearance_get(conn, disappearance_id=which)
        if found is None:
            raise Missing(what=(f"消失记录 {which}", f"disappearance {which}"))
        held = await _known(conn, found["asset_id"])  # the asset first: intake locks in this order too
        what = Canonical(held.platform, held.identity)
        row = await QUERIES.disappearance_lock(conn, disappearance_id=which)
        if row["state"] == wanted:
            return Result("gone" if go else "unchanged", held.asset_id, what)
        if row["state"] != "held":
            raise AlreadyDecided(state=row["state"])
        reason = domain.clean("reason", reason)
        outcome = await decide(conn, held, row, go=go, reason=reason, actor=actor, now=now)
    return Result(outcome, held.asset_id, what)


async def decide(
    conn: Connection, held: Asset, row: Mapping[str, Any], *, go: bool, reason: str, actor: str, now: datetime
) -> Outcome:
    """Decide one held disappearance within the caller's transaction, which has locked the asset and the `row`."""
    state = "applied" if go else "dropped"
    await QUERIES.disappearance_decide(
        conn, disappearance_id=row["disappearance_id"], state=state, decided_by=actor, reason=reason, at=now
    )
    guard.VANISHED.labels(state).inc()
    if not go or held.running == "gone" or held.record == "closed":
        return "unchanged"
    after, outcome = domain.delist(held, Canonical(held.platform, held.identity), held.source, now=now)
    await save(conn, after, outcome, Cause(actor, row["cause"], f"released by the guard: {reason}"))
    return outcome


async def case_moved(database: Database, asset_id: UUID, event_id: str, move: str, *, now: datetime) -> None:
    """A case `stopped` or `resumed` an asset."""
    async with database.transaction("case_moved") as conn:
        if await inbox.first_time(conn, "decommission", event_id):
            held = await _known(conn, asset_id)
            after = domain.stopped(held, now=now) if move == "stopped" else domain.resumed(held, now=now)
            if after.version != held.version:
                await save(conn, after, move, Cause("decommission", event_id))


async def close(database: Database, told: CaseClosed, event_id: str, *, now: datetime) -> None:
    """A case ended in a verified closure: the record is terminal, a tombstone stands."""
    async with database.transaction("close_asset") as conn:
        if not await inbox.first_time(conn, "decommission", event_id):
            return
        after = domain.closed(await _known(conn, told.asset_id), now=now)
        await store.put(conn, after, outcome="closed", cause=Cause("decommission", event_id))
        await QUERIES.tombstone_add(
            conn, asset_id=told.asset_id, case_id=told.case_id, closed_on=told.closed_on, stopped_on=told.stopped_on,
            rule=told.rule, title=told.title, basis=told.basis, label=told.label, pack=told.pack,
            pack_version=told.pack_version, reason=told.reason, successor=told.successor, plan_sha256=told.plan_sha256,
            archive_sha256=told.archive_sha256,
        )  # fmt: skip
        path = f"/registry/v1/tombstones/{told.asset_id}"
        event = events.AssetClosed(**store.fields(after), tombstone_path=path)
        await relay.emit(conn, event, sequence=after.version, time=now)


async def _known(conn: Connection, asset_id: UUID) -> Asset:
    held = await store.lock(conn, asset_id)
    if held is None:
        raise Missing(field="asset_id", what=(f"对象 {asset_id}", f"asset {asset_id}"))
    return held
