"""A place under the day's limits first, then the question whether the finding is still true today."""

from uuid import UUID

from libs.common import outbox
from libs.common.events.decommission import RecheckRequested
from libs.common.ids import derive
from services.decommission import domain, planning
from services.decommission.context import Context
from services.decommission.store import QUERIES


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
    """Ask the monitor by event about a finding that still stands; its answer comes as one."""
    async with ctx.database.transaction("ask_recheck") as conn:
        held = await ctx.take(conn, case_id, "ask")
        left = [(row["finding_id"], row["rule"]) async for row in QUERIES.findings_left(conn, case_id=case_id)]
        finding, rule = left[0] if left else (held.case.finding_id, held.case.rule)
        today = ctx.today()
        request = derive("recheck", case_id, finding, today)
        data = {"request_id": str(request), "finding_id": str(finding), "rule": rule, "day": today.isoformat()}
        held = await ctx.append(conn, held, "recheck_asked", **data)
        question = RecheckRequested(
            request_id=request, case_id=case_id, finding_id=finding, asset_id=held.case.asset_id, rule=rule,
            business_day=today,
        )  # fmt: skip
        await outbox.emit(conn, question, sequence=1, time=ctx.now())
