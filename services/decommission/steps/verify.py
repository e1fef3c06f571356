"""Look whether it is really gone, or really back: a connector's word is not proof, a probe is."""

from functools import partial
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseRestored, CaseUnverified, CaseVerified
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.case import Progress
from services.decommission.cases.casework import MovedOn
from services.decommission.cases.entries.stop import Probed, Restored
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.deps import Deps
from services.decommission.effects.usecases import observe
from services.decommission.probes import types as probe_types
from services.decommission.probes.domain import Look, Probe, Unclear
from services.decommission.steps import close, reopen


async def do(deps: Deps, case_id: UUID) -> None:
    """One probe of one business day."""

    async def call(probe: Probe) -> Look:
        look = await probe.look(deps)
        if isinstance(look, Unclear) and look.gave_way:
            raise MovedOn  # it is looked again, and this look leaves no trace
        return look

    await observe(
        deps,
        case_id,
        "probe",
        end="record_probe",
        prepare=_probe_of,
        call=call,
        conclude=partial(_record, deps),
    )


async def _probe_of(conn: Connection, case: Case) -> Probe:
    subject = await casework.subject(conn, case)
    reach = await connector_store.reach(conn, subject.platform)
    return probe_types.of(None if reach is None else reach.probe_url, subject)


async def _record(deps: Deps, conn: Connection, case: Case, look: Look) -> None:
    before = case.progress
    case = await casework.append(
        deps, conn, case, Probed(day=deps.today().isoformat(), result=look.result, status=look.status, error=look.error)
    )
    await _judge(deps, conn, case, before, look.status)


async def _judge(deps: Deps, conn: Connection, case: Case, before: Progress, status: int | None) -> None:
    """Emit what the look has changed, and call a person where the asset is not as it should be."""
    p = case.progress
    if p.unwinding:
        if p.restore.accepted and not p.restore.seen and p.restore.looks == 1:
            why = f"the target said it restored, the page answers {status or 'nothing'}"
            zh = f"目标回复已恢复,但页面返回 {status or '无应答'}。"
            await casework.alarm(deps, conn, case, "restore", zh=zh, en=why)
        return
    if p.looks.verified_at is not None and before.looks.verified_at is None:
        await casework.tell(deps, conn, case, CaseVerified)
    if p.looks.alive and not before.looks.alive:
        why = f"the target said it stopped, the page still answers {status}"
        zh = f"目标回复已停用,但页面仍返回 {status}:不能视为关停。"
        await casework.tell(deps, conn, case, CaseUnverified, why=why)
        await casework.alarm(deps, conn, case, "unverified", zh=zh, en=why)
    if p.looks.unclear == p.windows.verify_days:
        why = f"for {p.looks.unclear} days nobody could say whether the page is gone"
        zh = f"连续 {p.looks.unclear} 天无法判断页面是否已消失。"
        await casework.alarm(deps, conn, case, "unclear", zh=zh, en=why)


async def finish_restore(deps: Deps, case_id: UUID) -> None:
    """A probe has seen the asset answer again: restored where that was asked, else the end that led to the undoing."""
    async with deps.database.transaction("finish_restore") as conn:
        await case_store.QUERIES.asset_lock_of(conn, case_id=case_id)
        case = await casework.take(deps, conn, case_id, "finish_restore")
        stopped = case.progress.stop.at is not None
        if case.progress.restore.reason is not None:
            case = await casework.append(deps, conn, case, Restored(reason=case.progress.restore.reason))
        else:
            case = await close.ended(deps, conn, case)
        if stopped:  # where the order to stop had no result nobody was told that it was stopped
            await casework.tell(deps, conn, case, CaseRestored)
        await reopen.after(deps, conn, case)
