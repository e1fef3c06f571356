"""Rows to domain and back. Takes a connection, never commits."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from libs.common.db.pool import Connection, load_queries
from libs.common.errors import Missing
from libs.common.events import ids
from libs.common.ids import derive
from libs.common.telemetry import observe
from services.decommission.alarms import domain as alarms
from services.decommission.cases import chain, next_move, states, transitions
from services.decommission.cases.case import Progress
from services.decommission.cases.chain import Entry
from services.decommission.cases.domain import Case, Subject, Windows, pinned
from services.decommission.cases.entries.table import fold
from services.decommission.checkpoints import domain as heads
from services.decommission.checkpoints.domain import Head, Notary
from services.decommission.keys.domain import UnitKey
from services.decommission.refusals import BrokenChain, zh

log = structlog.get_logger()
ALARMS = Counter("jianfu_case_alarms_total", "Times that a person was called, by why.", ["kind"])
QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
LAST_TRACES = 6
ITSELF = "jianfu"
ALTERED = "plan-altered"


@dataclass(frozen=True, slots=True)
class Held:
    """A case as it stands: its row, its log, what the log amounts to, the spans that began it and touched it last.

    Several of the last: what a person signs or answers has a trace of its own, which does not know what came before.
    """

    case: Case
    log: list[Entry]
    progress: Progress
    traces: tuple[str | None, ...] = ()


def to_case(row: Any, windows: Windows) -> Case:
    return Case(
        row["case_id"], row["asset_id"], row["ordinal"], row["finding_id"], row["rule"], row["state"], row["version"],
        row["due_at"], row["opened_at"], windows,
    )  # fmt: skip


def _windows(text: str) -> Windows | None:
    """The windows of a row; None where they are none, which only somebody beside the service can have written."""
    try:
        return pinned(json.loads(text))
    except (AttributeError, TypeError, ValueError):
        return None


async def hold(conn: Connection, case_id: UUID, zone: ZoneInfo, notary: Notary, *, lock: bool = True) -> Held:
    """A case with its progress, its row locked. Raises Missing, and BrokenChain where the log is not what was written.

    Nothing is done about a case but through here, so that nothing rests on a log that was altered: the chain is
    computed anew each time, and compared with the last head of it that was signed.
    """
    held, fault = await look(conn, case_id, zone, notary, lock=lock)
    if fault is not None:
        raise BrokenChain(case_id=case_id, why=fault)
    return held


async def look(
    conn: Connection, case_id: UUID, zone: ZoneInfo, notary: Notary, *, lock: bool = False
) -> tuple[Held, str | None]:
    """A case as it stands, for people to look at, and what is wrong with its log. Raises Missing.

    What a broken log amounts to nobody knows: it is not folded, and the state is the one that the row names.
    """
    row = await (QUERIES.case_lock if lock else QUERIES.case_get)(conn, case_id=case_id)
    if row is None:
        raise Missing(what=(f"个案 {case_id}", f"case {case_id}"))
    windows = _windows(row["windows_text"])
    case = to_case(row, windows or Windows())
    rows = [row async for row in QUERIES.log_of(conn, case_id=case_id)]
    entries = [
        Entry(r["seq"], r["at"], r["actor"], r["kind"], json.loads(r["data"]), r["previous"], r["sha256"]) for r in rows
    ]
    traces = tuple(dict.fromkeys(row["trace"] for row in rows if row["trace"]))
    touched = tuple(dict.fromkeys((*traces[:1], *traces[-LAST_TRACES:])))
    fault = chain.fault(entries, case.version) or _other_case(case, entries, whole=windows is not None)
    if fault is None:
        fault = await _not_as_signed(conn, case_id, entries, row["checkpoint_entries"], notary)
    if fault is None:
        fault = await _evidence_altered(conn, case_id, entries)
    try:
        p = fold(entries if fault is None else [], case.windows, zone)
    except (LookupError, TypeError, ValueError, AttributeError):  # it follows from itself, and no service wrote it
        p, fault = Progress(windows=case.windows, zone=zone), "its log cannot be read"
    state = states.state_of(p) if fault is None else case.state
    return Held(replace(case, state=state), entries, p, touched), fault


def _other_case(case: Case, log: list[Entry], *, whole: bool) -> str | None:
    """What is pinned to a case when it opens stands in its first entry too; one from an older service names less."""
    fixed = {"finding_id": str(case.finding_id), "rule": case.rule, "windows": asdict(case.windows)}
    opened = log[0].data if log else {}
    named = case.case_id == ids.case_id(case.asset_id, case.ordinal)  # so no row can lend its log to another asset
    alike = (
        named and isinstance(opened, dict) and all(opened.get(name, value) == value for name, value in fixed.items())
    )
    if not whole or not alike:
        return "its row is not the one that its first entry opened"
    return None


async def head_of(conn: Connection, case_id: UUID, notary: Notary) -> Head | None:
    """Where a case's log ended when that was last signed. Raises BadCheckpoint."""
    row = await QUERIES.checkpoint_of(conn, case_id=str(case_id))
    if row is None:
        return None
    found = notary.known(row["day"], row["actual"], row["signature"])
    if found is None:
        whole = await QUERIES.checkpoint_get(conn, day=row["day"])
        found = notary.read(whole["day"], whole["content"], whole["signature"])
    return found.heads[str(case_id)]


async def _not_as_signed(
    conn: Connection, case_id: UUID, log: list[Entry], noted: int, notary: Notary
) -> str | None:  # fmt: skip
    """How a log that follows from itself differs from the newest checkpoint that holds it, or None."""
    try:
        head = await head_of(conn, case_id, notary)
    except heads.BadCheckpoint as error:
        return str(error)
    if noted > (0 if head is None else head.entries):
        return "the checkpoint that holds its head is missing"
    if head is not None and not chain.extends(log, head.entries, head.last):
        return "it is not the log whose head was signed"
    return None


async def _evidence_altered(conn: Connection, case_id: UUID, log: list[Entry]) -> str | None:
    """How the evidence of a case differs from what its log recorded when it came, or None."""
    rows = [row async for row in QUERIES.findings_of(conn, case_id=case_id)]
    evidence = {str(row["finding_id"]): json.loads(row["evidence"]) for row in rows}
    hashes = {str(row["finding_id"]): row["evidence_sha256"] for row in rows}
    return chain.evidence_fault(log, evidence, hashes)


async def append(
    conn: Connection, held: Held, kind: str, data: dict[str, Any], *, now: datetime, actor: str, zone: ZoneInfo
) -> Held:
    """Add one entry to a locked case's log and bring its row in line. Raises IllegalEntry.

    Alarms about the case whose cause is over by this entry end.
    """
    transitions.check(held.progress, kind)
    data = chain.stored(data)
    entry = chain.link(held.log, at=now, actor=actor, kind=kind, data=data)
    await QUERIES.log_add(
        conn, case_id=held.case.case_id, seq=entry.seq, at=entry.at, actor=actor, kind=kind,
        data=json.dumps(data, ensure_ascii=False), previous=entry.previous, sha256=entry.sha256,
        trace=observe.traceparent(),
    )  # fmt: skip
    entries = [*held.log, entry]
    after = fold(entries, held.case.windows, zone)
    state, due = states.state_of(after), next_move.due_at(next_move.next_move(after, now, zone), now)
    plan_id = UUID(after.plan_id) if after.plan_id else None
    await QUERIES.case_update(
        conn, case_id=held.case.case_id, state=state, version=entry.seq, due_at=due, plan_id=plan_id
    )
    for row in await lasting(conn, held.case.case_id):
        if alarms.moved(row["kind"], after):
            await end_alarm(conn, row["alarm_id"], now=now)
    fields = asdict(held.case) | {"state": state, "version": entry.seq, "due_at": due, "windows": held.case.windows}
    return Held(Case(**fields), entries, after, held.traces)


def to_key(row: Any) -> UnitKey:
    """A unit's key from a row of `unit_key_states`, its public_key as text."""
    fields = {name: row[name] for name in UnitKey.__dataclass_fields__}
    return UnitKey(**fields | {"public_key": json.loads(row["public_key"])})


async def subject(conn: Connection, asset_id: UUID) -> Subject | None:
    row = await QUERIES.subject_get(conn, asset_id=asset_id)
    return None if row is None else Subject(**dict(row))


async def alarm(conn: Connection, about: Held | UUID, kind: str, *, zh: str, en: str, now: datetime) -> None:
    """Call a person to a case, or to a plan by its id; once for each time that it comes to this."""
    if isinstance(about, Held):
        case_id, which = about.case.case_id, derive("alarm", about.case.case_id, kind, about.case.version)
        await _raise(conn, which, case_id, case_id, kind, zh=zh, en=en, now=now)
    else:
        await _raise(conn, derive("alarm", about, kind), about, None, kind, zh=zh, en=en, now=now)


async def alarm_once(conn: Connection, about: Held | UUID, kind: str, *, zh: str, en: str, now: datetime) -> None:
    """The same, unless an alarm of the kind about it lasts; who raises it holds the row of what it is about."""
    which = about.case.case_id if isinstance(about, Held) else about
    if kind not in [row["kind"] for row in await lasting(conn, which)]:
        await alarm(conn, about, kind, zh=zh, en=en, now=now)


async def broken(conn: Connection, error: BrokenChain, *, now: datetime) -> None:
    """Call a person to a case whose log is not what was written; once for each fault of it."""
    case_id, why = error.case_id, error.why
    text_zh = f"个案日志已被改动,不再执行任何操作:{zh(why)}"
    en = f"The log of the case was altered, nothing is done about it: {why}"
    which = derive("alarm", case_id, "chain-broken", why)
    await _raise(conn, which, case_id, case_id, "chain-broken", zh=text_zh, en=en, now=now)


async def _raise(
    conn: Connection, which: UUID, about: UUID, case_id: UUID | None, kind: str, *, zh: str, en: str, now: datetime
) -> None:
    """One that lasts is not raised again; one that has ended is, as another."""
    told = {"case_id": case_id, "about": about, "kind": kind, "text_zh": zh, "text_en": en, "at": now}
    while not await QUERIES.alarm_add(conn, alarm_id=which, **told):
        if (await QUERIES.alarm_lock(conn, alarm_id=which))["state"] != "ended":
            return
        which = derive("alarm", which, "again")
    ALARMS.labels(kind).inc()
    log.warning("alarm", kind=kind, case_id=str(case_id), text=en)


async def lasting(conn: Connection, about: UUID) -> list[Any]:
    """The alarms about something that have not ended: alarm_id and kind of each."""
    return [row async for row in QUERIES.alarms_lasting_of(conn, about=about)]


async def end_alarm(
    conn: Connection,
    alarm_id: UUID,
    *,
    now: datetime,
    by: str = ITSELF,
    role: str = "service",
    reason: str = alarms.OVER,
) -> None:
    """An alarm ends: by itself, or by a person's hand. One that has ended stays as it ended."""
    held = await QUERIES.alarm_lock(conn, alarm_id=alarm_id)
    if held["state"] == "ended":
        return
    await QUERIES.alarm_step(conn, alarm_id=alarm_id, step="ended", by=by, role=role, reason=reason, at=now)
    await QUERIES.alarm_state(conn, alarm_id=alarm_id, state="ended")
    log.info("alarm-ended", alarm_id=str(alarm_id), by=by)


async def plan_moves(conn: Connection, plan_id: UUID, state: str, *, now: datetime) -> None:
    """A locked plan comes to another state; what called people to the one before is over."""
    await QUERIES.plan_state(conn, plan_id=plan_id, state=state)
    over = {alarms.UNSIGNED} | (set() if state == "altered" else {ALTERED})
    for row in await lasting(conn, plan_id):
        if row["kind"] in over:
            await end_alarm(conn, row["alarm_id"], now=now)
