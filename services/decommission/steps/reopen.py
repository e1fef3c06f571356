"""What stays true of an asset whose case has ended gets its next case: at once, or when the end excuses it no longer.

The monitor tells of each finding once, so nobody else would ever bring it up again.
"""

import json
from datetime import date
from uuid import UUID

from libs.common import days
from libs.common.db.pool import Connection
from services.decommission.assets import store as asset_store
from services.decommission.cases import store as case_store
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.findings import domain as finding_domain
from services.decommission.findings import store as finding_store
from services.decommission.findings import usecases as finding_usecases


async def after(deps: Deps, conn: Connection, case: Case) -> None:
    """A case has just ended, its asset is locked: what is left of it is taken up now, or noted for the day it may be.

    A finding that came when the end was decided already, and the case merely waited for it, is excused by nothing.
    """
    rows = [row async for row in finding_store.QUERIES.findings_excused(conn, case_id=case.row.case_id)]
    decided, until = _excuse(case, deps.today())
    late = {e.data["finding_id"] for e in case.log if e.kind == "finding_attached" and e.seq > decided}
    excused = [row for row in rows if until is not None and str(row["finding_id"]) not in late]
    if until is not None and excused:
        await finding_store.QUERIES.case_reopen_on(conn, case_id=case.row.case_id, on_day=days.later(until, 1))
    await _take_up(deps, conn, case.row.asset_id, [row["evidence"] for row in rows if row not in excused])


async def due(deps: Deps, conn: Connection, today: date) -> bool:
    """Take up what is left of one ended case whose day has come; whether there was one."""
    row = await finding_store.QUERIES.case_to_reopen(conn, today=today)
    if row is None:
        return False
    await asset_store.QUERIES.asset_lock(conn, text_=str(row["asset_id"]))
    await finding_store.QUERIES.case_reopen_on(conn, case_id=row["case_id"], on_day=None)
    left = [row["evidence"] async for row in finding_store.QUERIES.findings_excused(conn, case_id=row["case_id"])]
    try:
        await _take_up(deps, conn, row["asset_id"], left)
    except BrokenChain as error:  # the asset's open case takes nothing now: tried again tomorrow
        await case_store.broken(conn, error, now=deps.now())
        await finding_store.QUERIES.case_reopen_on(conn, case_id=row["case_id"], on_day=days.later(today, 1))
    return True


async def _take_up(deps: Deps, conn: Connection, asset_id: UUID, evidence: list[str]) -> None:
    for text in evidence:
        await finding_usecases.take_up(deps, conn, asset_id, json.loads(text))


def _excuse(case: Case, today: date) -> tuple[int, date | None]:
    """(number of the entry that decided the end, last day on which it excuses the asset); (0, None) where it does not.

    That a finding fell excuses from no other. A keep excuses until the day it names, else for a bounded time, and so
    does what an operator decided: he has cancelled one case, not all that could ever come.
    """
    p, windows = case.progress, case.row.windows
    if p.cancelled is not None or p.restore.reason is not None:
        decision = next(e for e in reversed(case.log) if e.kind in ("cancelled", "restore_asked"))
        return decision.seq, finding_domain.excused_until(None, today, windows)
    if p.refuted:
        return 0, None
    decision = next(e for e in reversed(case.log) if e.kind == "answered")
    return decision.seq, finding_domain.excused_until(decision.data.get("until"), today, windows)
