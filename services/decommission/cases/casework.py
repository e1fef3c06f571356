"""Working on a case: lock it, take its next step, append to its log, emit its events, call a person.

Every use case and step changes a case through here: one way to lock, and one way to write an entry.
"""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.envelope import Event
from libs.common.ids import derive
from libs.common.outbox.emit import emit
from libs.common.telemetry import traces
from services.decommission.alarms import store as alarm_store
from services.decommission.assets import store as asset_store
from services.decommission.assets.domain import Subject
from services.decommission.cases import calls, chain, next_move, states, store, transitions
from services.decommission.cases.domain import BrokenChain
from services.decommission.cases.entries.fact import Fact
from services.decommission.cases.entries.person import NeedsPerson
from services.decommission.cases.entries.plan import Unplanned
from services.decommission.cases.entries.table import applied
from services.decommission.cases.store import Case
from services.decommission.deps import SYSTEM, Deps

OTHER_ASSET = "the row of its asset names another one than its id does"


class MovedOn(Exception):
    """The step is no longer the case's next move: a hold, an answer or a cancellation came in between."""


async def lock_case(deps: Deps, conn: Connection, case_id: UUID) -> Case:
    """The case with its progress, its row locked. Raises Missing, and BrokenChain for a log that was altered."""
    return _intact(*await store.look(conn, case_id, deps.zone, deps.notary, lock=True))


async def load_case(deps: Deps, conn: Connection, case_id: UUID) -> Case:
    """The case, to be read only. Raises Missing, and BrokenChain for a log that was altered."""
    return _intact(*await store.look(conn, case_id, deps.zone, deps.notary))


def _intact(case: Case, problem: str | None) -> Case:
    """Every change passes here, so that nothing rests on an altered log: the chain is computed anew each time."""
    if problem is not None:
        raise BrokenChain(case_id=case.row.case_id, why=problem)
    return case


async def take(deps: Deps, conn: Connection, case_id: UUID, step: str) -> Case:
    """The case, locked, for a step that is its next move now, not only when it was last read. Raises MovedOn."""
    case = await lock_case(deps, conn, case_id)
    move = next_move.next_move(case.progress, deps.now(), deps.zone)
    if not isinstance(move, next_move.Do) or move.step != step:
        raise MovedOn
    return case


async def subject(conn: Connection, case: Case) -> Subject:
    """The asset of a case; steps run only for cases whose asset is known.

    Raises BrokenChain where its row names another asset than its id does: an order would go to that one.
    """
    row = await asset_store.subject(conn, case.row.asset_id)
    if row is None:
        raise LookupError(f"asset {case.row.asset_id} is not known here yet")
    if not row.is_itself:
        raise BrokenChain(case_id=case.row.case_id, why=OTHER_ASSET)
    return row


async def append(deps: Deps, conn: Connection, case: Case, fact: Fact, *, actor: str = SYSTEM) -> Case:
    """Add one entry to a locked case's log and bring its row in line. Raises IllegalEntry.

    Alarms about the case whose cause this entry ends, end.
    """
    transitions.check(case.progress, fact.KIND)
    now, content = deps.now(), chain.stored(fact.data())
    entry = chain.link(case.log, at=now, actor=actor, kind=fact.KIND, data=content)
    await store.QUERIES.log_add(
        conn,
        case_id=case.row.case_id,
        seq=entry.seq,
        at=entry.at,
        actor=actor,
        kind=fact.KIND,
        data=json.dumps(content, ensure_ascii=False),
        previous=entry.previous,
        sha256=entry.sha256,
        trace=traces.traceparent(),
    )
    after = applied(case.progress, entry)
    state = states.state_of(after)
    due = next_move.due_at(next_move.next_move(after, now, deps.zone), now)
    await store.QUERIES.case_update(
        conn,
        case_id=case.row.case_id,
        state=state,
        version=entry.seq,
        due_at=due,
        plan_id=UUID(after.plan_id) if after.plan_id else None,
    )
    for alarm_row in await alarm_store.lasting(conn, case.row.case_id):
        if calls.ended_by_entry(alarm_row["kind"], after):
            await alarm_store.end_alarm(conn, alarm_row["alarm_id"], now=now)
    row = replace(case.row, state=state, version=entry.seq, due_at=due)
    return replace(case, row=row, log=[*case.log, entry], progress=after)


async def drop(deps: Deps, conn: Connection, case: Case, why: str, *, actor: str = SYSTEM) -> Case:
    """Out of its plan and back to planning: what was sealed or approved holds no longer."""
    return await append(deps, conn, case, Unplanned(plan_id=case.progress.plan_id, why=why), actor=actor)


async def tell(deps: Deps, conn: Connection, case: Case, event: type[Event], /, **fields: Any) -> None:
    """Emit an event about the case; its version is the log's length, so each entry has at most one event of a type."""
    row, now = case.row, deps.now()
    body = event(
        case_id=row.case_id,
        asset_id=row.asset_id,
        version=row.version,
        at=now,
        log_sha256=case.log[-1].sha256,
        **fields,
    )
    await emit(conn, body, sequence=row.version, time=now)


async def call_person(
    deps: Deps, conn: Connection, case: Case, kind: str, why: str, *, zh: str, en: str | None = None, **data: Any
) -> Case:
    """The case stops until a person resumes it: `why` in its log, and an alarm in both languages, `en` or `why`."""
    case = await append(deps, conn, case, NeedsPerson(why=why, **data))
    await alarm(deps, conn, case, kind, zh=zh, en=en or why)
    return case


async def alarm(deps: Deps, conn: Connection, case: Case, kind: str, *, zh: str, en: str) -> None:
    """Call a person to a case that goes on; once for each version of it."""
    case_id = case.row.case_id
    alarm_id = derive("alarm", case_id, kind, case.row.version)
    await alarm_store.raise_alarm(conn, alarm_id, case_id, kind, case_id=case_id, zh=zh, en=en, now=deps.now())


async def alarm_once(deps: Deps, conn: Connection, case: Case, kind: str, *, zh: str, en: str) -> None:
    """The same, unless an alarm of the kind about the case lasts."""
    if kind not in [row["kind"] for row in await alarm_store.lasting(conn, case.row.case_id)]:
        await alarm(deps, conn, case, kind, zh=zh, en=en)
