"""Stop an asset through its connector, with every gate judged once more; and restore it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseStopped
from services.decommission import reasons
from services.decommission.archives import contents
from services.decommission.archives import store as archive_store
from services.decommission.archives.store import ArchiveFailed
from services.decommission.assets.domain import Subject
from services.decommission.calls.domain import Accepted, Outcome
from services.decommission.cases import casework
from services.decommission.cases.casework import MovedOn
from services.decommission.cases.entries.plan import SlotMissed
from services.decommission.cases.entries.table import read
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.connectors.domain import Connector, Order, Purpose, Reach
from services.decommission.controls.usecases import require_switch
from services.decommission.deps import Deps
from services.decommission.effects.domain import Attempt, Conclusion, Prepared, settle
from services.decommission.effects.usecases import perform
from services.decommission.gates import domain as gate_domain
from services.decommission.gates import store as gate_store
from services.decommission.gates.domain import Package, Shut
from services.decommission.probes import types as probe_types
from services.decommission.probes.domain import Alive, Unclear
from services.decommission.steps import archive

AGAIN = timedelta(minutes=1)  # until an order to restore that gave way is repeated for the first time
GIVES_WAY = 6  # times in a row, until it is repeated a day later like any other

Given = tuple[Connector, Order]  # what an order is given through, and the order


async def do(deps: Deps, case_id: UUID) -> None:
    """Stop the asset; the target's answer is recorded, and is no proof."""
    if not await _seen_alive(deps, case_id):
        return
    package = await _read_back(deps, case_id)

    async def prepare(conn: Connection, case: Case) -> Prepared[Given] | None:
        subject = await casework.subject(conn, case)
        evidence = await gate_store.gate_evidence(deps, conn, case, subject, package=package)
        verdict = gate_domain.stop(evidence, deps.today())
        if isinstance(verdict, Shut):
            await _react(deps, conn, case, verdict)
            return None
        reach = await connector_store.reach(conn, subject.platform)
        if reach is None:
            await _no_connector(deps, conn, case, subject.platform)
            return None
        if not await _seen_under(conn, case, reach):
            raise MovedOn  # the address to look at was changed a moment ago
        return _prepared("stop", case, subject, reach)

    async def stopped(conn: Connection, case: Case) -> None:
        await casework.tell(deps, conn, case, CaseStopped)

    await perform(
        deps,
        case_id,
        "stop",
        begin="start_stop",
        end="finish_stop",
        prepare=prepare,
        call=partial(_give, deps),
        conclude=partial(_concluded, deps, "stop", accepted=stopped),
    )


async def undo(deps: Deps, case_id: UUID) -> None:
    """Bring the asset back through the same connector; whether it is back, a probe will see."""

    async def prepare(conn: Connection, case: Case) -> Prepared[Given] | None:
        subject = await casework.subject(conn, case)
        reach = await connector_store.reach(conn, subject.platform)
        if reach is None:
            await _no_connector(deps, conn, case, subject.platform)
            return None
        return _prepared("restore", case, subject, reach)

    async def not_restored(conn: Connection, case: Case, why: str) -> None:
        zh, en = f"恢复失败:{reasons.zh(why)}", f"The restore failed: {why}"
        await casework.alarm(deps, conn, case, "restore", zh=zh, en=en)

    await perform(
        deps,
        case_id,
        "restore",
        begin="start_restore",
        end="finish_restore_call",
        prepare=prepare,
        call=partial(_give, deps),
        conclude=partial(_concluded, deps, "restore", not_accepted=not_restored, repeat=partial(_again, deps)),
    )


def _again(deps: Deps, case: Case) -> datetime | None:
    """When an order is repeated that gave way to another; None where it did so again and again, for then a day passes.

    Twice as late each time: no two orders to a target that hangs break each other off for ever.
    """
    before = case.progress.restore.gave_way
    return deps.now() + AGAIN * 2**before if before < GIVES_WAY else None


def _prepared(purpose: Purpose, case: Case, subject: Subject, reach: Reach) -> Prepared[Given]:
    order = Order(
        purpose=purpose,
        case_id=case.row.case_id,
        asset_id=case.row.asset_id,
        platform=subject.platform,
        identity=subject.identity,
    )
    return Prepared(order=(reach.connector, order), honours_keys=reach.honours_keys)


async def _give(deps: Deps, attempt: Attempt[Given]) -> Outcome:
    connector, order = attempt.order
    return await connector.carry_out(deps, order, key=attempt.key, at=deps.now())


def _concluded(
    deps: Deps,
    step: Purpose,
    attempt: Attempt[Given],
    outcome: Outcome,
    *,
    accepted: Callable[[Connection, Case], Awaitable[None]] | None = None,
    not_accepted: Callable[[Connection, Case, str], Awaitable[None]] | None = None,
    repeat: Callable[[Case], datetime | None] | None = None,
) -> Conclusion:
    """What is written of an order: that the target accepted it, refused it, or has left it open.

    `repeat` says when an order that gave way to another is given again; without it not on the same day.
    """
    why = "" if isinstance(outcome, Accepted) else outcome.why

    async def after(conn: Connection, case: Case) -> None:
        if isinstance(outcome, Accepted) and accepted is not None:
            await accepted(conn, case)
        if not isinstance(outcome, Accepted) and not_accepted is not None:
            await not_accepted(conn, case, why)

    async def write(conn: Connection, case: Case, *, kind: str, **data: Any) -> None:
        if not isinstance(outcome, Accepted) and outcome.gave_way and repeat is not None:
            until = repeat(case)
            data |= {} if until is None else {"until": until.isoformat()}
        await after(conn, await casework.append(deps, conn, case, read(f"{step}_{kind}", data)))

    match settle(outcome, repeated=attempt.repeated, honours_keys=attempt.honours_keys):
        case "accepted":
            accepted_as = partial(write, kind="accepted", status=outcome.status)
            return Conclusion(state="done", result={"status": outcome.status}, write=accepted_as)
        case "failed":
            return Conclusion(state="failed", result={"why": why}, write=partial(write, kind="failed", why=why))
        case "open":
            return Conclusion(state="started", write=partial(write, kind="unanswered", why=why))
    return Conclusion(state="unknown", ask_person=True, write=after)


async def _seen_alive(deps: Deps, case_id: UUID) -> bool:
    """Whether the page is seen where it will be looked for after the stop; looks when nobody has, and calls a person.

    Else a mistake in the address would make every account that lives on "verified gone".
    """
    async with deps.database.reading() as conn:
        case = await casework.load_case(deps, conn, case_id)
        subject = await casework.subject(conn, case)
        reach = await connector_store.reach(conn, subject.platform)
        if reach is None or await _seen_under(conn, case, reach):
            return True
        await require_switch(deps, conn)
    look = await probe_types.of(reach.probe_url, subject).look(deps)
    if isinstance(look, Unclear) and look.gave_way:
        raise MovedOn  # it is looked again
    async with deps.database.transaction("record_probe") as conn:
        case = await casework.take(deps, conn, case_id, "stop")
        if isinstance(look, Alive):
            await archive_store.QUERIES.archive_seen(conn, case_id=case_id, seen_under=reach.probe_revision)
            return True
        await archive.gone_before(deps, conn, case, look, reach.probe_revision)
        return False


async def _seen_under(conn: Connection, case: Case, reach: Reach) -> bool:
    """Whether the page was seen alive under the probe's address as it is now, or a person has answered for it.

    After an order that may have been carried out it is too late to look: the page may be gone for that reason.
    """
    kept = await archive_store.QUERIES.archive_get(conn, case_id=case.row.case_id)
    seen = kept is not None and kept["seen_under"] == reach.probe_revision
    unseen = (entry.data.get("unseen") for entry in case.log if entry.kind == "needs_person")
    return seen or case.progress.stop.ordered or reach.probe_revision in unseen


async def _read_back(deps: Deps, case_id: UUID) -> Package:
    """The archive package as it is now."""
    async with deps.database.reading() as conn:
        subject = await casework.subject(conn, await casework.load_case(deps, conn, case_id))
    try:
        sha256, checks = await deps.archive.check(case_id, contents.of(subject.kind).EXPECTED)
    except ArchiveFailed:
        sha256, checks = "", {}
    return Package(sha256=sha256, checks=checks)


async def _react(deps: Deps, conn: Connection, case: Case, shut: Shut) -> None:
    """What is done about a gate that is shut."""
    match shut.reaction:
        case "wait":
            return
        case "archive":
            await archive.failed(deps, conn, case, shut.reason)
        case "miss":
            await casework.append(deps, conn, case, SlotMissed(day=deps.today().isoformat()))
        case "call_person":
            zh = f"方案已被改动,停止执行:{reasons.zh(shut.reason)}"
            en = f"The plan has been altered, nothing is executed: {shut.reason}"
            why = f"plan altered: {shut.reason}"
            await casework.call_person(deps, conn, case, "plan-altered", why, zh=zh, en=en)
        case "replan":
            await casework.drop(deps, conn, case, shut.reason)


async def _no_connector(deps: Deps, conn: Connection, case: Case, platform: str) -> None:
    why = f"no connector is set for the platform {platform}"
    await casework.call_person(deps, conn, case, "no-connector", why, zh=f"平台 {platform} 未配置连接器。")
