"""Switch it off through its connector, with every gate looked at once more; and switch it on again."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from libs.common.events.decommission import CaseStopped
from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import refusals
from services.decommission.archives.bag import ArchiveFailed
from services.decommission.cases import domain
from services.decommission.cases.domain import Subject
from services.decommission.cases.store import QUERIES, Held
from services.decommission.connectors import webhook
from services.decommission.context import Context, MovedOn
from services.decommission.plans import usecases as planning
from services.decommission.steps import archive
from services.decommission.steps.verify import address_of

AGAIN = timedelta(minutes=1)  # until an order to restore that gave way is repeated for the first time
GIVES_WAY = 6  # times in a row, until it is repeated a day later like any other


async def do(ctx: Context, case_id: UUID) -> None:
    """Stop the asset; the target's answer is recorded, and is no proof."""
    if not await _seen_alive(ctx, case_id):
        return
    try:
        sha256, checks = await ctx.archive.check(case_id, archive.EXPECTED)
    except ArchiveFailed:
        sha256, checks = "", {}
    async with ctx.database.transaction("start_stop") as conn:
        held = await ctx.take(conn, case_id, "stop")
        subject = await ctx.subject(conn, held)
        if not await _gates(ctx, conn, held, subject, sha256, checks):
            return
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(ctx, conn, held, subject.platform)
            return
        if not await _seen_under(conn, held, connector):
            raise MovedOn  # the address to look at was changed a moment ago
        held, key = await ctx.begin(conn, held, "stop", honours_keys=connector["honours_keys"])
    if key is None:
        return
    body = order("stop", held, subject)
    crashpoints.point("decommission.stop.before-effect")
    url, at = connector["stop_url"], ctx.now()
    sent = await webhook.send(ctx.egress, ctx.signing_key, url, body, purpose="stop", effect=key, at=at)
    crashpoints.point("decommission.stop.after-effect")
    async with ctx.database.transaction("finish_stop") as conn:
        held = await ctx.hold(conn, case_id)
        held = await _written_down(ctx, conn, held, "stop", key, sent, honours_keys=connector["honours_keys"])
        if sent.accepted:
            await ctx.tell(conn, held, CaseStopped)


async def _seen_alive(ctx: Context, case_id: UUID) -> bool:
    """Whether the page is seen where it will be looked for after the stop; looks when nobody has, and calls a person.

    Else a mistake in the address would make every account that lives on "verified gone".
    """
    async with ctx.database.reading() as conn:
        held = await ctx.hold(conn, case_id, lock=False)
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None or await _seen_under(conn, held, connector):
            return True
        await ctx.require_switch(conn)
    page, revision = await webhook.look(ctx.egress, address_of(connector, subject)), connector["probe_revision"]
    if page.gave_way:
        raise MovedOn  # it is looked again
    async with ctx.database.transaction("record_probe") as conn:
        held = await ctx.take(conn, case_id, "stop")
        if domain.probe_result(page.status) == "alive":
            await QUERIES.archive_seen(conn, case_id=case_id, seen_under=revision)
            return True
        await archive.gone_before(ctx, conn, held, page, revision)
        return False


async def _seen_under(conn: Any, held: Held, connector: Any) -> bool:
    """Whether the page was seen alive under the probe's address as it is now, or a person has answered for it.

    After an order that may have been carried out it is too late to look: the page may be gone for that reason.
    """
    revision, kept = connector["probe_revision"], await QUERIES.archive_get(conn, case_id=held.case.case_id)
    answered_for = any(entry.kind == "needs_person" and entry.data.get("unseen") == revision for entry in held.log)
    seen = kept is not None and kept["seen_under"] == revision
    return seen or answered_for or held.progress.stop.ordered


async def undo(ctx: Context, case_id: UUID) -> None:
    """Bring the asset back through the same connector; whether it is back, a probe will see."""
    async with ctx.database.transaction("start_restore") as conn:
        held = await ctx.take(conn, case_id, "restore")
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        if connector is None:
            await _no_connector(ctx, conn, held, subject.platform)
            return
        held, key = await ctx.begin(conn, held, "restore", honours_keys=connector["honours_keys"])
    if key is None:
        return
    body, url, at = order("restore", held, subject), connector["restore_url"], ctx.now()
    crashpoints.point("decommission.restore.before-effect")
    sent = await webhook.send(ctx.egress, ctx.signing_key, url, body, purpose="restore", effect=key, at=at)
    crashpoints.point("decommission.restore.after-effect")
    async with ctx.database.transaction("finish_restore_call") as conn:
        held = await ctx.hold(conn, case_id)
        until = _again(ctx, held) if sent.gave_way else None
        honours = connector["honours_keys"]
        held = await _written_down(ctx, conn, held, "restore", key, sent, honours_keys=honours, until=until)
        if not sent.accepted:
            zh, en = f"恢复失败:{refusals.zh(sent.why())}", f"The restore failed: {sent.why()}"
            await ctx.alarm(conn, held, "restore", zh=zh, en=en)


def _again(ctx: Context, held: Held) -> datetime | None:
    """When an order is repeated that gave way to another; None where it did so again and again, for then a day passes.

    Twice as late each time: no two orders to a target that hangs break each other off for ever.
    """
    before = held.progress.restore.gave_way
    return ctx.now() + AGAIN * 2**before if before < GIVES_WAY else None


async def _written_down(
    ctx: Context, conn: Any, held: Held, step: str, key: UUID, sent: webhook.Sent, *, honours_keys: bool,
    until: datetime | None = None,
) -> Held:  # fmt: skip
    """What came of an order. One that may have been carried out keeps its key, or goes to a person.

    `until`: before that it is not repeated; without it not on the same day. Where it had gone out before without a
    result, that its repeat is refused says nothing of the first.
    """
    again = await ctx.repeated(conn, held, step)
    more = {} if until is None else {"until": until.isoformat()}
    match sent.outcome:
        case "accepted":
            await ctx.end(conn, key, "done", status=sent.status)
            return await ctx.append(conn, held, f"{step}_accepted", status=sent.status)
        case "refused" if not again:
            await ctx.end(conn, key, "failed", why=sent.why())
            return await ctx.append(conn, held, f"{step}_failed", why=sent.why(), **more)
        case "refused" | "unknown" if honours_keys:
            return await ctx.append(conn, held, f"{step}_unanswered", why=sent.why(), **more)
    return await ctx.unknown(conn, held, step, key)


async def _gates(ctx: Context, conn: Any, held: Held, subject: Subject, sha256: str, checks: dict[str, bool]) -> bool:
    """Proof of notice, the signed plan, the archive as it is now, today's confirmation and place: all, or nothing."""
    p = held.progress
    if p.notice is None or p.approval is None or p.slot.day != ctx.today() or p.recheck.confirmed_day != ctx.today():
        return False
    if sha256 != p.archive_sha256 or not all(checks.values()):
        await archive.failed(ctx, conn, held, "the package is no longer what was archived")
        return False
    if await planning.beyond_limits(conn, ctx.limits, ctx.today(), subject):
        await ctx.append(conn, held, "slot_missed", day=ctx.today().isoformat())
        return False
    fault = await planning.fault_of(conn, held)
    if fault is not None:
        held = await ctx.append(conn, held, "needs_person", why=f"plan altered: {fault}")
        zh = f"方案已被改动,停止执行:{refusals.zh(fault)}"
        await ctx.alarm(
            conn, held, "plan-altered", zh=zh, en=f"The plan has been altered, nothing is executed: {fault}"
        )
        return False
    why = await planning.lapsed(conn, held, subject, ctx.today())
    if why is not None and not p.stop.ordered:
        await planning.drop(conn, ctx.clock, held, why)
        return False
    return True


async def _no_connector(ctx: Context, conn: Any, held: Held, platform: str) -> None:
    why = f"no connector is set for the platform {platform}"
    held = await ctx.append(conn, held, "needs_person", why=why)
    await ctx.alarm(conn, held, "no-connector", zh=f"平台 {platform} 未配置连接器。", en=why)


def order(what: str, held: Held, subject: Subject) -> bytes:
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
