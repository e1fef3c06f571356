"""The ends of a case: released, disposed and closed, or ended without a closure."""

from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseClosed, CaseEnded, CaseHeld
from services.decommission.announcements import usecases as announcements
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.steps import reopen


async def dispose(ctx: Context, case_id: UUID) -> None:
    """Say what becomes of each dataset held here (个人信息保护法 art. 47; 政务数据共享条例 art. 29).

    The contact of a unit that answers for nothing else is deleted now. What the sponsor's and the platform's own
    systems hold is theirs to delete and is not claimed.
    """
    async with ctx.database.transaction("dispose") as conn:
        held = await ctx.take(conn, case_id, "dispose")
        subject = await ctx.subject(conn, held)
        await QUERIES.unit_lock(conn, text_=str(subject.sponsor_id))
        others = await QUERIES.assets_left(conn, unit_id=subject.sponsor_id, asset_id=subject.asset_id)
        if not others:
            await QUERIES.contact_delete(conn, unit_id=subject.sponsor_id)
        contact = "keep, the unit answers for other assets" if others else "delete"
        datasets = [
            {"dataset": "unit contact", "personal": True, "action": contact},
            {"dataset": "public page as captured", "personal": False, "action": "archive"},
            {"dataset": "case log and evidence", "personal": False, "action": "archive"},
            {"dataset": "users of the account", "personal": True, "action": "none held here"},
        ]
        await ctx.append(conn, held, "disposed", datasets=datasets, day=ctx.today().isoformat())


async def close(ctx: Context, case_id: UUID) -> None:
    """Checked closed and disposed of: the last entry, and the event that raises the tombstone."""
    async with ctx.database.transaction("close_case") as conn:
        held = await ctx.take(conn, case_id, "close")
        p = held.progress
        assert p.stop.at is not None  # noqa: S101 - no path leads here otherwise
        stopped_on = p.stop.at.astimezone(ctx.zone).date()
        closed_on = ctx.today()
        data = {"closed_on": closed_on.isoformat(), "stopped_on": stopped_on.isoformat()}
        held = await ctx.append(conn, held, "closed", **data)
        plan_sha256 = p.plan.sha256 if p.plan is not None else None
        rule = p.recheck.rule or held.case.rule  # the one that was found true on the day of the stop
        await ctx.tell(
            conn, held, CaseClosed, rule=rule, reason=f"rule {rule}", closed_on=closed_on,
            stopped_on=stopped_on, plan_sha256=plan_sha256, archive_sha256=p.archive_sha256,
            **await announcements.words(conn, case_id, rule, p.recheck.finding_id),
        )  # fmt: skip


async def end(ctx: Context, case_id: UUID) -> None:
    """End without a closure: kept, fixed, refuted or cancelled."""
    async with ctx.database.transaction("end_case") as conn:
        await QUERIES.asset_lock_of(conn, case_id=case_id)
        held = await ended(ctx, conn, await ctx.take(conn, case_id, "end"))
        await reopen.after(ctx, conn, held)


async def ended(ctx: Context, conn: Connection, held: Held) -> Held:
    """The last entry of a case that closes nothing, and its event."""
    p = held.progress
    if p.cancelled is not None:
        outcome, reason = "cancelled", p.cancelled
    elif p.refuted:
        outcome, reason = ("fixed" if p.answer == "fix" else "refuted"), "the finding is no longer true"
    else:
        answers = [entry.data for entry in held.log if entry.kind == "answered"]
        outcome, reason = "kept", str(answers[-1].get("reason") or "the unit keeps it")
    held = await ctx.append(conn, held, "ended", outcome=outcome, reason=reason)
    await ctx.tell(conn, held, CaseEnded, outcome=outcome, reason=reason)
    return held


async def release(ctx: Context, case_id: UUID) -> None:
    """A hold has come to its end: the clock goes on where it stood."""
    async with ctx.database.transaction("release_hold") as conn:
        held = await ctx.take(conn, case_id, "release")
        held = await ctx.append(conn, held, "released", reason="the hold has ended")
        await ctx.tell(conn, held, CaseHeld, held=False, reason="the hold has ended", until=None)
