"""What stays true of an asset whose case has ended gets its next case: at once, or when the end excuses it no longer.

The monitor tells of each finding once, so nobody else would ever bring it up again.
"""

import json
from datetime import date
from uuid import UUID

from libs.common import days
from libs.common.db.pool import Connection
from services.decommission.cases import domain, store, usecases
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.refusals import BrokenChain


async def after(ctx: Context, conn: Connection, held: Held) -> None:
    """A case has just ended, its asset is locked: what is left of it is taken up now, or noted for the day it may be.

    A finding that came when the end was decided already, and the case merely waited for it, is excused by nothing.
    """
    rows = [row async for row in QUERIES.findings_excused(conn, case_id=held.case.case_id)]
    decided, until = _excuse(held, ctx.today())
    late = {e.data["finding_id"] for e in held.log if e.kind == "finding_attached" and e.seq > decided}
    excused = [row for row in rows if until is not None and str(row["finding_id"]) not in late]
    if until is not None and excused:
        await QUERIES.case_reopen_on(conn, case_id=held.case.case_id, on_day=days.later(until, 1))
    await _take_up(ctx, conn, held.case.asset_id, [row["evidence"] for row in rows if row not in excused])


async def due(ctx: Context, conn: Connection, today: date) -> bool:
    """Take up what is left of one ended case whose day has come; whether there was one."""
    row = await QUERIES.case_to_reopen(conn, today=today)
    if row is None:
        return False
    await QUERIES.asset_lock(conn, text_=str(row["asset_id"]))
    await QUERIES.case_reopen_on(conn, case_id=row["case_id"], on_day=None)
    left = [found["evidence"] async for found in QUERIES.findings_excused(conn, case_id=row["case_id"])]
    try:
        await _take_up(ctx, conn, row["asset_id"], left)
    except BrokenChain as error:  # the asset's open case takes nothing now: tried again tomorrow
        await store.broken(conn, error, now=ctx.now())
        await QUERIES.case_reopen_on(conn, case_id=row["case_id"], on_day=days.later(today, 1))
    return True


async def _take_up(ctx: Context, conn: Connection, asset_id: UUID, evidence: list[str]) -> None:
    for text in evidence:
        await usecases.take_up(ctx, conn, asset_id, json.loads(text), ctx.windows)


def _excuse(held: Held, today: date) -> tuple[int, date | None]:
    """(number of the entry that decided the end, last day on which it excuses the asset); (0, None) where it does not.

    That a finding fell excuses from no other. A keep excuses until the day it names, else for a bounded time, and so
    does what an operator decided: he has cancelled one case, not all that could ever come.
    """
    p, windows = held.progress, held.case.windows
    if p.cancelled is not None or p.restore.reason is not None:
        said = next(e for e in reversed(held.log) if e.kind in ("cancelled", "restore_asked"))
        return said.seq, domain.excused_until(None, today, windows)
    if p.refuted:
        return 0, None
    said = next(e for e in reversed(held.log) if e.kind == "answered")
    return said.seq, domain.excused_until(said.data.get("until"), today, windows)
