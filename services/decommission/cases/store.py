"""Rows to domain and back. Takes a connection, never commits."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.errors import Missing
from libs.common.events import ids
from libs.common.ids import derive
from libs.common.text import Text
from services.decommission.alarms.store import raise_alarm
from services.decommission.cases import chain, states
from services.decommission.cases.case import Progress
from services.decommission.cases.chain import Entry
from services.decommission.cases.domain import BrokenChain, CaseRow
from services.decommission.cases.entries.table import fold
from services.decommission.heads import domain as head_domain
from services.decommission.heads.domain import Notary
from services.decommission.heads.store import head_of
from services.decommission.limits.domain import Windows, pinned
from services.decommission.reasons import zh

log = structlog.get_logger()
QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
LAST_TRACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as it stands: its row, its log, what the log amounts to, the spans that began it and touched it last.

    Several of the last: what a person signs or answers has a trace of its own, which does not know what came before.
    """

    row: CaseRow
    log: list[Entry]
    progress: Progress
    traces: tuple[str | None, ...] = ()


def to_row(row: Any, windows: Windows) -> CaseRow:
    """The row of a case, with the windows that are pinned to it."""
    fields = {name: row[name] for name in CaseRow.__dataclass_fields__ if name != "windows"}
    return CaseRow(**fields, windows=windows)


def _windows(text: str) -> Windows | None:
    """The windows of a row; None where they are none, which only somebody beside the service can have written."""
    try:
        return pinned(json.loads(text))
    except (AttributeError, TypeError, ValueError):
        return None


async def look(
    conn: Connection, case_id: UUID, zone: ZoneInfo, notary: Notary, *, lock: bool = False
) -> tuple[Case, str | None]:
    """A case as it stands, for people to look at, and what is wrong with its log. Raises Missing.

    What a broken log amounts to nobody knows: it is not folded, and the state is the one that the row names.
    """
    row = await (QUERIES.case_lock if lock else QUERIES.case_get)(conn, case_id=case_id)
    if row is None:
        raise Missing(what=Text(f"个案 {case_id}", f"case {case_id}"))
    windows = _windows(row["windows_text"])
    found = to_row(row, windows or Windows())
    rows = [row async for row in QUERIES.log_of(conn, case_id=case_id)]
    entries = [
        Entry(r["seq"], r["at"], r["actor"], r["kind"], json.loads(r["data"]), r["previous"], r["sha256"]) for r in rows
    ]
    traces = tuple(dict.fromkeys(row["trace"] for row in rows if row["trace"]))
    touched = tuple(dict.fromkeys((*traces[:1], *traces[-LAST_TRACES:])))
    problem = chain.problem(entries, found.version) or _other_case(found, entries, whole=windows is not None)
    if problem is None:
        problem = await _not_as_signed(conn, case_id, entries, row["checkpoint_entries"], notary)
    if problem is None:
        problem = await _evidence_altered(conn, case_id, entries)
    try:
        p = fold(entries if problem is None else [], found.windows, zone)
    except (LookupError, TypeError, ValueError, AttributeError):  # it follows from itself, and no service wrote it
        p, problem = Progress(windows=found.windows, zone=zone), "its log cannot be read"
    state = states.state_of(p) if problem is None else found.state
    return Case(row=replace(found, state=state), log=entries, progress=p, traces=touched), problem


def _other_case(case: CaseRow, log: list[Entry], *, whole: bool) -> str | None:
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


async def _not_as_signed(conn: Connection, case_id: UUID, log: list[Entry], noted: int, notary: Notary) -> str | None:
    """How a log that follows from itself differs from the newest checkpoint that holds it, or None."""
    try:
        head = await head_of(conn, case_id, notary)
    except head_domain.BadCheckpoint as error:
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
    return chain.evidence_problem(log, evidence, hashes)


async def broken(conn: Connection, error: BrokenChain, *, now: datetime) -> None:
    """Call a person to a case whose log is not what was written; once for each fault of it."""
    case_id, why = error.case_id, error.why
    text_zh = f"个案日志已被改动,不再执行任何操作:{zh(why)}"
    en = f"The log of the case was altered, nothing is done about it: {why}"
    which = derive("alarm", case_id, "chain-broken", why)
    await raise_alarm(conn, which, case_id, "chain-broken", case_id=case_id, zh=text_zh, en=en, now=now)


async def signers(conn: Connection, plan_id: UUID | str | None) -> list[str]:
    """Who has signed a plan; nobody where there is none."""
    if plan_id is None:
        return []
    return [row["approver"] async for row in QUERIES.plan_signers(conn, plan_id=UUID(str(plan_id)))]
