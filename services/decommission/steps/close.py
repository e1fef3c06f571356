"""The ends of a case: released, disposed and closed, or ended without a closure."""

from uuid import UUID

from libs.common.events.decommission import CaseClosed, CaseEnded, CaseHeld
from services.decommission.context import Context


async def dispose(ctx: Context, case_id: UUID) -> None:
    """Say what becomes of each dataset (PIPL art. 47; 政务数据共享条例 art. 29: kept at least three years).

    This service holds no personal data of an account's users; what it holds is named here. What the sponsor's
    systems hold is the sponsor's to delete and is not claimed.
    """
    async with ctx.database.transaction("dispose") as conn:
        held = await ctx.hold(conn, case_id)
        datasets = [
            {"dataset": "public page, captured", "personal": False, "action": "archive"},
            {"dataset": "case log and evidence", "personal": False, "action": "archive"},
            {"dataset": "unit contact", "personal": True, "action": "never copied into the case"},
            {"dataset": "users of the account", "personal": True, "action": "none held here"},
        ]
        await ctx.append(conn, held, "disposed", datasets=datasets, day=ctx.today().isoformat())


async def close(ctx: Context, case_id: UUID) -> None:
    """Checked closed and disposed of: the last entry, and the event that raises the tombstone."""
    async with ctx.database.transaction("close_case") as conn:
        held = await ctx.hold(conn, case_id)
        p = held.progress
        assert p.stopped_at is not None  # noqa: S101 - no path leads here otherwise
        stopped_on = p.stopped_at.astimezone(ctx.zone).date()
        closed_on = ctx.today()
        data = {"closed_on": closed_on.isoformat(), "stopped_on": stopped_on.isoformat()}
        held = await ctx.append(conn, held, "closed", **data)
        await ctx.tell(
            conn, held, CaseClosed, rule=held.case.rule, reason=f"rule {held.case.rule}", closed_on=closed_on,
            stopped_on=stopped_on, plan_sha256=p.plan_sha256, archive_sha256=p.archive_sha256,
        )  # fmt: skip


async def end(ctx: Context, case_id: UUID) -> None:
    """End without a closure: kept, fixed, refuted or cancelled."""
    async with ctx.database.transaction("end_case") as conn:
        held = await ctx.hold(conn, case_id)
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


async def release(ctx: Context, case_id: UUID) -> None:
    """A hold has come to its end: the clock goes on where it stood."""
    async with ctx.database.transaction("release_hold") as conn:
        held = await ctx.hold(conn, case_id)
        held = await ctx.append(conn, held, "released", reason="the hold has ended")
        await ctx.tell(conn, held, CaseHeld, held=False, reason="the hold has ended", until=None)
