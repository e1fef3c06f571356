"""Once a business day: waiting that nobody would hear of calls a person, and what is over calls nobody any more."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms import store as alarm_store
from services.decommission.assets import store as asset_store
from services.decommission.assets.domain import Subject
from services.decommission.cases import calls, casework, next_move
from services.decommission.cases import store as case_store
from services.decommission.cases.casework import OTHER_ASSET
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.store import Case
from services.decommission.cases.words import WORDS
from services.decommission.deps import Deps
from services.decommission.limits.domain import SlotsTaken, room
from services.decommission.plans import store as plan_store
from services.decommission.waits import domain, store, usecases

PAGE = 100


async def look(deps: Deps) -> None:
    """Look at every plan that waits, every case that waits, and every alarm that lasts; repeated it changes nothing."""
    await _plans(deps)
    for rows in (store.QUERIES.cases_unsure, store.QUERIES.cases_waiting, store.QUERIES.alarms_lasting):
        async for case_id in _ids(deps, rows):
            await _case(deps, case_id)


async def _plans(deps: Deps) -> None:
    async with deps.database.reading() as conn:
        before = domain.sealed_before(deps.now(), deps.zone)
        found = [row["plan_id"] async for row in plan_store.QUERIES.plans_unsigned(conn, sealed_before=before)]
    for plan_id in found:
        async with deps.database.transaction("watch_plan") as conn:
            plan = await plan_store.QUERIES.plan_lock(conn, plan_id=plan_id)
            if plan["state"] == "sealed" and await usecases.raise_again(deps, conn, plan_id, alarm_domain.UNSIGNED):
                zh = f"{plan['sealed_on']} 封存的方案已 {domain.HEARD_AFTER} 天未获足够签署。"
                en = f"The plan sealed on {plan['sealed_on']} has waited {domain.HEARD_AFTER} days for its signatures."
                await alarm_store.alarm_about_once(conn, plan_id, alarm_domain.UNSIGNED, zh=zh, en=en, now=deps.now())


async def _ids(deps: Deps, rows: Callable[..., Any]) -> AsyncIterator[UUID]:
    """Case by case in the order of their ids, however many there are."""
    after: UUID | None = None
    while True:
        async with deps.database.reading() as conn:
            page = [row["case_id"] async for row in rows(conn, after=after, max_rows=PAGE)]
        for case_id in page:
            yield case_id
        if len(page) < PAGE:
            return
        after = page[-1]


async def _case(deps: Deps, case_id: UUID) -> None:
    """What is to be done about a case's alarms, if anything is; looked at first, so that most need no lock."""
    async with deps.database.reading() as conn:
        if not await _judged(deps, conn, case_id, lock=False):
            return
    async with deps.database.transaction("watch_case") as conn:
        for act in await _judged(deps, conn, case_id, lock=True):
            await act(conn)


async def _judged(deps: Deps, conn: Connection, case_id: UUID, *, lock: bool) -> list[Callable[[Connection], Any]]:
    """What should happen to the alarms about a case as it stands now."""
    case, problem = await case_store.look(conn, case_id, deps.zone, deps.notary, lock=lock)
    subject = await asset_store.subject(conn, case.row.asset_id)
    if problem is None and subject is not None and not subject.is_itself:
        problem = OTHER_ASSET
    lasting = await alarm_store.lasting(conn, case_id)
    if problem is not None:
        if any(row["kind"] in alarm_domain.BROKEN for row in lasting):
            return []
        error = BrokenChain(case_id=case_id, why=problem)
        return [lambda conn: case_store.broken(conn, error, now=deps.now())]
    over = [
        row
        for row in lasting
        if row["kind"] in alarm_domain.BROKEN or not await _goes_on(deps, conn, case, subject, row)
    ]
    acts: list[Callable[[Connection], Any]] = [_end(row["alarm_id"], deps.now()) for row in over]
    kept = {row["kind"] for row in lasting if row not in over}
    unsure = domain.unsure(case.progress, deps.now(), deps.zone) and domain.unanswered(
        case.progress, deps.now(), deps.zone
    )
    if unsure:
        acts.append(lambda conn: usecases.doubt(deps, conn, case))
    since = case.log[-1].at if case.log else case.row.opened_at
    long = domain.over(since, deps.now(), deps.zone, domain.LOST_AFTER)
    if (
        long
        and not kept
        and await _for_nobody(deps, conn, case, subject)
        and await usecases.raise_again(deps, conn, case_id, alarm_domain.UNHEARD)
    ):
        acts.append(lambda conn: _lost(deps, conn, case))
    return acts


async def _goes_on(deps: Deps, conn: Connection, case: Case, subject: Subject | None, row: Any) -> bool:
    if row["kind"] == alarm_domain.UNHEARD:
        return await _for_nobody(deps, conn, case, subject)
    return calls.lasts(row["kind"], case.progress)


def _end(alarm_id: UUID, now: datetime) -> Callable[[Connection], Any]:
    return lambda conn: alarm_store.end_alarm(conn, alarm_id, now=now)


async def _for_nobody(deps: Deps, conn: Connection, case: Case, subject: Subject | None) -> bool:
    if case.row.due_at is not None:
        return False
    plan_id = case.progress.plan_id
    plan = await plan_store.QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
    altered = await alarm_store.lasting(conn, UUID(plan_id)) if plan_id else []
    return domain.for_nobody(
        case.progress,
        deps.now(),
        deps.zone,
        plan_state=None if plan is None else plan["state"],
        called=any(row["kind"] == alarm_domain.ALTERED for row in altered),
        placed=_placed(deps, subject),
    )


def _placed(deps: Deps, subject: Subject | None) -> bool:
    """Whether the limits leave a place for an asset on some day; one that is not known yet has none."""
    return subject is not None and deps.limits.per_plan > 0 and room(deps.limits, SlotsTaken(), subject.kind)


async def _lost(deps: Deps, conn: Connection, case: Case) -> None:
    subject = await asset_store.subject(conn, case.row.asset_id)
    state, ready = case.row.state, next_move.next_move(case.progress, deps.now(), deps.zone) == next_move.Plan()
    if subject is None:
        zh = "登记系统尚未告知本个案的对象,个案无法推进:请核对名录。"
        en = "The registry has not told of the case's asset, so it goes nowhere: look at the list it should be in."
    elif ready and not _placed(deps, subject):
        zh = "个案可列入方案,但现行限额没有给这类对象留名额:请核对限额。"
        en = "The case is ready for a plan, and the limits in force leave no place for its kind of asset: look at them."
    else:
        zh = f"个案处于{WORDS.get(state, state)}状态,没有下一步日期,也没有人在处理:请暂停并解除、恢复运行或撤销该个案。"
        en = (
            f"The case is {state}, has no date on which it moves, and nobody is called to it: hold and release it, "
            "resume or cancel it."
        )
    await casework.alarm_once(deps, conn, case, alarm_domain.UNHEARD, zh=zh, en=en)
