"""What the monitor says of assets: findings and the answers to rechecks; one transaction each."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog

from libs.common.consumer import inbox
from libs.common.db.pool import Connection
from libs.common.events import ids
from libs.common.events.decommission import CaseOpened
from libs.common.events.envelope import Event
from libs.common.events.monitor import (
    FindingCleared,
    FindingConfirmed,
    FindingOpened,
    FindingRefuted,
    RecheckInconclusive,
)
from libs.common.security.signing import canonical, sha256
from services.decommission.assets import store as asset_store
from services.decommission.cases import casework, chain, transitions
from services.decommission.cases import store as case_store
from services.decommission.cases.entries import plan as entries
from services.decommission.cases.entries.notice import FindingAttached, Opened
from services.decommission.cases.store import Case
from services.decommission.deps import CONSUMER, Deps
from services.decommission.limits import domain as limit_domain
from services.decommission.routes.table import route_for
from services.decommission.waits import domain as wait_domain
from services.decommission.waits import usecases as wait_usecases

log = structlog.get_logger()


async def open_case(deps: Deps, event: FindingOpened, event_id: str) -> None:
    """A finding that proposes closure opens a case, or attaches to the one that is open."""
    async with deps.database.transaction("open_case") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id) or event.proposal != "closure":
            return
        await asset_store.QUERIES.asset_lock(conn, text_=str(event.asset_id))
        await take_up(deps, conn, event.asset_id, event.model_dump(mode="json"))


async def take_up(deps: Deps, conn: Connection, asset_id: UUID, evidence: dict[str, Any]) -> None:
    """A finding of a locked asset opens its next case, or attaches to the one that is open."""
    evidence = chain.stored(evidence)
    finding_id, rule = UUID(evidence["finding_id"]), evidence["rule"]
    data: dict[str, Any] = {"finding_id": str(finding_id), "rule": rule}
    data["evidence_sha256"] = sha256(canonical(evidence))
    row = await case_store.QUERIES.case_open_of(conn, asset_id=asset_id)
    if row is not None:
        case = await casework.lock_case(deps, conn, row["case_id"])
        await _attach(conn, case, finding_id, evidence)
        await casework.append(deps, conn, case, FindingAttached(**data))
        return
    ordinal = await case_store.QUERIES.case_count(conn, asset_id=asset_id) + 1
    case_id = ids.case_id(asset_id, ordinal)
    await case_store.QUERIES.case_add(
        conn,
        case_id=case_id,
        asset_id=asset_id,
        ordinal=ordinal,
        finding_id=finding_id,
        rule=rule,
        opened_at=deps.now(),
        windows=json.dumps(asdict(deps.windows)),
    )
    # In the log, where nobody can lower them afterwards, with how its days are counted.
    pinned: dict[str, Any] = {"windows": asdict(deps.windows), "zone": deps.zone.key, "days": limit_domain.CALENDAR}
    subject = await asset_store.subject(conn, asset_id)
    pinned["route"] = route_for(None if subject is None else subject.kind).pinned
    case = await casework.lock_case(deps, conn, case_id)
    case = await casework.append(deps, conn, case, Opened(**data, basis=evidence["basis"], **pinned))
    await _attach(conn, case, finding_id, evidence)
    await casework.tell(deps, conn, case, CaseOpened, finding_id=finding_id, rule=rule)


async def _attach(conn: Connection, case: Case, finding_id: UUID, evidence: dict[str, Any]) -> None:
    await case_store.QUERIES.finding_add(
        conn,
        finding_id=finding_id,
        case_id=case.row.case_id,
        evidence=json.dumps(evidence, ensure_ascii=False),
        evidence_sha256=sha256(canonical(evidence)),
    )


async def finding_cleared(deps: Deps, event: FindingCleared, event_id: str) -> None:
    """The daily sweep no longer sees it: with no other finding left, a case ends, or its stop under way is undone."""
    async with deps.database.transaction("finding_cleared") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        await asset_store.QUERIES.asset_lock(
            conn, text_=str(event.asset_id)
        )  # its finding may be on its way to the next case
        case_id = await case_store.QUERIES.finding_clear(conn, finding_id=event.finding_id)
        if case_id is None:
            return
        case = await casework.lock_case(deps, conn, case_id)
        left = [row async for row in case_store.QUERIES.findings_left(conn, case_id=case_id)]
        finding_id = str(event.finding_id)
        p = case.progress
        if not left and not p.refuted and transitions.may(p, "cleared"):
            await casework.append(deps, conn, case, entries.Cleared(finding_id=finding_id, reason=event.reason))
        elif left and p.recheck.finding_id == str(event.finding_id) and transitions.may(p, "finding_refuted"):
            # What was confirmed of it opens no gate.
            await casework.append(deps, conn, case, entries.FindingRefuted(finding_id=finding_id, reason=event.reason))


Reply = FindingConfirmed | FindingRefuted | RecheckInconclusive


ENTRY: dict[type[Event], type[entries.MonitorSays]] = {
    FindingConfirmed: entries.Confirmed,
    FindingRefuted: entries.Refuted,
    RecheckInconclusive: entries.Inconclusive,
}


async def recheck_answered(deps: Deps, event: Reply, event_id: str) -> None:
    """The monitor's answer of the very day on which it was asked; any other is no answer."""
    async with deps.database.transaction("recheck_answered") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        case = await casework.lock_case(deps, conn, event.case_id)
        says, p = ENTRY[type(event)], case.progress
        of_today = event.business_day == deps.today() == p.recheck.asked_day
        expected = of_today and str(event.request_id) == p.recheck.request_id
        expected = expected and p.recheck.finding_id in (None, str(event.finding_id))
        if not expected or p.refuted or case.row.state not in says.LEGAL_IN:
            log.info("recheck-too-late", case_id=str(event.case_id), day=str(event.business_day))
            return
        data: dict[str, Any] = {"request_id": str(event.request_id), "finding_id": str(event.finding_id)}
        data["signals"] = [signal.model_dump(mode="json") for signal in event.signals]
        if isinstance(event, FindingRefuted):
            await case_store.QUERIES.finding_clear(conn, finding_id=event.finding_id)
            if [row async for row in case_store.QUERIES.findings_left(conn, case_id=event.case_id)]:
                says = entries.FindingRefuted  # another finding of the case may still be true: ask about that one
        case = await casework.append(deps, conn, case, says(**data))
        if says is entries.Inconclusive and wait_domain.unsure(case.progress, deps.now(), deps.zone):
            await wait_usecases.doubt(deps, conn, case)
