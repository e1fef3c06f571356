"""Use cases of declarations; each public function that takes a database is one transaction."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from libs.common.consumer import inbox
from libs.common.db.pool import Connection, Database
from libs.common.events.intake import AssetCorrected, AssetDeclared, AssetDelisted, UnitRef
from libs.common.http import idempotency
from libs.common.security.signing import sha256
from libs.common.security.tokens import Principal
from services.registry.assets import domain, store
from services.registry.assets import usecases as asset_usecases
from services.registry.assets.domain import Asset, DuplicateAsset, Outcome, Policy
from services.registry.assets.store import Cause
from services.registry.guard import usecases as guard_usecases
from services.registry.identity.canonical import Canonical, canonical
from services.registry.intake.domain import EventReused, history_note
from services.registry.intake.store import QUERIES
from services.registry.metrics import INTAKE
from services.registry.spelling.texts import clean
from services.registry.units.usecases import ensure_unit, require_scope

Declaration = AssetDeclared | AssetCorrected | AssetDelisted


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a declaration did, and to which asset; of a `duplicate` that is the twin."""

    outcome: Outcome
    asset_id: UUID
    identity: Canonical
    sponsor_id: UUID | None = field(default=None, compare=False)


async def take_in(
    database: Database,
    event: Declaration,
    who: Principal,
    *,
    source: str,
    event_id: str,
    now: datetime,
    policy: Policy,
    twins_as_outcomes: bool = False,
) -> Result:
    """Take one event: declared, corrected or delisted. A repeated event gets the answer it got before.

    A twin is a DuplicateAsset, which the dead letters of Kafka show, or with `twins_as_outcomes` an outcome like the
    others. Raises EventReused when its sender already used the id for a different event; ids of other senders do not
    clash.
    """
    identity = canonical(event.kind, event.platform, event.address)
    digest = sha256(f"{event.TYPE} {event.model_dump_json(exclude_defaults=True)}".encode())
    async with database.transaction("take_in") as conn:
        # Of two concurrent copies the second waits here.
        await inbox.first_time(conn, "intake", f"{who.subject} {source} {event_id}")
        sent = {"event_source": source, "event_id": event_id, "subject": who.subject, "digest": digest}
        before = await QUERIES.outcome_get(conn, **sent)
        if before is not None:
            if before["told"] not in (None, digest):
                raise EventReused(field="id", accepted="an id of its own", source=source, event_id=event_id)
            return Result(outcome=before["outcome"], asset_id=before["asset_id"], identity=identity)
        try:
            async with conn.transaction() if twins_as_outcomes else nullcontext():
                cause = Cause(actor=who.subject, event=event_id)
                result = await apply(conn, event, identity, who, cause, now=now, policy=policy)
        except DuplicateAsset as error:
            if not twins_as_outcomes:
                raise
            result = Result(outcome="duplicate", asset_id=UUID(str(error.params["twin"])), identity=identity)
        await QUERIES.outcome_add(conn, **sent, outcome=result.outcome, asset_id=result.asset_id)
    INTAKE.labels(result.outcome).inc()
    return result


async def apply(
    conn: Connection,
    event: Declaration,
    identity: Canonical,
    who: Principal,
    cause: Cause,
    *,
    now: datetime,
    policy: Policy,
    sponsors: Mapping[UnitRef, UUID] | None = None,
) -> Result:
    """Let one declaration take effect within the caller's transaction; `identity` is read from its address.

    Raises the domain's refusals.

    A caller with many declarations has locked all their identities and passes the `sponsors` that it knows.
    """
    domain.has_come(event.on, now=now)
    current = await store.latest(conn, event.kind, identity, identity_locked=sponsors is not None)
    if isinstance(event, AssetDelisted):
        after, outcome = domain.delist(current, identity, clean("source", event.source), now=now, on=event.on)
        await require_scope(conn, who, after.sponsor_id)
        if outcome == "gone" and not await guard_usecases.may_vanish(conn, after, cause, now=now, policy=policy):
            await store.stated(conn, [after.asset_id], event.on)
            return Result(outcome="held", asset_id=after.asset_id, identity=identity)
    else:
        sponsor = (sponsors or {}).get(event.sponsor) or await ensure_unit(conn, event.sponsor, now=now)
        await require_scope(conn, who, sponsor)
        permitted = current is not None and await asset_usecases.permits(conn, current)
        declared = domain.declaration(event, identity, sponsor, now=now)
        after, outcome = domain.declare(
            current, declared, now=now, reopen_after=policy.reopen_after, permitted=permitted, zone=policy.zone
        )
        if current is not None and current.record != "closed":
            await require_scope(conn, who, current.sponsor_id)  # a unit may not take over an asset of another unit
            if outcome != "outdated":
                await guard_usecases.listed_again(conn, current.asset_id, cause, now=now)
        cause = replace(cause, note=cause.note or history_note(event, current, identity))
    if outcome == "unchanged":
        await store.stated(conn, [after.asset_id], event.on)
    elif outcome != "outdated":
        await asset_usecases.save(conn, after, outcome, cause)
    return Result(outcome=outcome, asset_id=after.asset_id, identity=identity, sponsor_id=after.sponsor_id)


async def declare(
    database: Database,
    event: AssetDeclared,
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
        cause = Cause(actor=who.subject, event=f"request {key}" if key else "request")
        identity = canonical(event.kind, event.platform, event.address)
        result = await apply(conn, event, identity, who, cause, now=now, policy=policy)
        # Listed already: PATCH corrects an asset, a second POST does not.
        if result.outcome in ("unchanged", "amended", "outdated"):
            raise DuplicateAsset(field="address", twin=result.asset_id, source=event.source)
        answer = render(await asset_usecases.known(conn, result.asset_id))
        await idempotency.keep(conn, who.subject, key, raw, status=201, answer=answer)
    INTAKE.labels(result.outcome).inc()
    return answer
