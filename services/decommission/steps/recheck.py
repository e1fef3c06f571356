"""A place under the day's limits first, then the question whether the finding is still true today."""

from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import RecheckRequested
from libs.common.ids import derive
from libs.common.outbox.emit import emit
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.entries.plan import RecheckAsked, SlotMissed, SlotReserved
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.gates import domain as gate_domain
from services.decommission.gates import store as gate_store
from services.decommission.limits import store as limit_store
from services.decommission.plans import store as plan_store
from services.decommission.plans.domain import UNSIGNED


async def reserve(deps: Deps, case_id: UUID) -> None:
    """Take one of today's slots, in the order in which the executor comes by; none left means tomorrow."""
    async with deps.database.transaction("reserve_slot") as conn:
        case = await casework.take(deps, conn, case_id, "reserve")
        subject = await casework.subject(conn, case)
        await limit_store.QUERIES.slots_lock(conn, day=deps.today())
        evidence = await gate_store.gate_evidence(deps, conn, case, subject)
        if isinstance(gate_domain.reserve(evidence, deps.today()), gate_domain.Open):
            await limit_store.QUERIES.slot_add(
                conn, day=deps.today(), case_id=case_id, unit_id=subject.sponsor_id, kind=subject.kind
            )
            await casework.append(deps, conn, case, SlotReserved(day=deps.today().isoformat()))
        else:
            await casework.append(deps, conn, case, SlotMissed(day=deps.today().isoformat()))


async def ask(deps: Deps, case_id: UUID) -> None:
    """Ask the monitor by event about a finding that still stands; its answer comes as one.

    Of a case in a plan only what was signed is asked about; where nothing of that is left, it is planned anew.
    """
    async with deps.database.transaction("ask_recheck") as conn:
        case = await casework.take(deps, conn, case_id, "ask")
        rows = [row async for row in case_store.QUERIES.findings_left(conn, case_id=case_id)]
        signed = await plan_store.signed_evidence(conn, case)
        left = [row for row in rows if signed is None or row["evidence_sha256"] in signed]
        if rows and not left:
            await _unsigned(deps, conn, case)
            return
        finding, rule = (left[0]["finding_id"], left[0]["rule"]) if left else (case.row.finding_id, case.row.rule)
        today = deps.today()
        request = derive("recheck", case_id, finding, today)
        data = {"request_id": str(request), "finding_id": str(finding), "rule": rule, "day": today.isoformat()}
        case = await casework.append(deps, conn, case, RecheckAsked(**data))
        question = RecheckRequested(
            request_id=request,
            case_id=case_id,
            finding_id=finding,
            asset_id=case.row.asset_id,
            rule=rule,
            business_day=today,
        )
        await emit(conn, question, sequence=1, time=deps.now())


async def _unsigned(deps: Deps, conn: Connection, case: Case) -> None:
    """Nobody has signed for what is left of the case. An order that may have gone out is for a person to undo."""
    if not case.progress.stop.ordered:
        await casework.drop(deps, conn, case, UNSIGNED)
        return
    zh = "停用指令可能已经发出,而今天成立的依据不在已签署的证据之列:请撤销个案,恢复该对象。"
    en = f"An order to stop may have gone out, but {UNSIGNED}: cancel the case, so that the asset is restored."
    await casework.call_person(deps, conn, case, "unsigned", UNSIGNED, zh=zh, en=en)
