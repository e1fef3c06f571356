"""The ends of a case: released, disposed and closed, or ended without a closure."""

from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseClosed, CaseEnded, CaseHeld
from services.decommission.announcements import usecases as announcement_usecases
from services.decommission.assets import store as asset_store
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.entries.person import Released
from services.decommission.cases.entries.stop import Closed, Disposed, Ended
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.keys import store as key_store
from services.decommission.steps import reopen
from services.decommission.units import store as unit_store


async def dispose(deps: Deps, case_id: UUID) -> None:
    """Say what becomes of each dataset held here (个人信息保护法 art. 47; 政务数据共享条例 art. 29).

    The contact of a unit that answers for nothing else is deleted now. What the sponsor's and the platform's own
    systems hold is theirs to delete and is not claimed.
    """
    async with deps.database.transaction("dispose") as conn:
        case = await casework.take(deps, conn, case_id, "dispose")
        subject = await casework.subject(conn, case)
        await unit_store.QUERIES.unit_lock(conn, text_=str(subject.sponsor_id))
        others = await asset_store.QUERIES.assets_left(conn, unit_id=subject.sponsor_id, asset_id=subject.asset_id)
        if not others:
            await key_store.QUERIES.contact_delete(conn, unit_id=subject.sponsor_id)
        contact = "keep, the unit answers for other assets" if others else "delete"
        datasets = [
            {"dataset": "unit contact", "personal": True, "action": contact},
            {"dataset": "public page as captured", "personal": False, "action": "archive"},
            {"dataset": "case log and evidence", "personal": False, "action": "archive"},
            {"dataset": "users of the account", "personal": True, "action": "none held here"},
        ]
        await casework.append(deps, conn, case, Disposed(datasets=datasets, day=deps.today().isoformat()))


async def close(deps: Deps, case_id: UUID) -> None:
    """Checked closed and disposed of: the last entry, and the event that raises the tombstone."""
    async with deps.database.transaction("close_case") as conn:
        case = await casework.take(deps, conn, case_id, "close")
        p = case.progress
        assert p.stop.at is not None  # noqa: S101 - no path leads here otherwise
        stopped_on = p.stop.at.astimezone(deps.zone).date()
        closed_on = deps.today()
        data = {"closed_on": closed_on.isoformat(), "stopped_on": stopped_on.isoformat()}
        case = await casework.append(deps, conn, case, Closed(**data))
        rule = p.recheck.rule or case.row.rule  # the one that was found true on the day of the stop
        await casework.tell(
            deps,
            conn,
            case,
            CaseClosed,
            rule=rule,
            reason=f"rule {rule}",
            closed_on=closed_on,
            stopped_on=stopped_on,
            plan_sha256=p.plan.sha256 if p.plan is not None else None,
            archive_sha256=p.archive_sha256,
            **await announcement_usecases.words(conn, case_id, rule, p.recheck.finding_id),
        )


async def end(deps: Deps, case_id: UUID) -> None:
    """End without a closure: kept, fixed, refuted or cancelled."""
    async with deps.database.transaction("end_case") as conn:
        await case_store.QUERIES.asset_lock_of(conn, case_id=case_id)
        case = await ended(deps, conn, await casework.take(deps, conn, case_id, "end"))
        await reopen.after(deps, conn, case)


async def ended(deps: Deps, conn: Connection, case: Case) -> Case:
    """The last entry of a case that closes nothing, and its event."""
    p = case.progress
    if p.cancelled is not None:
        outcome, reason = "cancelled", p.cancelled
    elif p.refuted:
        outcome, reason = ("fixed" if p.answer == "fix" else "refuted"), "the finding is no longer true"
    else:
        answers = [entry.data for entry in case.log if entry.kind == "answered"]
        outcome, reason = "kept", str(answers[-1].get("reason") or "the unit keeps it")
    case = await casework.append(deps, conn, case, Ended(outcome=outcome, reason=reason))
    await casework.tell(deps, conn, case, CaseEnded, outcome=outcome, reason=reason)
    return case


async def release(deps: Deps, case_id: UUID) -> None:
    """A hold has come to its end: the clock goes on where it stood."""
    async with deps.database.transaction("release_hold") as conn:
        case = await casework.take(deps, conn, case_id, "release")
        case = await casework.append(deps, conn, case, Released(reason="the hold has ended"))
        await casework.tell(deps, conn, case, CaseHeld, held=False, reason="the hold has ended", until=None)
