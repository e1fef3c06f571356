"""Rows of plans."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.security.signing import canonical, sha256
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms.domain import ALTERED
from services.decommission.alarms.store import end_alarm, lasting
from services.decommission.assets import store as asset_store
from services.decommission.assets.domain import Subject
from services.decommission.cases import foureyes, states
from services.decommission.cases import store as case_store
from services.decommission.cases.chain import Entry
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.plans import domain
from services.decommission.plans.members import Evidence, Member, Rule, Said
from services.decommission.setup import store as setup_store
from services.decommission.units import store as unit_store

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def plan_moves(conn: Connection, plan_id: UUID, state: str, *, now: datetime) -> None:
    """A locked plan comes to another state; what called people to the one before is over."""
    await QUERIES.plan_state(conn, plan_id=plan_id, state=state)
    over = {alarm_domain.UNSIGNED} | (set() if state == "altered" else {ALTERED})
    for row in await lasting(conn, plan_id):
        if row["kind"] in over:
            await end_alarm(conn, row["alarm_id"], now=now)


async def read_members(deps: Deps, conn: Connection, content: str, plan_id: UUID) -> list[Member]:
    """Every member of a plan's text, in its order."""
    return [await _member(deps, conn, plan_id, member) for member in json.loads(content)["members"]]


async def _member(deps: Deps, conn: Connection, plan_id: UUID, member: dict[str, Any]) -> Member:
    case, problem = await case_store.look(conn, UUID(member["case_id"]), deps.zone, deps.notary)
    subject = await asset_store.subject(conn, UUID(member["asset_id"]))
    unit = await unit_store.QUERIES.unit_get(conn, unit_id=UUID(member["unit_id"]))
    signed = "asset" in member
    asset = member["asset"] if signed else _asset(subject)
    named = member["unit"] if signed else _unit(unit)
    log = case.log if problem is None else []
    return Member(
        case_id=case.row.case_id,
        asset_id=case.row.asset_id,
        kind=member["kind"],
        name=asset["name"],
        platform=asset["platform"],
        identity=asset["identity"],
        address=asset["address"],
        unit_id=UUID(member["unit_id"]),
        unit_code=named["code"],
        unit_name=named["name"],
        names_signed=signed,
        rules=domain.rules_of(member),
        evidence=await _evidence(conn, case, member),
        answer=_answer(log, member.get("log_entries", len(log))),
        out=_out_of(case, plan_id, subject, member) if problem is None else None,
        fault=problem,
    )


def _asset(subject: Subject | None) -> dict[str, str | None]:
    return {part: getattr(subject, part, None) for part in ("name", "platform", "identity", "address")}


def _unit(row: Any | None) -> dict[str, str | None]:
    return domain.unit_of(None if row is None else dict(row))


async def _evidence(conn: Connection, case: Case, member: dict[str, Any]) -> list[Evidence]:
    found = {}
    async for row in case_store.QUERIES.findings_of(conn, case_id=case.row.case_id):
        evidence = json.loads(row["evidence"])
        found[sha256(canonical(evidence))] = evidence
    return [_shown(which, found.get(which)) for which in member["evidence_sha256"]]


def _shown(digest: str, evidence: dict[str, Any] | None) -> Evidence:
    if evidence is None:
        return Evidence(sha256=digest, rule=None, finding_id=None, found_at=None, signals=None)
    return Evidence(
        sha256=digest,
        rule=Rule(
            rule=evidence["rule"],
            words=evidence.get("title"),
            basis=evidence["basis"],
            label=evidence["label"],
            when=evidence["when"],
        ),
        finding_id=UUID(evidence["finding_id"]),
        found_at=datetime.fromisoformat(evidence["opened_at"]),
        signals=list(evidence["signals"]),
    )


def _answer(log: list[Entry], sealed_at: int) -> Said | None:
    """The unit's last answer; `sealed_at` is how many entries the log had when the plan was sealed."""
    last = next((entry for entry in reversed(log) if entry.kind == "answered"), None)
    if last is None:
        return None
    data = last.data
    return Said(
        answer=data["answer"],
        reason=data.get("reason") or "",
        until=data.get("until"),
        at=last.at,
        by=last.actor,
        on_behalf=bool(data.get("on_behalf")),
        after_sealing=last.seq > sealed_at,
    )


def _out_of(case: Case, plan_id: UUID, subject: Subject | None, member: dict[str, Any]) -> str | None:
    """Why a case of sound log is closed under a plan no more, or None; a changed record drops out at the approval."""
    if (why := states.left(case.progress, str(plan_id))) is not None or case.progress.ended is not None:
        return why  # whatever the record of a closed asset says by now, the plan was carried out
    return domain.CHANGED if subject is None or not domain.is_as_sealed(member, subject) else None


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


async def signed_evidence(conn: Connection, case: Case) -> frozenset[str] | None:
    """The hashes of the evidence that the plan of a case was sealed with; None while it is in no plan."""
    plan = await QUERIES.plan_get(conn, plan_id=UUID(case.progress.plan_id)) if case.progress.plan_id else None
    member = domain.member_of(plan["content"], case.row.case_id) if plan is not None else None
    return None if member is None else frozenset(member["evidence_sha256"])
