"""Rows to domain and back. Takes a connection, never commits."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from libs.common import observe
from libs.common.db import Connection, load_queries
from libs.common.errors import Missing
from libs.common.ids import derive
from services.decommission import chain, progress, saga, states
from services.decommission.chain import Entry
from services.decommission.domain import Case, Subject, Windows
from services.decommission.progress import Progress

log = structlog.get_logger()
ALARMS = Counter("jianfu_case_alarms_total", "Times that a person was called, by why.", ["kind"])
QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
LAST_TRACES = 6


@dataclass(frozen=True, slots=True)
class Held:
    """A case as it stands: its row, its log, what the log amounts to, the spans that began it and touched it last.

    Several of the last: what a person signs or answers has a trace of its own, which does not know what came before.
    """

    case: Case
    log: list[Entry]
    progress: Progress
    traces: tuple[str | None, ...] = ()


def to_case(row: Any) -> Case:
    return Case(
        row["case_id"], row["asset_id"], row["ordinal"], row["finding_id"], row["rule"], row["state"], row["version"],
        row["due_at"], row["opened_at"], Windows(**json.loads(row["windows_text"])),
    )  # fmt: skip


async def hold(conn: Connection, case_id: UUID, zone: ZoneInfo, *, lock: bool = True) -> Held:
    """A case with its progress, its row locked. Raises Missing."""
    row = await (QUERIES.case_lock if lock else QUERIES.case_get)(conn, case_id=case_id)
    if row is None:
        raise Missing(what=f"case {case_id}")
    case = to_case(row)
    rows = [row async for row in QUERIES.log_of(conn, case_id=case_id)]
    entries = [
        Entry(r["seq"], r["at"], r["actor"], r["kind"], json.loads(r["data"]), r["previous"], r["sha256"]) for r in rows
    ]
    traces = tuple(dict.fromkeys(row["trace"] for row in rows if row["trace"]))
    touched = tuple(dict.fromkeys((*traces[:1], *traces[-LAST_TRACES:])))
    return Held(case, entries, progress.fold(entries, case.windows, zone), touched)


async def append(
    conn: Connection, held: Held, kind: str, data: dict[str, Any], *, now: datetime, actor: str, zone: ZoneInfo
) -> Held:
    """Add one entry to a locked case's log and bring its row in line. Raises IllegalEntry."""
    states.check(held.progress, kind)
    entry = chain.link(held.log, at=now, actor=actor, kind=kind, data=data)
    await QUERIES.log_add(
        conn, case_id=held.case.case_id, seq=entry.seq, at=entry.at, actor=actor, kind=kind,
        data=json.dumps(data, ensure_ascii=False), previous=entry.previous, sha256=entry.sha256,
        trace=observe.traceparent(),
    )  # fmt: skip
    entries = [*held.log, entry]
    after = progress.fold(entries, held.case.windows, zone)
    state, due = states.state_of(after), saga.due_at(saga.next_move(after, now, zone), now)
    await QUERIES.case_update(conn, case_id=held.case.case_id, state=state, version=entry.seq, due_at=due)
    fields = asdict(held.case) | {"state": state, "version": entry.seq, "due_at": due, "windows": held.case.windows}
    return Held(Case(**fields), entries, after, held.traces)


async def subject(conn: Connection, asset_id: UUID) -> Subject | None:
    row = await QUERIES.subject_get(conn, asset_id=asset_id)
    return None if row is None else Subject(**dict(row))


async def alarm(conn: Connection, about: Held | UUID, kind: str, *, zh: str, en: str, now: datetime) -> None:
    """Call a person to a case, or to a plan by its id; once for each time that it comes to this."""
    if isinstance(about, Held):
        case_id, which = about.case.case_id, derive("alarm", about.case.case_id, kind, about.case.version)
    else:
        case_id, which = None, derive("alarm", about, kind)
    if await QUERIES.alarm_add(conn, alarm_id=which, case_id=case_id, kind=kind, text_zh=zh, text_en=en, at=now):
        ALARMS.labels(kind).inc()
        log.warning("alarm", kind=kind, case_id=str(case_id), text=en)
