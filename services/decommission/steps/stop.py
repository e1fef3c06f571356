"""Switch it off through its connector, with every gate looked at once more; and switch it on again."""

from typing import Any
from uuid import UUID

from libs.common import faults, signing
from libs.common.events.decommission import CaseStopped
from services.decommission import planning, store
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.steps import archive
from services.decommission.store import QUERIES, Held


async def do(ctx: Context, case_id: UUID) -> None:
    """Stop the asset; the target's answer is recorded, and is no proof."""
    sha256, checks = await ctx.archive.check(case_id, archive.EXPECTED)
    async with ctx.database.transaction("start_stop") as conn:
        held = await ctx.hold(conn, case_id)
        if "stop" not in held.progress.pending and not await _gates(ctx, conn, held, sha256, checks):
            return
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(ctx, conn, held, subject.platform)
            return
        held, key = await ctx.begin(conn, held, "stop", honours_keys=connector["honours_keys"])
    if key is None:
        return
    faults.point("decommission.stop.before-effect")
    sent = await webhook.send(
        ctx.egress, ctx.signing_key, connector["stop_url"], order("stop", held, subject), purpose="stop", effect=key
    )
    faults.point("decommission.stop.after-effect")
    async with ctx.database.transaction("finish_stop") as conn:
        held = await ctx.hold(conn, case_id)
        if sent.accepted:
            await ctx.end(conn, key, "done", status=sent.status)
            held = await ctx.append(conn, held, "stop_accepted", status=sent.status)
            await ctx.tell(conn, held, CaseStopped)
        elif sent.status is None and not connector["honours_keys"]:
            # It may have been done or not: only a person can tell. The effect stays `started` for `begin` to see.
            held, _ = await ctx.begin(conn, held, "stop", honours_keys=False)
        else:
            await ctx.end(conn, key, "failed", why=sent.why())
            await ctx.append(conn, held, "stop_failed", why=sent.why())


async def undo(ctx: Context, case_id: UUID) -> None:
    """Bring the asset back through the same connector; whether it is back, a probe will see."""
    async with ctx.database.transaction("start_restore") as conn:
        held = await ctx.hold(conn, case_id)
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(ctx, conn, held, subject.platform)
            return
        held, key = await ctx.begin(conn, held, "restore", honours_keys=connector["honours_keys"])
    if key is None:
        return
    body = order("restore", held, subject)
    faults.point("decommission.restore.before-effect")
    sent = await webhook.send(
        ctx.egress, ctx.signing_key, connector["restore_url"], body, purpose="restore", effect=key
    )
    faults.point("decommission.restore.after-effect")
    async with ctx.database.transaction("finish_restore_call") as conn:
        held = await ctx.hold(conn, case_id)
        if sent.accepted:
            await ctx.end(conn, key, "done", status=sent.status)
            await ctx.append(conn, held, "restore_accepted", status=sent.status)
        else:
            await ctx.end(conn, key, "failed", why=sent.why())
            await ctx.append(conn, held, "restore_failed", why=sent.why())
            zh, en = f"恢复失败:{sent.why()}", f"The restore failed: {sent.why()}"
            await store.alarm(conn, case_id, "restore", zh=zh, en=en, now=ctx.now())


async def _gates(ctx: Context, conn: Any, held: Held, sha256: str, checks: dict[str, bool]) -> bool:
    """Proof of notice, the signed plan, the archive as it is now, today's confirmation and place: all, or nothing."""
    p = held.progress
    if p.noticed_at is None or not p.approved or p.slot_day != ctx.today() or p.confirmed_day != ctx.today():
        return False
    if sha256 != p.archive_sha256 or not all(checks.values()):
        await archive.failed(ctx, conn, held, "the package is no longer what was archived")
        return False
    fault = await planning.fault_of(conn, UUID(p.plan_id or ""), held.case.case_id, p.plan_sha256 or "")
    if fault is not None:
        zh, en = f"方案已被改动,停止执行:{fault}", f"The plan has been altered, nothing is executed: {fault}"
        await store.alarm(conn, held.case.case_id, "plan-altered", zh=zh, en=en, now=ctx.now())
        await ctx.append(conn, held, "needs_person", why=f"plan altered: {fault}")
        return False
    return True


async def _no_connector(ctx: Context, conn: Any, held: Held, platform: str) -> None:
    why = f"no connector is set for the platform {platform}"
    zh = f"平台 {platform} 未配置连接器。"
    await store.alarm(conn, held.case.case_id, "no-connector", zh=zh, en=why, now=ctx.now())
    await ctx.append(conn, held, "needs_person", why=why)


def order(what: str, held: Held, subject: Any) -> bytes:
    """What a connector is told: canonical JSON."""
    return signing.canonical(
        {
            "type": what,
            "case_id": str(held.case.case_id),
            "asset_id": str(held.case.asset_id),
            "platform": subject.platform,
            "identity": subject.identity,
        }
    )
