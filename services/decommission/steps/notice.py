"""Tell the unit, and have its signed receipt: a plain 200 is no proof."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common import days
from libs.common.events.decommission import CaseUndelivered
from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import reasons
from services.decommission.assets import domain as asset_domain
from services.decommission.calls import client
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.effects import store as effect_store
from services.decommission.effects import usecases as effect_usecases
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.keys.domain import UnitKey
from services.decommission.notices import answers
from services.decommission.notices import domain as notice_domain
from services.decommission.notices import store as notice_store
from services.decommission.notices import usecases as notice_usecases


async def do(deps: Deps, case_id: UUID) -> None:
    """Send the notice once more and record proof, or that there is none.

    The last attempt goes to the unit above, where there is one with an endpoint: its receipt is proof as well.
    """
    async with deps.database.transaction("start_notice") as conn:
        case = await casework.take(deps, conn, case_id, "notice")
        subject = await casework.subject(conn, case)
        endpoint = await endpoint_of(conn, case, subject)
        unit_key = None if endpoint is None else key_store.to_key(endpoint)
        body = await _text(deps, conn, case, subject, unit_key)
        honours = endpoint is None or endpoint["honours_keys"]
        more = {} if unit_key is None else {"unit_key": unit_key.thumbprint}
        case, key = await effect_usecases.begin(deps, conn, case, "notice", honours_keys=honours, **more)
        absent = await _absent(conn, subject.sponsor_id) if unit_key is None else ""
    if key is None:
        return
    if unit_key is None:
        await _undelivered(deps, case_id, key, "failed", absent)
        return
    crashpoints.point("decommission.notice.before-effect")
    url, at = unit_key.url, deps.now()
    sent = await client.send(deps.egress, deps.signing_key, url, body, purpose="notice", effect=key, at=at)
    crashpoints.point("decommission.notice.after-effect")
    if not sent.accepted:
        await _undelivered(deps, case_id, key, "failed" if sent.outcome == "refused" else "unknown", sent.why())
        return
    try:
        token = _receipt_of(sent.body)
        receipt = notice_domain.read_receipt(
            token,
            unit_key.public_key,
            notice_sha256=signing.sha256(body),
            asset_id=subject.asset_id,
            sent_on=notice_domain.sent_on(body),
            today=deps.today(),
        )
    except answers.BadReceipt as error:
        await _undelivered(deps, case_id, key, "done", error.text("en"))
        return
    proves_from = unit_key.proves_from(case.row.windows.key_age_days, deps.zone)
    if proves_from is None or deps.now() < proves_from:
        await _undelivered(deps, case_id, key, "done", key_domain.YOUNG, until=proves_from)
        return
    async with deps.database.transaction("prove_notice") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        await effect_store.end(conn, key, "done")
        if _awaited(case, key):
            await notice_usecases.proved(deps, conn, case, unit_key, token, receipt, sponsor=subject.sponsor_id)


def _awaited(case: Case, key: UUID) -> bool:
    """Whether the case still waits for what came of this attempt: no receipt was faster, and no other key has come."""
    return case.progress.noticed_at is None and case.progress.pending.get("notice") == str(key)


async def _text(deps: Deps, conn: Any, case: Case, subject: asset_domain.Subject, unit_key: UnitKey | None) -> bytes:
    """The notice as it goes out now, kept with the key that is in force: the last one again, unless that is outdated.

    One that was under way to another key is left as it is: what comes of it no longer matters.
    """
    notice = await notice_store.QUERIES.notice_get(conn, case_id=case.row.case_id)
    pending = case.progress.pending.get("notice")
    mine = (None, None) if unit_key is None else (unit_key.unit_id, unit_key.ordinal)
    same = notice is not None and (notice["key_unit"], notice["key_ordinal"]) == mine
    if pending is not None and not same:
        await effect_store.end(conn, UUID(pending), "unknown", why="another key is in force")
    if notice is not None and same and (pending is not None or not _out_of_date(deps, notice)):
        return str(notice["body"]).encode()
    body = _body(deps, case, subject, await _basis(conn, case), unit_key)
    await notice_store.QUERIES.notice_put(
        conn,
        case_id=case.row.case_id,
        body=body.decode(),
        sha256=signing.sha256(body),
        key_unit=mine[0],
        key_ordinal=mine[1],
    )
    return body


def _out_of_date(deps: Deps, notice: Any) -> bool:
    """Whether a notice names a day that has come, or was another unit's."""
    return notice["receipt"] is not None or str(json.loads(notice["body"])["answer_by"]) <= deps.today().isoformat()


async def _absent(conn: Any, unit_id: UUID) -> str:
    proposed = [row async for row in key_store.QUERIES.unit_keys_of(conn, unit_id=unit_id)]
    return key_domain.NOT_IN_FORCE if proposed else "the unit has no endpoint"


async def endpoint_of(conn: Any, case: Case, subject: asset_domain.Subject) -> Any | None:
    """Where the next attempt of a case's notice goes; None where there is nowhere."""
    attempts = case.row.windows.notice_attempts
    if attempts > 1 and case.progress.attempts + 1 >= attempts:
        above = await key_store.QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=1)
        if above is not None:
            return above
    return await key_store.QUERIES.endpoint_for(conn, unit_id=subject.sponsor_id, from_height=0)


async def _undelivered(
    deps: Deps, case_id: UUID, key: UUID, effect: str, why: str, *, until: datetime | None = None
) -> None:
    """There is no proof; `until`: there can be none before."""
    async with deps.database.transaction("notice_undelivered") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        await effect_store.end(conn, key, effect, why=why)
        if not _awaited(case, key):
            return
        more = {} if until is None else {"until": until.isoformat()}
        case = await casework.append(
            deps, conn, case, "undelivered", why=why, attempt=case.progress.attempts + 1, **more
        )
        await casework.tell(deps, conn, case, CaseUndelivered, why=why)
        if case.row.state == "undelivered":
            zh, en = f"通知未能送达:{reasons.zh(why)}", f"The notice could not be delivered: {why}"
            await casework.alarm(deps, conn, case, "undelivered", zh=zh, en=en)


def _receipt_of(body: bytes) -> str:
    try:
        token = json.loads(body)["receipt"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise answers.BadReceipt(
            field="receipt", accepted="a receipt signed by the unit", why="there is none"
        ) from None
    return str(token)


async def _basis(conn: Any, case: Case) -> str:
    async for row in case_store.QUERIES.findings_of(conn, case_id=case.row.case_id):
        if row["finding_id"] == case.row.finding_id:
            return str(json.loads(row["evidence"]).get("basis", ""))
    return ""


def _body(deps: Deps, case: Case, subject: asset_domain.Subject, basis: str, unit_key: UnitKey | None) -> bytes:
    today, windows = deps.today(), case.row.windows
    answer_by = days.later(today, windows.answer_days)
    least = min(windows.min_answer_days, windows.answer_days)
    return notice_domain.notice_text(
        case.row,
        subject,
        basis=basis,
        today=today,
        answer_by=answer_by,
        stop_from=days.later(answer_by, windows.announce_days),
        answered_from=days.later(today, least + windows.announce_days),
        receipt_key=None if unit_key is None else unit_key.thumbprint,
    )
