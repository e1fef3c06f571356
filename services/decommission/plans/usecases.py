"""Sealing, signing and rejecting plans; each function without a connection is one transaction."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.events.decommission import CaseApproved
from libs.common.security.signing import sha256 as sha256_of
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms import store as alarm_store
from services.decommission.assets import store as asset_store
from services.decommission.cases import casework, chain, foureyes, next_move, states, transitions
from services.decommission.cases import store as case_store
from services.decommission.cases.casework import OTHER_ASSET
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.entries.notice import EndpointChanged, SponsorChanged
from services.decommission.cases.entries.plan import Approved, Planned
from services.decommission.cases.foureyes import MayNotSign
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.limits.domain import SlotsTaken, room
from services.decommission.mandates import domain as mandate_domain
from services.decommission.mandates import store as mandate_store
from services.decommission.notices import store as notice_store
from services.decommission.plans import domain, store
from services.decommission.plans.domain import Candidate, PlanAltered, PlanVoid
from services.decommission.units import store as unit_store


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
            await casework.append(deps, conn, case, Planned(plan_id=str(sealed.plan_id), plan_sha256=sealed.sha256))
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
    if case.progress.delivery.unit not in (None, str(subject.sponsor_id)):  # another unit was told, and answered or not
        await casework.append(deps, conn, case, SponsorChanged(unit_id=str(subject.sponsor_id)))
        return None
    if await _other_key(conn, case):
        await casework.append(deps, conn, case, EndpointChanged())
        return None
    findings = [f async for f in case_store.QUERIES.findings_of(conn, case_id=row["case_id"])]
    unit = await unit_store.QUERIES.unit_get(conn, unit_id=subject.sponsor_id)
    left = [f["rule"] async for f in case_store.QUERIES.findings_left(conn, case_id=row["case_id"])]
    entries, last = chain.head(case.log)
    key = case.progress.notice_key
    return Candidate(
        ready_at=next_move.ready_since(case.progress),
        asset_id=subject.asset_id,
        case_id=case.row.case_id,
        unit_id=subject.sponsor_id,
        kind=subject.kind,
        asset_version=subject.version,
        rules=tuple(dict.fromkeys(left)) or (case.row.rule,),
        notice_sha256=case.progress.notice.sha256 if case.progress.notice is not None else "",
        evidence_sha256=tuple(f["evidence_sha256"] for f in findings if not f["cleared"]),
        log_entries=entries,
        log_sha256=last,
        asset=domain.asset_of(subject),
        unit=domain.unit_of(None if unit is None else dict(unit)),
        notice_key=key,
        notice_key_age_days=0 if key is None else key_domain.age_days(key, deps.today(), deps.zone),
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
            raise Missing(what=Text(f"方案 {plan_id}", f"plan {plan_id}"))
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
        case, problem = await case_store.look(conn, UUID(member["case_id"]), deps.zone, deps.notary)
        if problem is not None or states.left(case.progress, str(plan["plan_id"])) is None:
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


async def _parts(deps: Deps, conn: Connection, plan: Any) -> dict[UUID, dict[str, list[str]]]:
    """What `acted` says of each case of a plan; one that is broken is left out."""
    found = {}
    for member in json.loads(plan["content"])["members"]:
        case, problem = await case_store.look(conn, UUID(member["case_id"]), deps.zone, deps.notary)
        if problem is None:
            found[case.row.case_id] = await store.acted(conn, case)
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
        if mandate_domain.signed_by_others(row["proposed_by"], row["approvers"], approver, involved)
    ]
    found = []
    for rule, count in sorted(need.items()):
        fit = [str(row["mandate_id"]) for row in live if row["rule"] == rule and row["max_per_day"] >= count]
        if not fit:
            return []
        found.append(min(fit))
    return found


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
        case = await casework.append(deps, conn, case, Approved(**data))
        await casework.tell(deps, conn, case, CaseApproved, plan_id=plan_id, plan_sha256=plan["sha256"])
        left = True
    return left


async def _no_longer(conn: Connection, case: Case, member: dict[str, Any], signed: list[str]) -> str | None:
    """Why a member of a plan is not approved with the others, or None."""
    subject = await asset_store.subject(conn, case.row.asset_id)
    if subject is None or not domain.is_as_sealed(member, subject):
        return domain.CHANGED
    return states.undone(case.progress) or foureyes.involved(await store.acted(conn, case), signed)


async def reject(deps: Deps, plan_id: UUID, *, by: str, reason: str) -> dict[str, Any]:
    """One person says no to a plan, approved or not: whatever of it has not been stopped is to be planned anew.

    What was altered can be planned again only so. Who says no again has said it once; the first word stays.
    """
    async with deps.database.transaction("reject_plan") as conn:
        if await store.QUERIES.plan_lock(conn, plan_id=plan_id) is None:
            raise Missing(what=Text(f"方案 {plan_id}", f"plan {plan_id}"))
        rejection = await store.QUERIES.plan_rejection(conn, plan_id=plan_id)
        if rejection is None:
            rejection = {"by": by, "reason": reason, "at": deps.now()}
            await store.QUERIES.plan_reject(conn, plan_id=plan_id, **rejection)
            await store.plan_moves(conn, plan_id, "rejected", now=deps.now())
            for member in [row["case_id"] async for row in store.QUERIES.plan_members_of(conn, plan_id=plan_id)]:
                looked, problem = await case_store.look(conn, member, deps.zone, deps.notary)
                if problem is None and looked.progress.plan_id != str(plan_id):
                    continue  # in another by now, whose sealing may be waiting for a row that is locked here
                case = await _whole(deps, conn, member)
                if case is None:
                    continue  # once it is mended, its plan will be found to be rejected
                if case.progress.plan_id == str(plan_id) and transitions.may(case.progress, "unplanned"):
                    await casework.drop(deps, conn, case, reason, actor=by)
    return dict(rejection)
