"""Rows of plans."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection, load_queries
from libs.common.security.signing import canonical, sha256
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms.domain import ALTERED
from services.decommission.alarms.store import end_alarm, lasting
from services.decommission.assets import store as asset_store
from services.decommission.assets.domain import Subject
from services.decommission.cases import store as case_store
from services.decommission.cases import transitions
from services.decommission.cases.chain import Entry
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.plans import domain
from services.decommission.plans.members import Evidence, Member, Rule, Said
from services.decommission.units import store as unit_store

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def plan_moves(conn: Connection, plan_id: UUID, state: str, *, now: datetime) -> None:
    """A locked plan comes to another state; what called people to the one before is over."""
    await QUERIES.plan_state(conn, plan_id=plan_id, state=state)
    over = {alarm_domain.UNSIGNED} | (set() if state == "altered" else {ALTERED})
    for row in await lasting(conn, plan_id):
        if row["kind"] in over:
            await end_alarm(conn, row["alarm_id"], now=now)


async def of(deps: Deps, conn: Connection, content: str, plan_id: UUID) -> list[Member]:
    """Every member of a plan's text, in its order."""
    return [await _member(deps, conn, plan_id, member) for member in json.loads(content)["members"]]


async def _member(deps: Deps, conn: Connection, plan_id: UUID, told: dict[str, Any]) -> Member:
    case, fault = await case_store.look(conn, UUID(told["case_id"]), deps.zone, deps.notary)
    subject = await asset_store.subject(conn, UUID(told["asset_id"]))
    unit = await unit_store.QUERIES.unit_get(conn, unit_id=UUID(told["unit_id"]))
    signed = "asset" in told
    asset = told["asset"] if signed else _asset(subject)
    named = told["unit"] if signed else _unit(unit)
    log = case.log if fault is None else []
    return Member(
        case.row.case_id,
        case.row.asset_id,
        told["kind"],
        asset["name"],
        asset["platform"],
        asset["identity"],
        asset["address"],
        UUID(told["unit_id"]),
        named["code"],
        named["name"],
        signed,
        domain.rules_of(told),
        await _evidence(conn, case, told),
        _said(log, told.get("log_entries", len(log))),
        _out_of(case, plan_id, subject, told) if fault is None else None,
        fault,
    )


def _asset(subject: Subject | None) -> dict[str, str | None]:
    return {part: getattr(subject, part, None) for part in ("name", "platform", "identity", "address")}


def _unit(row: Any | None) -> dict[str, str | None]:
    return domain.unit_of(None if row is None else dict(row))


async def _evidence(conn: Connection, case: Case, told: dict[str, Any]) -> list[Evidence]:
    found = {}
    async for row in case_store.QUERIES.findings_of(conn, case_id=case.row.case_id):
        evidence = json.loads(row["evidence"])
        found[sha256(canonical(evidence))] = evidence
    return [_shown(which, found.get(which)) for which in told["evidence_sha256"]]


def _shown(which: str, found: dict[str, Any] | None) -> Evidence:
    if found is None:
        return Evidence(which, None, None, None, None)
    rule = Rule(found["rule"], found.get("title"), found["basis"], found["label"], found["when"])
    at = datetime.fromisoformat(found["opened_at"])
    return Evidence(which, rule, UUID(found["finding_id"]), at, list(found["signals"]))


def _said(log: list[Entry], sealed_at: int) -> Said | None:
    last = next((entry for entry in reversed(log) if entry.kind == "answered"), None)
    if last is None:
        return None
    data = last.data
    return Said(
        data["answer"],
        data.get("reason") or "",
        data.get("until"),
        last.at,
        last.actor,
        bool(data.get("on_behalf")),
        last.seq > sealed_at,
    )


def _out_of(case: Case, plan_id: UUID, subject: Subject | None, told: dict[str, Any]) -> str | None:
    """Why a case of sound log is closed under a plan no more, or None; a changed record drops out at the approval."""
    if (why := transitions.left(case.progress, str(plan_id))) is not None or case.progress.ended is not None:
        return why  # whatever the record of a closed asset says by now, the plan was carried out
    return domain.CHANGED if subject is None or not domain.is_as_sealed(told, subject) else None
