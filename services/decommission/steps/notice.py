"""Tell the unit, and have its signed receipt: a plain 200 is no proof."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common import days
from libs.common.events.decommission import CaseUndelivered
from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import refusals
from services.decommission.cases import domain, store, usecases
from services.decommission.cases.store import QUERIES, Held
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.keys import domain as keys
from services.decommission.keys.domain import UnitKey


async def do(ctx: Context, case_id: UUID) -> None:
    """Send the notice once more and record proof, or that there is none.

    The last attempt goes to the unit above, where there is one with an endpoint: its receipt is proof as well.
    """
    async with ctx.database.transaction("start_notice") as conn:
        held = await ctx.take(conn, case_id, "notice")
        subject = await ctx.subject(conn, held)
        endpoint = await endpoint_of(conn, held, subject)
        unit_key = None if endpoint is None else store.to_key(endpoint)
        body = await _text(ctx, conn, held, subject, unit_key)
        honours = endpoint is None or endpoint["honours_keys"]
        more = {} if unit_key is None else {"unit_key": unit_key.thumbprint}
        held, key = await ctx.begin(conn, held, "notice", honours_keys=honours, **more)
        absent = await _absent(conn, subject.sponsor_id) if unit_key is None else ""
    if key is None:
        return
    if unit_key is None:
        await _undelivered(ctx, case_id, key, "failed", absent)
        return
    crashpoints.point("decommission.notice.before-effect")
    url, at = unit_key.url, ctx.now()
    sent = await webhook.send(ctx.egress, ctx.signing_key, url, body, purpose="notice", effect=key, at=at)
    crashpoints.point("decommission.notice.after-effect")
    if not sent.accepted:
        await _undelivered(ctx, case_id, key, "failed" if sent.outcome == "refused" else "unknown", sent.why())
        return
    try:
        token = _receipt_of(sent.body)
        receipt = domain.read_receipt(
            token,
            unit_key.public_key,
            notice_sha256=signing.sha256(body),
            asset_id=subject.asset_id,
            sent_on=domain.sent_on(body),
            today=ctx.today(),
        )
    except domain.BadReceipt as error:
        await _undelivered(ctx, case_id, key, "done", error.text("en"))
        return
    proves_from = unit_key.proves_from(held.case.windows.key_age_days, ctx.zone)
    if proves_from is None or ctx.now() < proves_from:
        await _undelivered(ctx, case_id, key, "done", keys.YOUNG, until=proves_from)
        return
    async with ctx.database.transaction("prove_notice") as conn:
        held = await ctx.hold(conn, case_id)
        await ctx.end(conn, key, "done")
        if _awaited(held, key):
            await usecases.proved(ctx, conn, held, unit_key, token, receipt, sponsor=subject.sponsor_id)


def _awaited(held: Held, key: UUID) -> bool:
    """Whether the case still waits for what came of this attempt: no receipt was faster, and no other key has come."""
    return held.progress.notice is None and held.progress.pending.get("notice") == str(key)


async def _text(ctx: Context, conn: Any, held: Held, subject: domain.Subject, unit_key: UnitKey | None) -> bytes:
    """The notice as it goes out now, kept with the key that is in force: the last one again, unless that is outdated.

    One that was under way to another key is left as it is: what comes of it no longer matters.
    """
    notice = await QUERIES.notice_get(conn, case_id=held.case.case_id)
    pending = held.progress.pending.get("notice")
    mine = (None, None) if unit_key is None else (unit_key.unit_id, unit_key.ordinal)
    same = notice is not None and (notice["key_unit"], notice["key_ordinal"]) == mine
    if pending is not None and not same:
        await ctx.end(conn, UUID(pending), "unknown", why="another key is in force")
    if notice is not None and same and (pending is not None or not _out_of_date(ctx, notice)):
        return str(notice["body"]).encode()
    body = _body(ctx, held, subject, await _basis(conn, held), unit_key)
    await QUERIES.notice_put(
        conn, case_id=held.case.case_id, body=body.decode(), sha256=signing.sha256(body), key_unit=mine[0],
        key_ordinal=mine[1],
    )  # fmt: skip
    return body


def _out_of_date(ctx: Context, notice: Any) -> bool:
    """Whether a notice names a day that has come, or was another unit's."""
    return notice["receipt"] is not None or str(json.loads(notice["body"])["answer_by"]) <= ctx.today().isoformat()


async def _absent(conn: Any, unit_id: UUID) -> str:
    proposed = [row async for row in QUERIES.unit_keys_of(conn, unit_id=unit_id)]
    return keys.NOT_IN_FORCE if proposed else "the unit has no endpoint"


async def endpoint_of(conn: Any, held: Held, subject: domain.Subject) -> Any | None:
    """Where the next attempt of a case's notice goes; None where there is nowhere."""
    attempts = held.case.windows.notice_attempts
    if attempts > 1 and held.progress.delivery.attempts + 1 >= attempts:
        above = await QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=1)
        if above is not None:
            return above
    return await QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=0)


async def _undelivered(
    ctx: Context, case_id: UUID, key: UUID, effect: str, why: str, *, until: datetime | None = None
) -> None:
    """There is no proof; `until`: there can be none before."""
    async with ctx.database.transaction("notice_undelivered") as conn:
        held = await ctx.hold(conn, case_id)
        await ctx.end(conn, key, effect, why=why)
        if not _awaited(held, key):
            return
        more = {} if until is None else {"until": until.isoformat()}
        held = await ctx.append(conn, held, "undelivered", why=why, attempt=held.progress.delivery.attempts + 1, **more)
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


def _body(ctx: Context, held: Held, subject: domain.Subject, basis: str, unit_key: UnitKey | None) -> bytes:
    today, windows = ctx.today(), held.case.windows
    answer_by = days.later(today, windows.answer_days)
    least = min(windows.min_answer_days, windows.answer_days)
    return domain.notice_text(
        held.case, subject, basis=basis, today=today, answer_by=answer_by,
        stop_from=days.later(answer_by, windows.announce_days),
        answered_from=days.later(today, least + windows.announce_days),
        receipt_key=None if unit_key is None else unit_key.thumbprint,
    )  # fmt: skip
