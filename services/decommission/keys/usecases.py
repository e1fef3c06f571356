"""Addresses and keys of units: proposed by one, proved by the unit's system, confirmed by another; all of it is kept.

Every function that takes a context is one transaction, or one call to the outside between two. A call that was lost in
a crash is made again: the challenge when it is asked for, the message to an address before by the next look.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common import crashpoints, days
from libs.common.db.pool import Connection
from libs.common.errors import Invalid, Unknown
from libs.common.ids import derive
from libs.common.text import Text
from services.decommission import reasons
from services.decommission.alarms import store as alarm_store
from services.decommission.calls.domain import Accepted
from services.decommission.cases import casework, foureyes, transitions
from services.decommission.cases import store as case_store
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.entries.notice import EndpointChanged
from services.decommission.channels import types as channel_types
from services.decommission.controls import usecases as control_usecases
from services.decommission.controls.domain import SwitchedOff
from services.decommission.deps import Deps
from services.decommission.effects import store as effect_store
from services.decommission.keys import domain, store
from services.decommission.keys.domain import BadProof, SetItHimself, UnitKey
from services.decommission.setup.store import record_change
from services.decommission.trials import usecases as trial_usecases
from services.decommission.trials.domain import Answer, Heard
from services.decommission.units import store as unit_store

Why = dict[str, str]  # in both languages
TELLINGS = 3  # attempts, a day apart, to tell an address that another one is in force; then a person is called
REPLACED = "another key of the unit is in force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody says of a unit; `by` is his identity, `name` what his token calls him."""

    url: str
    public_key: dict[str, Any]
    contact: str | None
    honours_keys: bool
    by: str
    name: str


async def propose(deps: Deps, unit_id: UUID, proposal: Proposal) -> UnitKey:
    """The unit's newest key: this one, from now on, unless it was this one before. What is in force stays so.

    What a system sends every day to be sure changes nothing, or its key would never grow old enough to prove anything.
    Raises Unknown for a unit, and Invalid for an address that the door would refuse.
    """
    await channel_types.of(proposal.url).judge(deps, "url", proposal.url)
    async with deps.database.transaction("propose_key") as conn:
        if await unit_store.QUERIES.unit_get(conn, unit_id=unit_id) is None:
            accepted = "a unit that the registry has recorded and told of"
            raise Unknown(field="unit_id", accepted=accepted, what=Text(f"单位 {unit_id}", f"unit {unit_id}"))
        await store.QUERIES.unit_key_lock(conn, text_=str(unit_id))
        earlier, kept = await store.history(conn, unit_id), await store.QUERIES.endpoint_get(conn, unit_id=unit_id)
        honours = True if kept is None else kept["honours_keys"]
        contact = None if kept is None else kept["contact"]
        before = _shown(earlier[0], honours_keys=honours) if earlier else None
        newest = earlier[0] if earlier else None
        if newest is None or (newest.url, newest.public_key) != (proposal.url, proposal.public_key):
            print_ = domain.thumbprint(proposal.public_key)
            await store.QUERIES.unit_key_add(
                conn,
                unit_id=unit_id,
                ordinal=len(earlier) + 1,
                url=proposal.url,
                public_key=json.dumps(proposal.public_key),
                thumbprint=print_,
                set_by=proposal.by,
                set_at=deps.now(),
            )
            newest = (await store.history(conn, unit_id))[0]
        after = _shown(newest, honours_keys=proposal.honours_keys)
        if (before, contact) != (after, proposal.contact):
            await record_change(deps, conn, "endpoint", str(unit_id), before, after, proposal.name)
        await store.QUERIES.endpoint_put(
            conn, unit_id=unit_id, contact=proposal.contact, honours_keys=proposal.honours_keys
        )
        return newest


def _shown(key: UnitKey, *, honours_keys: bool) -> dict[str, Any]:
    """An endpoint as its changes are recorded; the key by its thumbprint."""
    return {"url": key.url, "key_sha256": key.thumbprint, "honours_keys": honours_keys}


async def challenge(deps: Deps, unit_id: UUID) -> tuple[UnitKey, Why | None]:
    """Ask the system at the newest address to sign with the newest key; the key afterwards, and why it is not proved.

    Raises Missing where nothing was ever proposed.
    """
    async with deps.database.reading() as conn:
        key = await store.newest(conn, unit_id)
        if key.proved_at is not None:
            return key, None
        try:
            await control_usecases.require_switch(deps, conn)
        except SwitchedOff:
            return key, _why("the kill switch is on")
    body = domain.challenge(deps.signing_key, key)
    effect = derive("challenge", unit_id, key.ordinal)
    crashpoints.point("decommission.challenge.before-effect")
    outcome = await channel_types.of(key.url).deliver(
        deps, key.url, body, purpose="challenge", key=effect, at=deps.now()
    )
    crashpoints.point("decommission.challenge.after-effect")
    if not isinstance(outcome, Accepted):
        return key, _why(outcome.why)
    try:
        return await prove(deps, unit_id, _proof_of(outcome.body)), None
    except BadProof as error:
        return key, {"zh": error.text.zh, "en": error.text.en}


def _why(text: str) -> Why:
    return {"zh": reasons.zh(text), "en": text}


def _proof_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["proof"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadProof(field="proof", accepted="the challenge, signed by the key", why="there is no proof") from None


async def prove(deps: Deps, unit_id: UUID, token: str) -> UnitKey:
    """The unit's system has signed the challenge of the newest key; told again it changes nothing.

    Raises Missing, BadProof.
    """
    async with deps.database.transaction("prove_key") as conn:
        await store.QUERIES.unit_key_lock(conn, text_=str(unit_id))
        key = await store.newest(conn, unit_id)
        domain.read_proof(token, key, domain.challenge(deps.signing_key, key))
        if key.proved_at is None:
            await store.QUERIES.unit_key_prove(conn, unit_id=unit_id, ordinal=key.ordinal, proof=token, at=deps.now())
        return await _after(deps, conn, key)


async def confirm(deps: Deps, unit_id: UUID, *, url: str, thumbprint: str, by: str, name: str) -> UnitKey:
    """A second person has looked at the newest address and key, and names both; the first who does so stays.

    Raises Missing, Invalid where it is another by now, SetItHimself.
    """
    async with deps.database.transaction("confirm_key") as conn:
        await store.QUERIES.unit_key_lock(conn, text_=str(unit_id))
        key = await store.newest(conn, unit_id)
        for field, given, current in (("thumbprint", thumbprint, key.thumbprint), ("url", url, key.url)):
            if given != current:
                zh, en = f"最近提交的 {field} 与此不同", f"what was proposed last has another {field}"
                raise Invalid(field=field, accepted=current, why=Text(zh, en))
        if foureyes.same(by, key.set_by):
            raise SetItHimself(who=name)
        if key.confirmed_at is None:
            await store.QUERIES.unit_key_confirm(conn, unit_id=unit_id, ordinal=key.ordinal, by=by, at=deps.now())
        return await _after(deps, conn, key)


async def _after(deps: Deps, conn: Connection, before: UnitKey) -> UnitKey:
    """The key as it is now. Where it has come into force, whoever has not been told under it is told anew."""
    key = await store.newest(conn, before.unit_id)
    if before.in_force_from is None and key.in_force_from is not None:
        rows = store.QUERIES.cases_of_unit(conn, unit_id=key.unit_id, ordinal=key.ordinal)
        cases = [row["case_id"] async for row in rows]
        for case_id in cases:
            await _tell_anew(deps, conn, case_id, key)
        await _owe(deps, conn, key, while_a_case_runs=bool(cases))
    return key


async def _owe(deps: Deps, conn: Connection, key: UnitKey, *, while_a_case_runs: bool) -> None:
    """Note who has to hear that a key is in force: whoever held the address where the unit's notices went until now.

    That is the unit itself; where it had no address of its own, a unit above it, which hears of it while a case runs.
    """
    keys = await store.history(conn, key.unit_id)
    own = next((one for one in keys if one.ordinal < key.ordinal and one.in_force_from is not None), None)
    before = own
    if own is None and while_a_case_runs:
        row = await store.QUERIES.endpoint_for(conn, unit_id=key.unit_id, from_height=1)
        before = None if row is None else store.to_key(row)
    if before is not None:
        await store.QUERIES.unit_key_owe(
            conn,
            unit_id=key.unit_id,
            ordinal=key.ordinal,
            before_unit=before.unit_id,
            before_ordinal=before.ordinal,
        )


async def _tell_anew(deps: Deps, conn: Connection, case_id: UUID, key: UnitKey) -> None:
    """A case goes back to its notice, unless the unit has kept the asset, or the order to stop has gone out."""
    try:
        case = await casework.lock_case(deps, conn, case_id)
    except BrokenChain as error:
        await case_store.broken(conn, error, now=deps.now())
        return
    p = case.progress
    if p.answer == "keep" or p.refuted or p.unwinding or p.stop.ordered:
        return
    if p.plan_id is not None and transitions.may(p, "unplanned"):
        case = await casework.drop(deps, conn, case, REPLACED, actor=key.set_by)
    if not transitions.may(case.progress, "endpoint_changed"):
        return
    if (under_way := case.progress.pending.get("notice")) is not None:
        await effect_store.end(conn, UUID(under_way), "unknown", why=REPLACED)
    await casework.append(
        deps, conn, case, EndpointChanged(unit_id=str(key.unit_id), key=key.named()), actor=key.set_by
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """That a key of a unit is in force, which the address of another key, its own or of a unit above, has to hear."""

    unit_id: UUID
    ordinal: int
    before_unit: UUID
    before_ordinal: int
    attempts: int


async def list_owed(deps: Deps, conn: Connection) -> list[Owed]:
    """What has to be told now."""
    rows = store.QUERIES.unit_keys_to_tell(conn, morning=days.morning(deps.today(), deps.zone), most=TELLINGS)
    return [Owed(**dict(row)) async for row in rows]


async def _key(conn: Connection, unit_id: UUID, ordinal: int) -> UnitKey:
    return next(key for key in await store.history(conn, unit_id) if key.ordinal == ordinal)


async def tell(deps: Deps, owed: Owed) -> None:
    """Tell the address before that another key is in force; after the last attempt in vain a person is called."""
    unit_id, ordinal, attempt = owed.unit_id, owed.ordinal, owed.attempts + 1
    async with deps.database.reading() as conn:
        await control_usecases.require_switch(deps, conn)
        after = await _key(conn, unit_id, ordinal)
        before = await _key(conn, owed.before_unit, owed.before_ordinal)
    effect = derive("key-changed", unit_id, ordinal)
    crashpoints.point("decommission.key-changed.before-effect")
    outcome = await channel_types.of(before.url).deliver(
        deps, before.url, domain.changed(before, after), purpose="key-changed", key=effect, at=deps.now()
    )
    crashpoints.point("decommission.key-changed.after-effect")
    why = None if isinstance(outcome, Accepted) else outcome.why
    async with deps.database.transaction("key_change_told") as conn:
        await store.QUERIES.unit_key_told(
            conn,
            unit_id=unit_id,
            ordinal=ordinal,
            attempt=attempt,
            accepted=why is None,
            why=why,
            at=deps.now(),
        )
        if why is not None and attempt == TELLINGS:
            zh = f"单位 {unit_id} 的通知地址已更换,原地址无法告知:{why}"
            en = f"The endpoint of unit {unit_id} was changed, and its address before cannot be told: {why}"
            await alarm_store.alarm_about(conn, effect, "key-changed", zh=zh, en=en, now=deps.now())


async def test(deps: Deps, key: UnitKey, *, actor: str) -> Heard:
    """Try the address of a key, in force or not. Raises TriedTooOften, NothingLeaves."""

    async def call(body: bytes, effect: UUID, at: datetime) -> Answer:
        outcome = await channel_types.of(key.url).deliver(deps, key.url, body, purpose="test", key=effect, at=at)
        return Answer.of(outcome)

    return await trial_usecases.attempt(deps, "endpoint", str(key.unit_id), "notice", call, actor=actor)
