"""The evidence of the gates, read in one transaction."""

from uuid import UUID

from libs.common.db.pool import Connection
from services.decommission.assets.domain import Subject
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.gates.domain import GateEvidence, Package, read_plan
from services.decommission.limits import store as limit_store
from services.decommission.mandates import store as mandate_store
from services.decommission.plans import domain as plan_domain
from services.decommission.plans import store as plan_store


async def gate_evidence(
    deps: Deps, conn: Connection, case: Case, subject: Subject, *, package: Package | None = None
) -> GateEvidence:
    """What the gates of a case are judged by today; `package` as the caller has just read it back."""
    p, today = case.progress, deps.today()
    row = await plan_store.QUERIES.plan_get(conn, plan_id=UUID(p.plan_id)) if p.plan_id else None
    signed = {}
    if row is not None:
        rows = plan_store.QUERIES.approvals_of(conn, plan_id=row["plan_id"])
        signed = {each["approver"]: each["sha256"] async for each in rows}
    member = plan_domain.member_of(row["content"], case.row.case_id) if row is not None else None
    rules = plan_domain.rules_of(member or {"rule": case.row.rule})
    return GateEvidence(
        case_id=case.row.case_id,
        progress=p,
        log=case.log,
        subject=subject,
        limits=deps.limits,
        taken=await limit_store.taken(conn, today, subject.sponsor_id, subject.kind),
        plan=read_plan(row, signed),
        mandates=await mandate_store.under(conn, p.mandates, rules, today),
        acted=await plan_store.acted(conn, case),
        package=package,
    )
