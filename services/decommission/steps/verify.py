"""Look whether it is really gone, or really back: a connector's word is not proof, a probe is."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from libs.common.events.decommission import CaseRestored, CaseUnverified, CaseVerified
from libs.common.process import crashpoints
from services.decommission.assets.domain import Subject
from services.decommission.calls import client
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.case import Progress
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.controls import usecases as control_usecases
from services.decommission.deps import Deps
from services.decommission.probes import domain as probe_domain
from services.decommission.steps import close, reopen


def address_of(connector: Any | None, subject: Subject) -> str:
    """Where an asset's public page is: the connector's template, else the address on record."""
    if connector is None:
        return subject.address
    parts = {"platform": subject.platform, "identity": quote(subject.identity), "asset_id": str(subject.asset_id)}
    return str(connector["probe_url"].format(**parts))


async def do(deps: Deps, case_id: UUID) -> None:
    """One probe of one business day."""
    async with deps.database.reading() as conn:
        await control_usecases.require_switch(deps, conn)
        case = await casework.load_case(deps, conn, case_id)
        subject = await casework.subject(conn, case)
        connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
    crashpoints.point("decommission.probe.before-effect")
    page = await client.look(deps.egress, address_of(connector, subject))
    crashpoints.point("decommission.probe.after-effect")
    result = probe_domain.probe_result(page.status)
    async with deps.database.transaction("record_probe") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        before = case.progress
        data: dict[str, Any] = {
            "day": deps.today().isoformat(),
            "result": result,
            "status": page.status,
            "error": page.error,
        }
        case = await casework.append(deps, conn, case, "probed", **data)
        await _judge(deps, conn, case, before, page.status)


async def _judge(deps: Deps, conn: Any, case: Case, before: Progress, status: int | None) -> None:
    """Tell what the look has changed, and call a person where it is not as it should be."""
    p = case.progress
    if p.unwinding:
        if p.restore_accepted and not p.restore_seen and p.restore_looks == 1:
            why = f"the target said it restored, the page answers {status or 'nothing'}"
            zh = f"目标回复已恢复,但页面返回 {status or '无应答'}。"
            await casework.alarm(deps, conn, case, "restore", zh=zh, en=why)
        return
    if p.verified_at is not None and before.verified_at is None:
        await casework.tell(deps, conn, case, CaseVerified)
    if p.alive and not before.alive:
        why = f"the target said it stopped, the page still answers {status}"
        await casework.tell(deps, conn, case, CaseUnverified, why=why)
        await casework.alarm(
            deps, conn, case, "unverified", zh=f"目标回复已停用,但页面仍返回 {status}:不能视为关停。", en=why
        )
    if p.unclear == p.windows.verify_days:
        why = f"for {p.unclear} days nobody could say whether the page is gone"
        await casework.alarm(deps, conn, case, "unclear", zh=f"连续 {p.unclear} 天无法判断页面是否已消失。", en=why)


async def finish_restore(deps: Deps, case_id: UUID) -> None:
    """A probe has seen it answer again: restored where that was asked, else the end that led to the undoing."""
    async with deps.database.transaction("finish_restore") as conn:
        await case_store.QUERIES.asset_lock_of(conn, case_id=case_id)
        case = await casework.take(deps, conn, case_id, "finish_restore")
        stopped = case.progress.stopped_at is not None
        if case.progress.restore_why is not None:
            case = await casework.append(deps, conn, case, "restored", reason=case.progress.restore_why)
        else:
            case = await close.ended(deps, conn, case)
        if stopped:  # where the order to stop had no result nobody was told that it was stopped
            await casework.tell(deps, conn, case, CaseRestored)
        await reopen.after(deps, conn, case)
