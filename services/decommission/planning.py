"""Sealing and signing plans and mandates; each function that takes a database is one transaction."""

import json
from collections import Counter
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common import outbox
from libs.common.clock import Clock
from libs.common.db import Connection, Database
from libs.common.errors import Missing
from libs.common.events.decommission import CaseApproved
from libs.common.ids import derive
from libs.common.signing import sha256 as sha256_of
from services.decommission import plans, refusals, saga, states, store
from services.decommission.domain import Limits, PlanAltered, SameApprover, Subject, Taken, room
from services.decommission.plans import Candidate
from services.decommission.store import QUERIES, Held

ACTOR = "jianfu"
CHANGED = "the asset's record changed after sealing"
UNSIGNED = "what is true of the asset today is not among the evidence that was signed"


async def seal_plan(database: Database, clock: Clock, limits: Limits) -> UUID | None:
    """Seal the day's one plan of all cases that are ready; None when there is one already, or nobody is ready."""
    async with database.transaction("seal_plan") as conn:
        day, now = clock.today(), clock.now()
        if await QUERIES.plan_of_day(conn, day=day) is not None:
            return None
        rows = [
            row async for row in QUERIES.cases_ready(conn) if limits.per_plan and room(limits, Taken(), row["kind"])
        ]
        candidates = [c for row in rows if (c := await _candidate(conn, row, now, clock.zone)) is not None]
        sealed = plans.seal(day, candidates, limits)
        if sealed is None:
            return None
        await QUERIES.plan_add(
            conn, plan_id=sealed.plan_id, sealed_on=day, content=sealed.content, sha256=sealed.sha256, sealed_at=now
        )
        for one in sealed.members:
            await QUERIES.plan_member_add(
                conn, plan_id=sealed.plan_id, case_id=one.case_id, asset_id=one.asset_id, unit_id=one.unit_id,
                kind=one.kind,
            )  # fmt: skip
            held = await store.hold(conn, one.case_id, clock.zone)
            data = {"plan_id": str(sealed.plan_id), "plan_sha256": sealed.sha256}
            await store.append(conn, held, "planned", data, now=now, actor=ACTOR, zone=clock.zone)
        return sealed.plan_id


async def _candidate(conn: Connection, row: Any, now: datetime, zone: ZoneInfo) -> Candidate | None:
    held = await store.hold(conn, row["case_id"], zone)
    subject = await store.subject(conn, row["asset_id"])
    if subject is None or not isinstance(saga.next_move(held.progress, now, zone), saga.Plan):
        return None
    if held.progress.noticed_unit not in (None, str(subject.sponsor_id)):  # another unit was told, and answered or not
        data = {"unit_id": str(subject.sponsor_id)}
        await store.append(conn, held, "sponsor_changed", data, now=now, actor=ACTOR, zone=zone)
        return None
    findings = [f async for f in QUERIES.findings_of(conn, case_id=row["case_id"])]
    left = [f["rule"] async for f in QUERIES.findings_left(conn, case_id=row["case_id"])]
    return Candidate(
        saga.ready_since(held.progress), subject.asset_id, held.case.case_id, subject.sponsor_id, subject.kind,
        subject.version, tuple(dict.fromkeys(left)) or (held.case.rule,), held.progress.notice_sha256 or "",
        tuple(f["evidence_sha256"] for f in findings if not f["cleared"]),
    )  # fmt: skip


async def approve(database: Database, clock: Clock, plan_id: UUID, approver: str, sha256: str) -> dict[str, Any]:
    """One person signs a plan's hash; with enough signatures its cases go on.

    Two different people, or one where every rule of every member is under a live mandate with room left. Who signs
    again has signed once. Raises PlanAltered when the text is not what was sealed or the hash is another's, SaidNo
    when the plan was rejected.
    """
    async with database.transaction("approve_plan") as conn:
        plan = await QUERIES.plan_lock(conn, plan_id=plan_id)
        if plan is None:
            raise Missing(what=f"plan {plan_id}")
        refusals.unless(await QUERIES.plan_rejection(conn, plan_id=plan_id))
        actual = sha256_of(plan["content"].encode())
        altered = actual != plan["sha256"] or plan["state"] == "altered"
        if altered:
            await QUERIES.plan_state(conn, plan_id=plan_id, state="altered")
            zh, en = f"方案 {plan_id} 的内容已被改动。", f"The content of plan {plan_id} has been altered."
            await store.alarm(conn, plan_id, "plan-altered", zh=zh, en=en, now=clock.now())
        elif sha256 != actual:
            raise PlanAltered(field="sha256", accepted=actual, why="the hash signed is not this plan's")
        else:
            plan = await _sign(conn, clock, plan, approver)
    if altered:
        raise PlanAltered(why="its stored content has changed since it was sealed")
    return dict(plan)


async def _sign(conn: Connection, clock: Clock, plan: Any, approver: str) -> dict[str, Any]:
    plan_id = plan["plan_id"]
    if plan["state"] == "approved":  # what was approved has its signatures; a later one would prove nothing
        return dict(plan) | {"approvers": await _signers(conn, plan_id)}
    await QUERIES.approval_add(conn, plan_id=plan_id, approver=approver, sha256=plan["sha256"], at=clock.now())
    signed = await _signers(conn, plan_id)
    mandates = [] if len(signed) >= 2 else await _mandates(conn, plan["content"], clock.today())
    if len(signed) >= 2 or mandates:
        await QUERIES.plan_state(conn, plan_id=plan_id, state="approved")
        await _admit(conn, clock, plan, signed, mandates)
        return dict(plan) | {"state": "approved", "approvers": signed}
    return dict(plan) | {"approvers": signed}


async def _signers(conn: Connection, plan_id: UUID) -> list[str]:
    return [row["approver"] async for row in QUERIES.approvals_of(conn, plan_id=plan_id)]


async def _mandates(conn: Connection, content: str, day: date) -> list[str]:
    """The standing approvals, each signed by two, that cover every member of a plan; none when one is not covered."""
    need = Counter(rule for member in json.loads(content)["members"] for rule in plans.rules_of(member))
    live = [row async for row in QUERIES.mandates_live(conn, day=day)]
    found = []
    for rule, count in sorted(need.items()):
        fit = [str(row["mandate_id"]) for row in live if row["rule"] == rule and row["max_per_day"] >= count]
        if not fit:
            return []
        found.append(min(fit))
    return found


async def _admit(conn: Connection, clock: Clock, plan: Any, signed: list[str], mandates: list[str]) -> None:
    """Members whose asset is still what was sealed go on; the others drop out with a reason."""
    plan_id = plan["plan_id"]
    for member in json.loads(plan["content"])["members"]:
        held = await store.hold(conn, UUID(member["case_id"]), clock.zone)
        if held.progress.plan_id != str(plan_id) or held.case.state != "planned":
            continue
        subject = await store.subject(conn, held.case.asset_id)
        if subject is None or subject.version != member["asset_version"]:
            await drop(conn, clock, held, CHANGED)
            continue
        data = {"plan_id": str(plan_id), "plan_sha256": plan["sha256"], "approvers": signed, "mandates": mandates}
        held = await store.append(conn, held, "approved", data, now=clock.now(), actor=ACTOR, zone=clock.zone)
        told = CaseApproved(
            case_id=held.case.case_id, asset_id=held.case.asset_id, version=held.case.version, at=clock.now(),
            plan_id=plan_id, plan_sha256=plan["sha256"],
        )  # fmt: skip
        await outbox.emit(conn, told, sequence=held.case.version, time=clock.now())


async def reject(database: Database, clock: Clock, plan_id: UUID, *, by: str, reason: str) -> dict[str, Any]:
    """One person says no to a plan, approved or not: whatever of it has not been stopped is to be planned anew.

    What was altered can be planned again only so. Who says no again has said it once; the first word stays.
    """
    async with database.transaction("reject_plan") as conn:
        if await QUERIES.plan_lock(conn, plan_id=plan_id) is None:
            raise Missing(what=f"plan {plan_id}")
        said = await QUERIES.plan_rejection(conn, plan_id=plan_id)
        if said is None:
            said = {"by": by, "reason": reason, "at": clock.now()}
            await QUERIES.plan_reject(conn, plan_id=plan_id, **said)
            await QUERIES.plan_state(conn, plan_id=plan_id, state="rejected")
            for member in [row["case_id"] async for row in QUERIES.plan_members_of(conn, plan_id=plan_id)]:
                looked = await store.hold(conn, member, clock.zone, lock=False)
                if looked.progress.plan_id != str(plan_id):
                    continue  # in another by now, whose sealing may be waiting for a row that is locked here
                held = await store.hold(conn, member, clock.zone)
                if held.progress.plan_id == str(plan_id) and states.may(held.progress, "unplanned"):
                    await drop(conn, clock, held, reason, actor=by)
    return dict(said)


async def drop(conn: Connection, clock: Clock, held: Held, why: str, *, actor: str = ACTOR) -> Held:
    """Out of its plan and back to planning: what was sealed or approved holds no longer."""
    data = {"plan_id": held.progress.plan_id, "why": why}
    return await store.append(conn, held, "unplanned", data, now=clock.now(), actor=actor, zone=clock.zone)


async def fault_of(conn: Connection, held: Held) -> str | None:
    """Why a case may not be executed under its plan as it stands now, or None."""
    p = held.progress
    plan = await QUERIES.plan_get(conn, plan_id=UUID(p.plan_id)) if p.plan_id else None
    if plan is None:
        return "it does not exist"
    signed = {row["approver"]: row["sha256"] async for row in QUERIES.approvals_of(conn, plan_id=plan["plan_id"])}
    fault = plans.fault(
        plan["content"], plan["sha256"], signed, held.case.case_id, p.plan_sha256 or "", p.approvers
    )  # fmt: skip
    if fault is None and len(set(p.approvers)) < 2:
        mandates = await _mandates_of(conn, held, plan)
        if any(mandate is None or mandate["signatures"] < 2 for mandate in mandates.values()):
            return "one person approved it, and no standing approval of its rule is signed by two others"
    return fault


async def signed_evidence(conn: Connection, held: Held) -> frozenset[str] | None:
    """The hashes of the evidence that the plan of a case was sealed with; None while it is in no plan."""
    plan = await QUERIES.plan_get(conn, plan_id=UUID(held.progress.plan_id)) if held.progress.plan_id else None
    member = plans.member_of(plan["content"], held.case.case_id) if plan is not None else None
    return None if member is None else frozenset(member["evidence_sha256"])


async def lapsed(conn: Connection, held: Held, subject: Subject, day: date) -> str | None:
    """Why a plan without fault holds no longer for this case: rejected, another asset, its mandate ended or revoked.

    Or the finding that was confirmed today is none of those that were signed. Planned anew, the case has a new public
    notice that names what it rests on, but no new notice to the unit: that one is proof that the unit knows of the
    closure, and until the stop it may still answer keep, whatever rule the closure rests on by then.
    """
    plan = await QUERIES.plan_get(conn, plan_id=UUID(held.progress.plan_id or ""))
    if plan["state"] == "rejected":
        return "the plan was rejected"
    member = plans.member_of(plan["content"], held.case.case_id)
    if member is None or member["asset_version"] != subject.version:
        return CHANGED
    if plans.evidence_of(held.log, held.progress.asked_finding) not in {None, *member["evidence_sha256"]}:
        return UNSIGNED
    if len(set(held.progress.approvers)) >= 2:
        return None
    mandates = await _mandates_of(conn, held, plan)
    if any(mandate is not None and mandate["revoked"] for mandate in mandates.values()):
        return "the mandate it was approved under was revoked"
    live = all(mandate is not None and mandate["until"] >= day for mandate in mandates.values())
    return None if live else "the mandate it was approved under has ended"


async def _mandates_of(conn: Connection, held: Held, plan: Any) -> dict[str, Any | None]:
    """For each rule that a case was planned under, the standing approval it was approved under, as it is now."""
    named = [UUID(which) for which in held.progress.mandates]
    member = plans.member_of(plan["content"], held.case.case_id) if plan is not None else None
    rules = plans.rules_of(member or {"rule": held.case.rule})
    return {rule: await QUERIES.mandate_of_rule(conn, mandates=named, rule=rule) for rule in rules}


async def room_under_mandate(conn: Connection, held: Held, day: date) -> bool:
    """Whether a case that one person approved fits under what its mandate allows in a day."""
    if len(set(held.progress.approvers)) >= 2:
        return True
    plan = await QUERIES.plan_get(conn, plan_id=UUID(held.progress.plan_id or ""))
    for rule, mandate in (await _mandates_of(conn, held, plan)).items():
        if mandate is None:
            continue  # the stop's own gate says what is wrong
        which = str(mandate["mandate_id"])
        if await QUERIES.slots_under_mandate(conn, day=day, mandate_id=which, rule=rule) >= mandate["max_per_day"]:
            return False
    return True


async def taken(conn: Connection, day: date, subject: Subject) -> Taken:
    """How many of a day's places are taken already."""
    row = await QUERIES.slots_taken(conn, day=day, unit_id=subject.sponsor_id, kind=subject.kind)
    return Taken(row["day"], row["unit"], row["kind"])


async def beyond_limits(conn: Connection, limits: Limits, day: date, subject: Subject) -> bool:
    """Whether more places were given out today than the limits in force allow: they have been lowered since."""
    used = await taken(conn, day, subject)
    before = Taken(used.day - 1, used.unit - 1, used.kind - 1)  # the asset's own place is among them
    return not room(limits, before, subject.kind)


async def propose_mandate(
    database: Database, clock: Clock, *, rule: str, max_per_day: int, until: date, by: str
) -> UUID:  # fmt: skip
    """A standing approval that two people have yet to sign. Raises SaidNo where the very same one was revoked."""
    which = derive("mandate", rule, max_per_day, until)
    async with database.transaction("propose_mandate") as conn:
        refusals.unless(await QUERIES.mandate_revocation(conn, mandate_id=which))
        await QUERIES.mandate_add(
            conn, mandate_id=which, rule=rule, max_per_day=max_per_day, until=until, proposed_by=by,
            proposed_at=clock.now(),
        )  # fmt: skip
    return which


async def sign_mandate(database: Database, clock: Clock, mandate_id: UUID, approver: str) -> None:
    """One of the two signatures; who signs again has signed once.

    Raises Missing, SameApprover for its proposer, and SaidNo when it was revoked.
    """
    async with database.transaction("sign_mandate") as conn:
        mandate = await QUERIES.mandate_get(conn, mandate_id=mandate_id)
        if mandate is None:
            raise Missing(what=f"mandate {mandate_id}")
        if mandate["proposed_by"] == approver:
            raise SameApprover(who=approver)
        refusals.unless(await QUERIES.mandate_revocation(conn, mandate_id=mandate_id))
        await QUERIES.mandate_sign(conn, mandate_id=mandate_id, approver=approver, at=clock.now())


async def revoke_mandate(database: Database, clock: Clock, which: UUID, *, by: str, reason: str) -> dict[str, Any]:
    """One person takes a standing approval back; what was approved under it and not stopped is to be planned anew."""
    async with database.transaction("revoke_mandate") as conn:
        if await QUERIES.mandate_get(conn, mandate_id=which) is None:
            raise Missing(what=f"mandate {which}")
        await QUERIES.mandate_revoke(conn, mandate_id=which, by=by, reason=reason, at=clock.now())
        return dict(await QUERIES.mandate_revocation(conn, mandate_id=which))
