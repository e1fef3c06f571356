"""Look whether it is really gone, or really back: a connector's word is not proof, a probe is."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from libs.common.events.decommission import CaseRestored, CaseUnverified, CaseVerified
from libs.common.process import crashpoints
from services.decommission.cases import domain
from services.decommission.cases.case import Progress
from services.decommission.cases.domain import Subject
from services.decommission.cases.store import QUERIES, Held
from services.decommission.connectors import webhook
from services.decommission.context import Context, MovedOn
from services.decommission.steps import close, reopen


def address_of(connector: Any | None, subject: Subject) -> str:
    """Where an asset's public page is: the connector's template, else the address on record."""
    if connector is None:
        return subject.address
    parts = {"platform": subject.platform, "identity": quote(subject.identity), "asset_id": str(subject.asset_id)}
    return str(connector["probe_url"].format(**parts))


async def do(ctx: Context, case_id: UUID) -> None:
    """One probe of one business day."""
    async with ctx.database.reading() as conn:
        await ctx.require_switch(conn)
        held = await ctx.hold(conn, case_id, lock=False)
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
    crashpoints.point("decommission.probe.before-effect")
    page = await webhook.look(ctx.egress, address_of(connector, subject))
    crashpoints.point("decommission.probe.after-effect")
    if page.gave_way:
        raise MovedOn  # it is looked again, and this look leaves no trace
    result = domain.probe_result(page.status)
    async with ctx.database.transaction("record_probe") as conn:
        held = await ctx.hold(conn, case_id)
        before = held.progress
        data = {"day": ctx.today().isoformat(), "result": result, "status": page.status, "error": page.error}
        held = await ctx.append(conn, held, "probed", **data)
        await _judge(ctx, conn, held, before, page.status)


async def _judge(ctx: Context, conn: Any, held: Held, before: Progress, status: int | None) -> None:
    """Tell what the look has changed, and call a person where it is not as it should be."""
    p = held.progress
    if p.unwinding:
        if p.restore.accepted and not p.restore.seen and p.restore.looks == 1:
            why = f"the target said it restored, the page answers {status or 'nothing'}"
            zh = f"目标回复已恢复,但页面返回 {status or '无应答'}。"
            await ctx.alarm(conn, held, "restore", zh=zh, en=why)
        return
    if p.looks.verified_at is not None and before.looks.verified_at is None:
        await ctx.tell(conn, held, CaseVerified)
    if p.looks.alive and not before.looks.alive:
        why = f"the target said it stopped, the page still answers {status}"
        await ctx.tell(conn, held, CaseUnverified, why=why)
        await ctx.alarm(
            conn, held, "unverified", zh=f"目标回复已停用,但页面仍返回 {status}:不能视为关停。", en=why
        )  # fmt: skip
    if p.looks.unclear == p.windows.verify_days:
        why = f"for {p.looks.unclear} days nobody could say whether the page is gone"
        await ctx.alarm(conn, held, "unclear", zh=f"连续 {p.looks.unclear} 天无法判断页面是否已消失。", en=why)


async def finish_restore(ctx: Context, case_id: UUID) -> None:
    """A probe has seen it answer again: restored where that was asked, else the end that led to the undoing."""
    async with ctx.database.transaction("finish_restore") as conn:
        await QUERIES.asset_lock_of(conn, case_id=case_id)
        held = await ctx.take(conn, case_id, "finish_restore")
        stopped = held.progress.stop.at is not None
        if held.progress.restore.reason is not None:
            held = await ctx.append(conn, held, "restored", reason=held.progress.restore.reason)
        else:
            held = await close.ended(ctx, conn, held)
        if stopped:  # where the order to stop had no result nobody was told that it was stopped
            await ctx.tell(conn, held, CaseRestored)
        await reopen.after(ctx, conn, held)
