"""Once a business day: waiting that nobody would hear of calls a person, and what is over calls nobody any more."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from services.decommission.alarms import domain as alarms
from services.decommission.cases import next_move, store
from services.decommission.cases.domain import Subject, Taken, room
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import OTHER_ASSET, Context
from services.decommission.refusals import WORDS, BrokenChain
from services.decommission.waits import domain as waits

PAGE = 100


async def look(ctx: Context) -> None:
    """Look at every plan that waits, every case that waits, and every alarm that lasts; repeated it changes nothing."""
    await _plans(ctx)
    for rows in (QUERIES.cases_unsure, QUERIES.cases_waiting, QUERIES.alarms_lasting):
        async for case_id in _ids(ctx, rows):
            await _case(ctx, case_id)


async def _plans(ctx: Context) -> None:
    async with ctx.database.reading() as conn:
        before = waits.sealed_before(ctx.now(), ctx.zone)
        found = [row["plan_id"] async for row in QUERIES.plans_unsigned(conn, sealed_before=before)]
    for plan_id in found:
        async with ctx.database.transaction("watch_plan") as conn:
            plan = await QUERIES.plan_lock(conn, plan_id=plan_id)
            if plan["state"] == "sealed" and await _again(ctx, conn, plan_id, alarms.UNSIGNED):
                zh = f"{plan['sealed_on']} 封存的方案已 {waits.HEARD_AFTER} 天未获足够签署。"
                en = f"The plan sealed on {plan['sealed_on']} has waited {waits.HEARD_AFTER} days for its signatures."
                await store.alarm_once(conn, plan_id, alarms.UNSIGNED, zh=zh, en=en, now=ctx.now())


async def _ids(ctx: Context, rows: Callable[..., Any]) -> AsyncIterator[UUID]:
    """Case by case in the order of their ids, however many there are."""
    after: UUID | None = None
    while True:
        async with ctx.database.reading() as conn:
            page = [row["case_id"] async for row in rows(conn, after=after, max_rows=PAGE)]
        for case_id in page:
            yield case_id
        if len(page) < PAGE:
            return
        after = page[-1]


async def _case(ctx: Context, case_id: UUID) -> None:
    """What is to be done about a case's alarms, if anything is; looked at first, so that most need no lock."""
    async with ctx.database.reading() as conn:
        if not await _judged(ctx, conn, case_id, lock=False):
            return
    async with ctx.database.transaction("watch_case") as conn:
        for act in await _judged(ctx, conn, case_id, lock=True):
            await act(conn)


async def _judged(ctx: Context, conn: Connection, case_id: UUID, *, lock: bool) -> list[Callable[[Connection], Any]]:
    """What should happen to the alarms about a case as it stands now."""
    held, fault = await store.look(conn, case_id, ctx.zone, ctx.notary, lock=lock)
    subject = await store.subject(conn, held.case.asset_id)
    if fault is None and subject is not None and not subject.is_itself:
        fault = OTHER_ASSET
    lasting = await store.lasting(conn, case_id)
    if fault is not None:
        if any(row["kind"] in alarms.BROKEN for row in lasting):
            return []
        error = BrokenChain(case_id=case_id, why=fault)
        return [lambda conn: store.broken(conn, error, now=ctx.now())]
    over = [row for row in lasting if row["kind"] in alarms.BROKEN or not await _goes_on(ctx, conn, held, subject, row)]
    acts: list[Callable[[Connection], Any]] = [_end(row["alarm_id"], ctx.now()) for row in over]
    kept = {row["kind"] for row in lasting if row not in over}
    unsure = waits.unsure(held.progress, ctx.now(), ctx.zone) and waits.unanswered(held.progress, ctx.now(), ctx.zone)
    if unsure:
        acts.append(lambda conn: doubt(ctx, conn, held))
    since = held.log[-1].at if held.log else held.case.opened_at
    long = waits.over(since, ctx.now(), ctx.zone, waits.LOST_AFTER)
    if (
        long
        and not kept
        and await _for_nobody(ctx, conn, held, subject)
        and await _again(ctx, conn, case_id, alarms.UNHEARD)
    ):
        acts.append(lambda conn: _lost(ctx, conn, held))
    return acts


async def _goes_on(ctx: Context, conn: Connection, held: Held, subject: Subject | None, row: Any) -> bool:
    if row["kind"] == alarms.UNHEARD:
        return await _for_nobody(ctx, conn, held, subject)
    return alarms.lasts(row["kind"], held.progress)


def _end(alarm_id: UUID, now: datetime) -> Callable[[Connection], Any]:
    return lambda conn: store.end_alarm(conn, alarm_id, now=now)


async def _again(ctx: Context, conn: Connection, about: UUID, kind: str) -> bool:
    """Whether a wait is to be told of: one that a person has ended by hand waits anew from then on."""
    ended = await QUERIES.alarm_ended_by_hand(conn, about=about, kind=kind, itself=store.ITSELF)
    return ended is None or waits.over(ended, ctx.now(), ctx.zone)


async def _for_nobody(ctx: Context, conn: Connection, held: Held, subject: Subject | None) -> bool:
    if held.case.due_at is not None:
        return False
    plan_id = held.progress.plan_id
    plan = await QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
    altered = await store.lasting(conn, UUID(plan_id)) if plan_id else []
    return waits.for_nobody(
        held.progress, ctx.now(), ctx.zone, plan_state=None if plan is None else plan["state"],
        called=any(row["kind"] == store.ALTERED for row in altered), placed=_placed(ctx, subject),
    )  # fmt: skip


def _placed(ctx: Context, subject: Subject | None) -> bool:
    """Whether the limits leave a place for an asset on some day; one that is not known yet has none."""
    return subject is not None and ctx.limits.per_plan > 0 and room(ctx.limits, Taken(), subject.kind)


async def doubt(ctx: Context, conn: Connection, held: Held) -> None:
    """Call a person to a case, locked, about which the monitor says neither yes nor no."""
    if not await _again(ctx, conn, held.case.case_id, alarms.UNSURE):
        return
    since = held.progress.recheck.unsure_since
    zh = f"自 {since} 起复核一直没有结论:监测数据缺失或来源异常,个案停在关口前。"
    en = f"Since {since} no recheck has come to a conclusion, so the gate stays shut: look at the asset's sources."
    await store.alarm_once(conn, held, alarms.UNSURE, zh=zh, en=en, now=ctx.now())


async def _lost(ctx: Context, conn: Connection, held: Held) -> None:
    subject = await store.subject(conn, held.case.asset_id)
    state, ready = held.case.state, next_move.next_move(held.progress, ctx.now(), ctx.zone) == next_move.Plan()
    if subject is None:
        zh = "登记系统尚未告知本个案的对象,个案无法推进:请核对名录。"
        en = "The registry has not told of the case's asset, so it goes nowhere: look at the list it should be in."
    elif ready and not _placed(ctx, subject):
        zh = "个案可列入方案,但现行限额没有给这类对象留名额:请核对限额。"
        en = "The case is ready for a plan, and the limits in force leave no place for its kind of asset: look at them."
    else:
        told = WORDS.get(state, state)
        zh = f"个案处于{told}状态,没有下一步日期,也没有人在处理:请暂停并解除、恢复运行或撤销该个案。"
        en = (
            f"The case is {state}, has no date on which it moves, and nobody is called to it: hold and release it, "
            "resume or cancel it."
        )
    await store.alarm_once(conn, held, alarms.UNHEARD, zh=zh, en=en, now=ctx.now())
