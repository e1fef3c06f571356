"""Sealing and signing plans and mandates; each function that takes a database is one transaction."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.events.decommission import CaseApproved
from libs.common.security.signing import sha256 as sha256_of
from libs.common.security.tokens import Principal
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms import store as alarm_store
from services.decommission.assets import store as asset_store
from services.decommission.assets.domain import Subject
from services.decommission.cases import casework, chain, foureyes, next_move, transitions
from services.decommission.cases import store as case_store
from services.decommission.cases.casework import OTHER_ASSET
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.foureyes import MayNotSign
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.limits import store as limit_store
from services.decommission.limits.domain import Limits, SlotsTaken, room
from services.decommission.mandates import domain as mandate_domain
from services.decommission.mandates import store as mandate_store
from services.decommission.notices import store as notice_store
from services.decommission.plans import domain, store
from services.decommission.plans.domain import Candidate, PlanAltered, PlanVoid
from services.decommission.setup import store as setup_store
from services.decommission.units import store as unit_store

UNSIGNED = "what is true of the asset today is not among the evidence that was signed"


async def seal_plan(deps: Deps) -> UUID | None:
    """Seal the day's one plan of all cases that are ready; None when there is one already, or nobody is ready."""
    async with deps.database.transaction("seal_plan") as conn:
        day, now, limits = deps.today(), deps.now(), deps.limits
        if await store.QUERIES.plan_of_day(conn, day=day) is not None:
            return None
        rows = [
            row
            async for row in store.QUERIES.cases_ready(conn)
            if limits.per_plan and room(limits, SlotsTaken(), row["kind"])
        ]
        candidates = [c for row in rows if (c := await _candidate(deps, conn, row)) is not None]
        sealed = domain.seal(day, candidates, limits)
        if sealed is None:
            return None
        await store.QUERIES.plan_add(
            conn, plan_id=sealed.plan_id, sealed_on=day, content=sealed.content, sha256=sealed.sha256, sealed_at=now
        )
        for one in sealed.members:
            await store.QUERIES.plan_member_add(
                conn,
                plan_id=sealed.plan_id,
                case_id=one.case_id,
                asset_id=one.asset_id,
                unit_id=one.unit_id,
                kind=one.kind,
                name=one.asset["name"],
                address=one.asset["address"],
                unit_name=one.unit["name"],
            )
            case = await casework.lock_case(deps, conn, one.case_id)
            await casework.append(deps, conn, case, "planned", plan_id=str(sealed.plan_id), plan_sha256=sealed.sha256)
        return sealed.plan_id


async def _candidate(deps: Deps, conn: Connection, row: Any) -> Candidate | None:
    case = await _whole(deps, conn, row["case_id"])
    subject = await asset_store.subject(conn, row["asset_id"])
    if case is None or subject is None:
        return None
    if not subject.is_itself:
        await case_store.broken(conn, BrokenChain(case_id=case.row.case_id, why=OTHER_ASSET), now=deps.now())
        return None
    if not isinstance(next_move.next_move(case.progress, deps.now(), deps.zone), next_move.Plan):
        return None
    if case.progress.noticed_unit not in (None, str(subject.sponsor_id)):  # another unit was told, and answered or not
        await casework.append(deps, conn, case, "sponsor_changed", unit_id=str(subject.sponsor_id))
        return None
    if await _other_key(conn, case):
        await casework.append(deps, conn, case, "endpoint_changed")
        return None
    findings = [f async for f in case_store.QUERIES.findings_of(conn, case_id=row["case_id"])]
    unit = await unit_store.QUERIES.unit_get(conn, unit_id=subject.sponsor_id)
    left = [f["rule"] async for f in case_store.QUERIES.findings_left(conn, case_id=row["case_id"])]
    return Candidate(
        next_move.ready_since(case.progress),
        subject.asset_id,
        case.row.case_id,
        subject.sponsor_id,
        subject.kind,
        subject.version,
        tuple(dict.fromkeys(left)) or (case.row.rule,),
        case.progress.notice_sha256 or "",
        tuple(f["evidence_sha256"] for f in findings if not f["cleared"]),
        *chain.head(case.log),
        domain.asset_of(subject),
        domain.unit_of(None if unit is None else dict(unit)),
        named := case.progress.notice_key,
        0 if named is None else key_domain.age_days(named, deps.today(), deps.zone),
    )


async def _whole(deps: Deps, conn: Connection, case_id: UUID) -> Case | None:
    """A case, locked; where its log was altered a person is called to it, and what is done goes on without it."""
    try:
        return await casework.lock_case(deps, conn, case_id)
    except BrokenChain as error:
        await case_store.broken(conn, error, now=deps.now())
        return None


async def _other_key(conn: Connection, case: Case) -> bool:
    """Whether the unit that was told has another key in force by now, and the case was not found when that came."""
    notice = await notice_store.QUERIES.notice_get(conn, case_id=case.row.case_id)
    if notice is None or notice["key_ordinal"] is None:
        return False
    rows = key_store.QUERIES.unit_keys_of(conn, unit_id=notice["key_unit"])
    found = [row["retired_at"] async for row in rows if row["ordinal"] == notice["key_ordinal"]]
    return found != [None]


async def approve(deps: Deps, plan_id: UUID, who: Principal, sha256: str) -> dict[str, Any]:
    """One person signs a plan's hash; with enough signatures its cases go on.

    Two different people, or one where every rule of every member is under a live mandate with room left. Who signs
    again has signed once. Raises PlanAltered when the text is not what was sealed or the hash is another's, SaidNo
    when the plan was rejected, TwoRoles for a token that is an operator's as well, and MayNotSign for who has had
    another part in one of its cases; PlanVoid where no case is in it any more; HoldsTheKey where who signs has set or
    confirmed the key of one of its notices.
    """
    foureyes.require_apart(who.roles)
    async with deps.database.transaction("approve_plan") as conn:
        plan = await store.QUERIES.plan_lock(conn, plan_id=plan_id)
        if plan is None:
            raise Missing(what=(f"方案 {plan_id}", f"plan {plan_id}"))
        mandate_domain.raise_if_rejected(await store.QUERIES.plan_rejection(conn, plan_id=plan_id))
        actual = sha256_of(plan["content"].encode())
        altered = actual != plan["sha256"] or plan["state"] == "altered"
        if altered:
            await store.plan_moves(conn, plan_id, "altered", now=deps.now())
            zh, en = f"方案 {plan_id} 的内容已被改动。", f"The content of plan {plan_id} has been altered."
            await alarm_store.alarm_about(conn, plan_id, alarm_domain.ALTERED, zh=zh, en=en, now=deps.now())
        elif sha256 != actual:
            raise PlanAltered(field="sha256", accepted=actual, why="the hash signed is not this plan's")
        elif not await _void(deps, conn, plan):
            key_domain.may_sign(plan["content"], who.identity, who.subject)
            return await _sign(deps, conn, plan, who.identity)
    if altered:
        raise PlanAltered(why="its stored content has changed since it was sealed")
    raise PlanVoid(plan_id=plan_id)


async def void_empty(deps: Deps) -> bool:
    """Sealed plans that no case is in any more become void; whether there was one. Logs decide, and not rows."""
    async with deps.database.reading() as conn:
        found = [row["plan_id"] async for row in store.QUERIES.plans_empty(conn)]
    did = False
    for plan_id in found:
        async with deps.database.transaction("void_plan") as conn:
            plan = await store.QUERIES.plan_lock(conn, plan_id=plan_id)
            whole = sha256_of(plan["content"].encode()) == plan["sha256"]
            did = (whole and plan["state"] == "sealed" and await _void(deps, conn, plan)) or did
    return did


async def _void(deps: Deps, conn: Connection, plan: Any) -> bool:
    """Whether a locked plan is void, or becomes so now: each of its cases has left it, and no log is in doubt."""
    if plan["state"] != "sealed":
        return bool(plan["state"] == "void")
    for member in json.loads(plan["content"])["members"]:
        case, fault = await case_store.look(conn, UUID(member["case_id"]), deps.zone, deps.notary)
        if fault is not None or transitions.left(case.progress, str(plan["plan_id"])) is None:
            return False
    await store.plan_moves(conn, plan["plan_id"], "void", now=deps.now())
    return True


async def _sign(deps: Deps, conn: Connection, plan: Any, approver: str) -> dict[str, Any]:
    plan_id, signed = plan["plan_id"], await case_store.signers(conn, plan["plan_id"])
    if plan["state"] == "approved":  # what was approved has its signatures; a later one would prove nothing
        return dict(plan) | {"approvers": signed}
    parts = await _parts(deps, conn, plan)
    if not foureyes.among(approver, signed):
        _unless_involved(parts, approver)
        await store.QUERIES.approval_add(conn, plan_id=plan_id, approver=approver, sha256=plan["sha256"], at=deps.now())
        signed = await case_store.signers(conn, plan_id)
    two = len(foureyes.people(signed)) >= 2
    mandates = [] if two else await _mandates(deps, conn, plan["content"], approver, _names(parts.values()))
    if two or mandates:
        state = "approved" if await _admit(deps, conn, plan, signed, mandates) else "void"
        await store.plan_moves(conn, plan_id, state, now=deps.now())
        return dict(plan) | {"state": state, "approvers": signed}
    return dict(plan) | {"approvers": signed}


async def acted(conn: Connection, case: Case) -> dict[str, list[str]]:
    """Who has had a part in a case that excludes signing for it: the reason, and the people. See foureyes.conflict.

    To sign for it is to sign its plan, or the standing approval that its plan rests on.
    """
    found = {foureyes.BY_HAND: foureyes.hands(case.log)}
    key = case.progress.notice_key or {}
    found[foureyes.HOLDS_KEY] = [str(key[part]) for part in ("set_by", "confirmed_by") if key.get(part)]
    if (subject := await asset_store.subject(conn, case.row.asset_id)) is not None:
        last = await setup_store.QUERIES.setup_change_last(conn, what="connector", which=subject.platform)
        found[foureyes.SET_CONNECTOR] = [] if last is None else [last["actor"]]
    return found


async def _parts(deps: Deps, conn: Connection, plan: Any) -> dict[UUID, dict[str, list[str]]]:
    """What `acted` says of each case of a plan; one that is broken is left out."""
    found = {}
    for member in json.loads(plan["content"])["members"]:
        case, fault = await case_store.look(conn, UUID(member["case_id"]), deps.zone, deps.notary)
        if fault is None:
            found[case.row.case_id] = await acted(conn, case)
    return found


def _names(parts: Iterable[Mapping[str, Iterable[str]]]) -> list[str]:
    """All who have had a part in any of some cases."""
    return [name for part in parts for who in part.values() for name in who]


def _unless_involved(parts: Mapping[UUID, dict[str, list[str]]], approver: str) -> None:
    """Raises MayNotSign where the signer has had another part in one of the cases."""
    for case_id, part in parts.items():
        if (why := foureyes.conflict(approver, part)) is not None:
            raise MayNotSign(who=approver, why=f"{case_id}: {why}")


async def _mandates(deps: Deps, conn: Connection, content: str, approver: str, involved: Iterable[str]) -> list[str]:
    """The standing approvals that cover every member of a plan; none when one is not covered.

    Each is signed by two, of whom none proposed it or had another part in one of the cases, and nor did the one who
    approves under it.
    """
    need = Counter(rule for member in json.loads(content)["members"] for rule in domain.rules_of(member))
    live = [
        row
        async for row in mandate_store.QUERIES.mandates_live(conn, day=deps.today())
        if _standing(row, approver, involved)
    ]
    found = []
    for rule, count in sorted(need.items()):
        fit = [str(row["mandate_id"]) for row in live if row["rule"] == rule and row["max_per_day"] >= count]
        if not fit:
            return []
        found.append(min(fit))
    return found


def _standing(mandate: Any, approver: str, involved: Iterable[str]) -> bool:
    """Whether a mandate has two signers of whom none proposed it or is involved, and somebody may approve under it."""
    excluded = [mandate["proposed_by"], *involved]
    others = [name for name in mandate["approvers"] if not foureyes.among(name, excluded)]
    return len(foureyes.people(others)) >= 2 and not foureyes.same(approver, mandate["proposed_by"])


async def _admit(deps: Deps, conn: Connection, plan: Any, signed: list[str], mandates: list[str]) -> bool:
    """Members that are still what was sealed go on; the others drop out with a reason. False where all have."""
    plan_id, left = plan["plan_id"], False
    for member in json.loads(plan["content"])["members"]:
        case = await _whole(deps, conn, UUID(member["case_id"]))
        if case is None or case.progress.plan_id != str(plan_id) or case.row.state != "planned":
            left = left or case is None  # a broken one has not gone: once it is mended it will be found in this plan
            continue
        if (why := await _no_longer(conn, case, member, signed)) is not None:
            await casework.drop(deps, conn, case, why)
            continue
        data = {"plan_id": str(plan_id), "plan_sha256": plan["sha256"], "approvers": signed, "mandates": mandates}
        case = await casework.append(deps, conn, case, "approved", **data)
        await casework.tell(deps, conn, case, CaseApproved, plan_id=plan_id, plan_sha256=plan["sha256"])
        left = True
    return left


async def _no_longer(conn: Connection, case: Case, member: dict[str, Any], signed: list[str]) -> str | None:
    """Why a member of a plan is not approved with the others, or None."""
    subject = await asset_store.subject(conn, case.row.asset_id)
    if subject is None or not domain.is_as_sealed(member, subject):
        return domain.CHANGED
    return transitions.undone(case.progress) or _involved(await acted(conn, case), signed)


def _involved(parts: Mapping[str, list[str]], signed: Iterable[str]) -> str | None:
    """Why somebody who signed for a case may not have, or None: he may have acted after he signed."""
    return next((why for name in signed if (why := foureyes.conflict(name, parts)) is not None), None)


async def reject(deps: Deps, plan_id: UUID, *, by: str, reason: str) -> dict[str, Any]:
    """One person says no to a plan, approved or not: whatever of it has not been stopped is to be planned anew.

    What was altered can be planned again only so. Who says no again has said it once; the first word stays.
    """
    async with deps.database.transaction("reject_plan") as conn:
        if await store.QUERIES.plan_lock(conn, plan_id=plan_id) is None:
            raise Missing(what=(f"方案 {plan_id}", f"plan {plan_id}"))
        said = await store.QUERIES.plan_rejection(conn, plan_id=plan_id)
        if said is None:
            said = {"by": by, "reason": reason, "at": deps.now()}
            await store.QUERIES.plan_reject(conn, plan_id=plan_id, **said)
            await store.plan_moves(conn, plan_id, "rejected", now=deps.now())
            for member in [row["case_id"] async for row in store.QUERIES.plan_members_of(conn, plan_id=plan_id)]:
                looked, fault = await case_store.look(conn, member, deps.zone, deps.notary)
                if fault is None and looked.progress.plan_id != str(plan_id):
                    continue  # in another by now, whose sealing may be waiting for a row that is locked here
                case = await _whole(deps, conn, member)
                if case is None:
                    continue  # once it is mended, its plan will be found to be rejected
                if case.progress.plan_id == str(plan_id) and transitions.may(case.progress, "unplanned"):
                    await casework.drop(deps, conn, case, reason, actor=by)
    return dict(said)


async def fault_of(conn: Connection, case: Case) -> str | None:
    """Why a case may not be executed under its plan as it stands now, or None."""
    p = case.progress
    plan = await store.QUERIES.plan_get(conn, plan_id=UUID(p.plan_id)) if p.plan_id else None
    if plan is None:
        return "it does not exist"
    signed = {row["approver"]: row["sha256"] async for row in store.QUERIES.approvals_of(conn, plan_id=plan["plan_id"])}
    fault = domain.fault(
        plan["content"], plan["sha256"], signed, case.row.case_id, p.plan_sha256 or "", p.approvers, case.log
    )
    if fault is None and not _two(case):
        mandates, involved = await _mandates_of(conn, case, plan), _names([await acted(conn, case)])
        if any(mandate is None or not _standing(mandate, p.approvers[0], involved) for mandate in mandates.values()):
            return "one person approved it, and no standing approval of its rule is signed by two others"
    return fault


def _two(case: Case) -> bool:
    """Whether two people approved a case's plan, and not one under two names."""
    return len(foureyes.people(case.progress.approvers)) >= 2


async def signed_evidence(conn: Connection, case: Case) -> frozenset[str] | None:
    """The hashes of the evidence that the plan of a case was sealed with; None while it is in no plan."""
    plan = await store.QUERIES.plan_get(conn, plan_id=UUID(case.progress.plan_id)) if case.progress.plan_id else None
    member = domain.member_of(plan["content"], case.row.case_id) if plan is not None else None
    return None if member is None else frozenset(member["evidence_sha256"])


async def lapsed(conn: Connection, case: Case, subject: Subject, day: date) -> str | None:
    """Why a plan without fault holds no longer for this case: rejected, another asset, its mandate ended or revoked.

    Or the finding that was confirmed today is none of those that were signed. Planned anew, the case has a new public
    notice that names what it rests on, but no new notice to the unit: that one is proof that the unit knows of the
    closure, and until the stop it may still answer keep, whatever rule the closure rests on by then.
    """
    plan = await store.QUERIES.plan_get(conn, plan_id=UUID(case.progress.plan_id or ""))
    if plan["state"] == "rejected":
        return "the plan was rejected"
    member = domain.member_of(plan["content"], case.row.case_id)
    if member is None or not domain.is_as_sealed(member, subject):
        return domain.CHANGED
    if domain.evidence_of(case.log, case.progress.asked_finding) not in {None, *member["evidence_sha256"]}:
        return UNSIGNED
    if (why := _involved(await acted(conn, case), case.progress.approvers)) is not None:
        return why
    if _two(case):
        return None
    mandates = await _mandates_of(conn, case, plan)
    if any(mandate is not None and mandate["revoked"] for mandate in mandates.values()):
        return "the mandate it was approved under was revoked"
    live = all(mandate is not None and mandate["until"] >= day for mandate in mandates.values())
    return None if live else "the mandate it was approved under has ended"


async def _mandates_of(conn: Connection, case: Case, plan: Any) -> dict[str, Any | None]:
    """For each rule that a case was planned under, the standing approval it was approved under, as it is now."""
    named = [UUID(which) for which in case.progress.mandates]
    member = domain.member_of(plan["content"], case.row.case_id) if plan is not None else None
    rules = domain.rules_of(member or {"rule": case.row.rule})
    return {rule: await mandate_store.QUERIES.mandate_of_rule(conn, mandates=named, rule=rule) for rule in rules}


async def room_under_mandate(conn: Connection, case: Case, day: date) -> bool:
    """Whether a case that one person approved fits under what its mandate allows in a day."""
    if _two(case):
        return True
    plan = await store.QUERIES.plan_get(conn, plan_id=UUID(case.progress.plan_id or ""))
    for rule, mandate in (await _mandates_of(conn, case, plan)).items():
        if mandate is None:
            continue  # the stop's own gate says what is wrong
        which = str(mandate["mandate_id"])
        if (
            await mandate_store.QUERIES.slots_under_mandate(conn, day=day, mandate_id=which, rule=rule)
            >= mandate["max_per_day"]
        ):
            return False
    return True


async def taken(conn: Connection, day: date, subject: Subject) -> SlotsTaken:
    """How many of a day's places are taken already."""
    row = await limit_store.QUERIES.slots_taken(conn, day=day, unit_id=subject.sponsor_id, kind=subject.kind)
    return SlotsTaken(row["day"], row["unit"], row["kind"])


async def beyond_limits(conn: Connection, limits: Limits, day: date, subject: Subject) -> bool:
    """Whether more places were given out today than the limits in force allow: they have been lowered since."""
    used = await taken(conn, day, subject)
    before = SlotsTaken(used.day - 1, used.unit - 1, used.kind - 1)  # the asset's own place is among them
    return not room(limits, before, subject.kind)
