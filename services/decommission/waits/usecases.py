"""Calls to a person about a wait, within the transaction of its caller."""

from uuid import UUID

from libs.common.db.pool import Connection
from services.decommission.alarms import domain as alarm_domain
from services.decommission.alarms import store as alarm_store
from services.decommission.cases import casework
from services.decommission.cases.store import Case
from services.decommission.deps import SYSTEM, Deps
from services.decommission.waits import domain


async def raise_again(deps: Deps, conn: Connection, about: UUID, kind: str) -> bool:
    """Whether a wait is to be told of: one that a person has ended by hand waits anew from then on."""
    ended = await alarm_store.QUERIES.alarm_ended_by_hand(conn, about=about, kind=kind, itself=SYSTEM)
    return ended is None or domain.over(ended, deps.now(), deps.zone)


async def doubt(deps: Deps, conn: Connection, case: Case) -> None:
    """Call a person to a case, locked, about which the monitor says neither yes nor no."""
    if not await raise_again(deps, conn, case.row.case_id, alarm_domain.UNSURE):
        return
    since = case.progress.recheck.unsure_since
    zh = f"自 {since} 起复核一直没有结论:监测数据缺失或来源异常,个案停在关口前。"
    en = f"Since {since} no recheck has come to a conclusion, so the gate stays shut: look at the asset's sources."
    await casework.alarm_once(deps, conn, case, alarm_domain.UNSURE, zh=zh, en=en)
