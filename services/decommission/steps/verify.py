"""Look whether it is really gone, or really back: a connector's word is not proof, a probe is."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from libs.common import faults
from libs.common.events.decommission import CaseEnded, CaseRestored, CaseUnverified, CaseVerified
from services.decommission import domain, store
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.domain import Subject
from services.decommission.store import QUERIES


def address_of(connector: Any | None, subject: Subject) -> str:
    """Where an asset's public page is: the connector's template, else the address on record."""
    if connector is None:
        return subject.address
    parts = {"platform": subject.platform, "identity": quote(subject.identity), "asset_id": str(subject.asset_id)}
    return str(connector["probe_url"].format(**parts))


async def do(ctx: Context, case_id: UUID) -> None:
    """One probe of one business day."""
    async with ctx.database.reading() as conn:
        held = await store.hold(conn, case_id, ctx.zone, lock=False)
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
    faults.point("decommission.probe.before-effect")
    page = await webhook.look(ctx.egress, address_of(connector, subject))
    faults.point("decommission.probe.after-effect")
    result = domain.probe_result(page.status)
    async with ctx.database.transaction("record_probe") as conn:
        held = await ctx.hold(conn, case_id)
        before = held.progress
        data = {"day": ctx.today().isoformat(), "result": result, "status": page.status, "error": page.error}
        held = await ctx.append(conn, held, "probed", **data)
        if held.case.state == "restoring":
            return
        if held.progress.verified_at is not None and before.verified_at is None:
            await ctx.tell(conn, held, CaseVerified)
        if result == "alive" and not before.alive:
            why = f"the target said it stopped, the page still answers {page.status}"
            await ctx.tell(conn, held, CaseUnverified, why=why)
            zh = f"目标回复已停用,但页面仍返回 {page.status}:不能视为关停。"
            await store.alarm(conn, case_id, "unverified", zh=zh, en=why, now=ctx.now())


async def finish_restore(ctx: Context, case_id: UUID) -> None:
    """A probe has seen it answer again: the case ends as restored, or as cancelled where that was asked."""
    async with ctx.database.transaction("finish_restore") as conn:
        held = await ctx.hold(conn, case_id)
        if held.progress.cancelled is not None:
            reason = held.progress.cancelled
            held = await ctx.append(conn, held, "ended", outcome="cancelled", reason=reason)
            await ctx.tell(conn, held, CaseRestored)
            await ctx.tell(conn, held, CaseEnded, outcome="cancelled", reason=reason)
        else:
            held = await ctx.append(conn, held, "restored", reason=held.progress.restore_why)
            await ctx.tell(conn, held, CaseRestored)
