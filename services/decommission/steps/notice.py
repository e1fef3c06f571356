"""Tell the unit, and have its signed receipt: a plain 200 is no proof."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.common import faults, signing
from libs.common.events.decommission import CaseUndelivered
from services.decommission import domain, refusals, usecases
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.store import QUERIES, Held


async def do(ctx: Context, case_id: UUID) -> None:
    """Send the notice once more and record proof, or that there is none.

    The last attempt goes to the unit above, where there is one with an endpoint: its receipt is proof as well.
    """
    async with ctx.database.transaction("start_notice") as conn:
        held = await ctx.take(conn, case_id, "notice")
        subject = await ctx.subject(conn, held)
        endpoint = await endpoint_of(conn, held, subject)
        notice = await QUERIES.notice_get(conn, case_id=case_id)
        fresh = notice is None or _out_of_date(ctx, held, notice)
        body = _body(ctx, held, subject, await _basis(conn, held)) if fresh else notice["body"].encode()
        if fresh:
            await QUERIES.notice_put(conn, case_id=case_id, body=body.decode(), sha256=signing.sha256(body))
        honours = endpoint is None or endpoint["honours_keys"]
        held, key = await ctx.begin(conn, held, "notice", honours_keys=honours)
    if key is None:
        return
    if endpoint is None:
        await _undelivered(ctx, case_id, key, "failed", "the unit has no endpoint")
        return
    faults.point("decommission.notice.before-effect")
    url, at = endpoint["url"], ctx.now()
    sent = await webhook.send(ctx.egress, ctx.signing_key, url, body, purpose="notice", effect=key, at=at)
    faults.point("decommission.notice.after-effect")
    if not sent.accepted:
        await _undelivered(ctx, case_id, key, "failed" if sent.outcome == "refused" else "unknown", sent.why())
        return
    try:
        token = _receipt_of(sent.body)
        public = json.loads(endpoint["public_key"])
        receipt = domain.read_receipt(
            token, public, notice_sha256=signing.sha256(body), asset_id=subject.asset_id, today=ctx.today()
        )
    except domain.BadReceipt as error:
        await _undelivered(ctx, case_id, key, "done", error.text("en"))
        return
    async with ctx.database.transaction("prove_notice") as conn:
        held = await ctx.hold(conn, case_id)
        await ctx.end(conn, key, "done")
        if held.progress.noticed_at is None:  # a receipt that came by itself may have been faster
            await usecases.proved(
                ctx, conn, held, endpoint["unit_id"], token, public, receipt, sponsor=subject.sponsor_id
            )


def _out_of_date(ctx: Context, held: Held, notice: Any) -> bool:
    """Whether a notice names a day that has come, or was another unit's; one on its way keeps its text."""
    if "notice" in held.progress.pending:
        return False
    return notice["receipt"] is not None or str(json.loads(notice["body"])["answer_by"]) <= ctx.today().isoformat()


async def endpoint_of(conn: Any, held: Held, subject: domain.Subject) -> Any | None:
    """Where the next attempt of a case's notice goes; None where there is nowhere."""
    attempts = held.case.windows.notice_attempts
    if attempts > 1 and held.progress.attempts + 1 >= attempts:
        above = await QUERIES.endpoint_above(conn, unit_id=subject.sponsor_id)
        if above is not None:
            return above
    return await QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id)


async def _undelivered(ctx: Context, case_id: UUID, key: UUID, effect: str, why: str) -> None:
    async with ctx.database.transaction("notice_undelivered") as conn:
        held = await ctx.hold(conn, case_id)
        await ctx.end(conn, key, effect, why=why)
        if held.progress.noticed_at is not None:
            return
        held = await ctx.append(conn, held, "undelivered", why=why, attempt=held.progress.attempts + 1)
        await ctx.tell(conn, held, CaseUndelivered, why=why)
        if held.case.state == "undelivered":
            zh, en = f"通知未能送达:{refusals.zh(why)}", f"The notice could not be delivered: {why}"
            await ctx.alarm(conn, held, "undelivered", zh=zh, en=en)


def _receipt_of(body: bytes) -> str:
    try:
        token = json.loads(body)["receipt"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise domain.BadReceipt(field="receipt", accepted="a receipt signed by the unit", why="there is none") from None
    return str(token)


async def _basis(conn: Any, held: Held) -> str:
    async for row in QUERIES.findings_of(conn, case_id=held.case.case_id):
        if row["finding_id"] == held.case.finding_id:
            return str(json.loads(row["evidence"]).get("basis", ""))
    return ""


def _body(ctx: Context, held: Held, subject: domain.Subject, basis: str) -> bytes:
    today, windows = ctx.today(), held.case.windows
    answer_by = today + timedelta(days=windows.answer_days)
    return domain.notice_text(
        held.case, subject, basis=basis, today=today, answer_by=answer_by,
        stop_from=answer_by + timedelta(days=windows.announce_days),
    )  # fmt: skip
