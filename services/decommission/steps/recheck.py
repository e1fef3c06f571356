"""A place under the day's limits first, then the question whether the finding is still true today."""

from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import RecheckRequested
from libs.common.ids import derive
from libs.common.outbox import relay
from services.decommission.cases import domain
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.plans import usecases as planning


async def reserve(ctx: Context, case_id: UUID) -> None:
    """Take one of today's places, in the order in which the executor comes by; none left means tomorrow."""
    async with ctx.database.transaction("reserve_slot") as conn:
        held = await ctx.take(conn, case_id, "reserve")
        subject = await ctx.subject(conn, held)
        await QUERIES.slots_lock(conn, day=ctx.today())
        taken = await planning.taken(conn, ctx.today(), subject)
        under = await planning.room_under_mandate(conn, held, ctx.today())
        if under and domain.room(ctx.limits, taken, subject.kind):
            await QUERIES.slot_add(
                conn, day=ctx.today(), case_id=case_id, unit_id=subject.sponsor_id, kind=subject.kind
            )
            await ctx.append(conn, held, "slot_reserved", day=ctx.today().isoformat())
        else:
            await ctx.append(conn, held, "slot_missed", day=ctx.today().isoformat())


async def ask(ctx: Context, case_id: UUID) -> None:
    """Ask the monitor by event about a finding that still stands; its answer comes as one.

    Of a case in a plan only what was signed is asked about; where nothing of that is left, it is planned anew.
    """
    async with ctx.database.transaction("ask_recheck") as conn:
        held = await ctx.take(conn, case_id, "ask")
        rows = [row async for row in QUERIES.findings_left(conn, case_id=case_id)]
        signed = await planning.signed_evidence(conn, held)
        left = [row for row in rows if signed is None or row["evidence_sha256"] in signed]
        if rows and not left:
            await _unsigned(ctx, conn, held)
            return
        finding, rule = (left[0]["finding_id"], left[0]["rule"]) if left else (held.case.finding_id, held.case.rule)
        today = ctx.today()
        request = derive("recheck", case_id, finding, today)
        data = {"request_id": str(request), "finding_id": str(finding), "rule": rule, "day": today.isoformat()}
        held = await ctx.append(conn, held, "recheck_asked", **data)
        question = RecheckRequested(
            request_id=request, case_id=case_id, finding_id=finding, asset_id=held.case.asset_id, rule=rule,
            business_day=today,
        )  # fmt: skip
        await relay.emit(conn, question, sequence=1, time=ctx.now())


async def _unsigned(ctx: Context, conn: Connection, held: Held) -> None:
    """Nobody has signed for what is left of the case. An order that may have gone out is for a person to undo."""
    if not held.progress.stop.ordered:
        await planning.drop(conn, ctx.clock, held, planning.UNSIGNED)
        return
    held = await ctx.append(conn, held, "needs_person", why=planning.UNSIGNED)
    zh = "停用指令可能已经发出,而今天成立的依据不在已签署的证据之列:请撤销个案,恢复该对象。"
    en = f"An order to stop may have gone out, but {planning.UNSIGNED}: cancel the case, so that the asset is restored."
    await ctx.alarm(conn, held, "unsigned", zh=zh, en=en)
