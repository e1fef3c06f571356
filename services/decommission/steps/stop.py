"""Switch it off through its connector, with every gate looked at once more; and switch it on again."""

from typing import Any
from uuid import UUID

from libs.common.events.decommission import CaseStopped
from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import reasons
from services.decommission.archives import store as archive_store
from services.decommission.archives.store import ArchiveFailed
from services.decommission.assets.domain import Subject
from services.decommission.calls import client
from services.decommission.cases import casework
from services.decommission.cases.casework import MovedOn
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.controls import usecases as control_usecases
from services.decommission.deps import Deps
from services.decommission.effects import store as effect_store
from services.decommission.effects import usecases as effect_usecases
from services.decommission.plans import usecases as plan_usecases
from services.decommission.probes import domain as probe_domain
from services.decommission.steps import archive
from services.decommission.steps.verify import address_of


async def do(deps: Deps, case_id: UUID) -> None:
    """Stop the asset; the target's answer is recorded, and is no proof."""
    if not await _seen_alive(deps, case_id):
        return
    try:
        sha256, checks = await deps.archive.check(case_id, archive.EXPECTED)
    except ArchiveFailed:
        sha256, checks = "", {}
    async with deps.database.transaction("start_stop") as conn:
        case = await casework.take(deps, conn, case_id, "stop")
        subject = await casework.subject(conn, case)
        if not await _gates(deps, conn, case, subject, sha256, checks):
            return
        connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(deps, conn, case, subject.platform)
            return
        if not await _seen_under(conn, case, connector):
            raise MovedOn  # the address to look at was changed a moment ago
        case, key = await effect_usecases.begin(deps, conn, case, "stop", honours_keys=connector["honours_keys"])
    if key is None:
        return
    body = order("stop", case, subject)
    crashpoints.point("decommission.stop.before-effect")
    url, at = connector["stop_url"], deps.now()
    sent = await client.send(deps.egress, deps.signing_key, url, body, purpose="stop", effect=key, at=at)
    crashpoints.point("decommission.stop.after-effect")
    async with deps.database.transaction("finish_stop") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        case = await _written_down(deps, conn, case, "stop", key, sent, honours_keys=connector["honours_keys"])
        if sent.accepted:
            await casework.tell(deps, conn, case, CaseStopped)


async def _seen_alive(deps: Deps, case_id: UUID) -> bool:
    """Whether the page is seen where it will be looked for after the stop; looks when nobody has, and calls a person.

    Else a mistake in the address would make every account that lives on "verified gone".
    """
    async with deps.database.reading() as conn:
        case = await casework.load_case(deps, conn, case_id)
        subject = await casework.subject(conn, case)
        connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None or await _seen_under(conn, case, connector):
            return True
        await control_usecases.require_switch(deps, conn)
    page, revision = await client.look(deps.egress, address_of(connector, subject)), connector["probe_revision"]
    async with deps.database.transaction("record_probe") as conn:
        case = await casework.take(deps, conn, case_id, "stop")
        if probe_domain.probe_result(page.status) == "alive":
            await archive_store.QUERIES.archive_seen(conn, case_id=case_id, seen_under=revision)
            return True
        await archive.gone_before(deps, conn, case, page, revision)
        return False


async def _seen_under(conn: Any, case: Case, connector: Any) -> bool:
    """Whether the page was seen alive under the probe's address as it is now, or a person has answered for it.

    After an order that may have been carried out it is too late to look: the page may be gone for that reason.
    """
    revision, kept = (
        connector["probe_revision"],
        await archive_store.QUERIES.archive_get(conn, case_id=case.row.case_id),
    )
    answered_for = any(entry.kind == "needs_person" and entry.data.get("unseen") == revision for entry in case.log)
    seen = kept is not None and kept["seen_under"] == revision
    return seen or answered_for or case.progress.stop_ordered


async def undo(deps: Deps, case_id: UUID) -> None:
    """Bring the asset back through the same connector; whether it is back, a probe will see."""
    async with deps.database.transaction("start_restore") as conn:
        case = await casework.take(deps, conn, case_id, "restore")
        subject = await casework.subject(conn, case)
        connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(deps, conn, case, subject.platform)
            return
        case, key = await effect_usecases.begin(deps, conn, case, "restore", honours_keys=connector["honours_keys"])
    if key is None:
        return
    body, url, at = order("restore", case, subject), connector["restore_url"], deps.now()
    crashpoints.point("decommission.restore.before-effect")
    sent = await client.send(deps.egress, deps.signing_key, url, body, purpose="restore", effect=key, at=at)
    crashpoints.point("decommission.restore.after-effect")
    async with deps.database.transaction("finish_restore_call") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        case = await _written_down(deps, conn, case, "restore", key, sent, honours_keys=connector["honours_keys"])
        if not sent.accepted:
            zh, en = f"恢复失败:{sent.why()}", f"The restore failed: {sent.why()}"
            await casework.alarm(deps, conn, case, "restore", zh=zh, en=en)


async def _written_down(
    deps: Deps, conn: Any, case: Case, step: str, key: UUID, sent: client.Sent, *, honours_keys: bool
) -> Case:
    """What came of an order. One that may have been carried out keeps its key, or goes to a person.

    Where it had gone out before without a result, that its repeat is refused says nothing of the first.
    """
    again = await effect_store.repeated(conn, case.row.case_id, step)
    match sent.outcome:
        case "accepted":
            await effect_store.end(conn, key, "done", status=sent.status)
            return await casework.append(deps, conn, case, f"{step}_accepted", status=sent.status)
        case "refused" if not again:
            await effect_store.end(conn, key, "failed", why=sent.why())
            return await casework.append(deps, conn, case, f"{step}_failed", why=sent.why())
        case "refused" | "unknown" if honours_keys:
            return await casework.append(deps, conn, case, f"{step}_unanswered", why=sent.why())
    return await effect_usecases.unknown(deps, conn, case, step, key)


async def _gates(deps: Deps, conn: Any, case: Case, subject: Subject, sha256: str, checks: dict[str, bool]) -> bool:
    """Proof of notice, the signed plan, the archive as it is now, today's confirmation and place: all, or nothing."""
    p = case.progress
    if p.noticed_at is None or not p.approved or p.slot_day != deps.today() or p.confirmed_day != deps.today():
        return False
    if sha256 != p.archive_sha256 or not all(checks.values()):
        await archive.failed(deps, conn, case, "the package is no longer what was archived")
        return False
    if await plan_usecases.beyond_limits(conn, deps.limits, deps.today(), subject):
        await casework.append(deps, conn, case, "slot_missed", day=deps.today().isoformat())
        return False
    fault = await plan_usecases.fault_of(conn, case)
    if fault is not None:
        case = await casework.append(deps, conn, case, "needs_person", why=f"plan altered: {fault}")
        zh = f"方案已被改动,停止执行:{reasons.zh(fault)}"
        await casework.alarm(
            deps, conn, case, "plan-altered", zh=zh, en=f"The plan has been altered, nothing is executed: {fault}"
        )
        return False
    why = await plan_usecases.lapsed(conn, case, subject, deps.today())
    if why is not None and not p.stop_ordered:
        await casework.drop(deps, conn, case, why)
        return False
    return True


async def _no_connector(deps: Deps, conn: Any, case: Case, platform: str) -> None:
    why = f"no connector is set for the platform {platform}"
    case = await casework.append(deps, conn, case, "needs_person", why=why)
    await casework.alarm(deps, conn, case, "no-connector", zh=f"平台 {platform} 未配置连接器。", en=why)


def order(what: str, case: Case, subject: Subject) -> bytes:
    """What a connector is told: canonical JSON."""
    return signing.canonical(
        {
            "type": what,
            "case_id": str(case.row.case_id),
            "asset_id": str(case.row.asset_id),
            "platform": subject.platform,
            "identity": subject.identity,
        }
    )
