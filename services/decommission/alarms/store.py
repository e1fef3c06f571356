"""Rows of alarms: raised once for each time that it comes to this, and ended."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.ids import derive
from services.decommission import metrics
from services.decommission.alarms.domain import OVER
from services.decommission.deps import SYSTEM

log = structlog.get_logger()
QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def raise_alarm(
    conn: Connection,
    alarm_id: UUID,
    about: UUID,
    kind: str,
    *,
    zh: str,
    en: str,
    now: datetime,
    case_id: UUID | None = None,
) -> None:
    """Call a person. An alarm that lasts is not raised again; one that has ended is, as another."""
    fields = {"case_id": case_id, "about": about, "kind": kind, "text_zh": zh, "text_en": en, "at": now}
    while not await QUERIES.alarm_add(conn, alarm_id=alarm_id, **fields):
        if (await QUERIES.alarm_lock(conn, alarm_id=alarm_id))["state"] != "ended":
            return
        alarm_id = derive("alarm", alarm_id, "again")
    metrics.ALARMS.labels(kind).inc()
    log.warning("alarm", kind=kind, case_id=str(case_id), text=en)


async def alarm_about(conn: Connection, about: UUID, kind: str, *, zh: str, en: str, now: datetime) -> None:
    """Call a person to a plan, a checkpoint or a key, by its id."""
    await raise_alarm(conn, derive("alarm", about, kind), about, kind, zh=zh, en=en, now=now)


async def alarm_about_once(conn: Connection, about: UUID, kind: str, *, zh: str, en: str, now: datetime) -> None:
    """The same, unless an alarm of the kind about it lasts; the caller holds a lock on the row it is about."""
    if kind not in [row["kind"] for row in await lasting(conn, about)]:
        await alarm_about(conn, about, kind, zh=zh, en=en, now=now)


async def lasting(conn: Connection, about: UUID) -> list[Any]:
    """The alarms about something that have not ended: alarm_id and kind of each."""
    return [row async for row in QUERIES.alarms_lasting_of(conn, about=about)]


async def end_alarm(
    conn: Connection,
    alarm_id: UUID,
    *,
    now: datetime,
    by: str = SYSTEM,
    role: str = "service",
    reason: str = OVER,
) -> None:
    """An alarm ends: by itself, or by a person's hand. One that has ended stays as it ended."""
    row = await QUERIES.alarm_lock(conn, alarm_id=alarm_id)
    if row["state"] == "ended":
        return
    await QUERIES.alarm_step(conn, alarm_id=alarm_id, step="ended", by=by, role=role, reason=reason, at=now)
    await QUERIES.alarm_state(conn, alarm_id=alarm_id, state="ended")
    log.info("alarm-ended", alarm_id=str(alarm_id), by=by)
