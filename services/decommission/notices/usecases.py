"""Receipts and answers: what proves a notice, and what a unit says to it."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.events.decommission import CaseAnswered, CaseNoticed
from libs.common.security import signing
from libs.common.text import Text
from services.decommission.assets.domain import Subject
from services.decommission.cases import casework, transitions
from services.decommission.cases import domain as case_domain
from services.decommission.cases import store as case_store
from services.decommission.cases.entries.notice import Answered, Noticed
from services.decommission.cases.store import Case
from services.decommission.deps import Deps
from services.decommission.effects import store as effect_store
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.keys.domain import UnitKey
from services.decommission.notices import answers, domain, store
from services.decommission.notices.answers import AnsweredItself


async def proved(
    deps: Deps, conn: Any, case: Case, key: UnitKey, token: str, receipt: domain.Receipt, *, sponsor: UUID
) -> Case:
    """The unit's receipt is proof: keep it, start the unit's window, take its answer if it gave one.

    `key` was in force when the notice was sent and has signed it, `sponsor` is the unit that was told by it.
    """
    case_id = case.row.case_id
    await store.QUERIES.notice_prove(
        conn, case_id=case_id, unit_id=key.unit_id, receipt=token, public_key=json.dumps(key.public_key)
    )
    case = await casework.append(
        deps,
        conn,
        case,
        Noticed(
            notice_sha256=receipt.notice_sha256,
            unit_id=str(key.unit_id),
            sponsor_id=str(sponsor),
            received_on=receipt.received_on,
            receipt_sha256=signing.sha256(token.encode()),
            key=key.named(),
        ),
    )
    await casework.tell(deps, conn, case, CaseNoticed, notice_sha256=receipt.notice_sha256)
    if receipt.answer is not None:
        case = await answered(deps, conn, case, receipt.answer, actor=f"unit:{key.unit_id}")
    return case


async def answered(
    deps: Deps, conn: Any, case: Case, answer: answers.Answer, *, actor: str, on_behalf: bool = False
) -> Case:
    """The unit's answer moves the case. Raises IllegalEntry; a fix is too late once a plan is sealed.

    `on_behalf`: an operator gives it, who shortens no window. Raises AnsweredItself where the unit has given its own.
    """
    own = case.progress.reply is not None and not case.progress.reply.on_behalf
    if on_behalf and own and answer.answer != "keep":
        raise AnsweredItself
    if answer.answer == "fix" and case.progress.plan_id is not None:
        raise case_domain.IllegalEntry(state=case.row.state, entry="fix")
    until = answer.until.isoformat() if answer.until else None
    fact = Answered(answer=answer.answer, reason=answer.reason, until=until, on_behalf=on_behalf or None)
    case = await casework.append(deps, conn, case, fact, actor=actor)
    await casework.tell(deps, conn, case, CaseAnswered, answer=answer.answer)
    return case


async def late_receipt(deps: Deps, case_id: UUID, token: str) -> Case:
    """A unit, or the one above it, proves later that it has the notice; the same receipt again changes nothing.

    It counts by the key that was in force when the notice was sent, once that is old enough. Raises BadReceipt,
    Missing, IllegalEntry.
    """
    async with deps.database.transaction("late_receipt") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        rows = [row async for row in store.QUERIES.notices_of(conn, case_id=case_id)]
        if any(row["receipt"] == token for row in rows[-1:]):
            return case
        subject = await casework.subject(conn, case)
        sent = await _sent(conn, subject.sponsor_id, rows)
        if not sent:
            raise Missing(what=Text(f"个案 {case_id} 的通知", f"notice of case {case_id}"))
        transitions.check(case.progress, "noticed")
        row, receipt = _signed_by(sent, token, subject.asset_id, deps.today())
        key = key_store.to_key(row)
        proves_from = key.proves_from(case.row.windows.key_age_days, deps.zone)
        if proves_from is None or deps.now() < proves_from:
            raise answers.BadReceipt(field="receipt", accepted=f"from {proves_from}", why=key_domain.YOUNG)
        if row is not rows[-1]:  # the notice that is proved is the last one
            await store.QUERIES.notice_put(
                conn,
                case_id=case_id,
                body=row["body"],
                sha256=row["sha256"],
                key_unit=key.unit_id,
                key_ordinal=key.ordinal,
            )
        return await proved(deps, conn, case, key, token, receipt, sponsor=subject.sponsor_id)


async def _sent(conn: Connection, sponsor: UUID, rows: list[Any]) -> list[Any]:
    """The last notice to each key that is still in force of those that may sign for a sponsor."""
    own = await key_store.QUERIES.endpoint_for(conn, unit_id=sponsor, from_height=0)
    above = await key_store.QUERIES.endpoint_for(conn, unit_id=sponsor, from_height=1)
    signers = {(end["unit_id"], end["ordinal"]) for end in (own, above) if end is not None}
    last = {(row["unit_id"], row["ordinal"]): row for row in rows}
    return [row for which, row in last.items() if which in signers]


def _signed_by(sent: list[Any], token: str, asset_id: UUID, today: date) -> tuple[Any, domain.Receipt]:
    """The notice that a receipt is for, and what it says. Raises BadReceipt when it is for none of them."""
    refused: answers.BadReceipt | None = None
    for row in sent:
        public = json.loads(row["public_key"])
        try:
            return row, domain.read_receipt(
                token,
                public,
                notice_sha256=row["sha256"],
                asset_id=asset_id,
                sent_on=domain.sent_on(row["body"]),
                today=today,
            )
        except answers.BadReceipt as error:
            refused = refused or error
    raise refused or answers.BadReceipt(field="receipt", why="there is nobody who could have signed it")


async def text_for(deps: Deps, conn: Connection, case: Case, subject: Subject, unit_key: UnitKey | None) -> bytes:
    """The notice as it goes out now, kept with the key that is in force: the last one again, unless that is outdated.

    One that was under way to another key is left as it is: what comes of it no longer matters.
    """
    notice = await store.QUERIES.notice_get(conn, case_id=case.row.case_id)
    pending = case.progress.pending.get("notice")
    mine = (None, None) if unit_key is None else (unit_key.unit_id, unit_key.ordinal)
    same = notice is not None and (notice["key_unit"], notice["key_ordinal"]) == mine
    if pending is not None and not same:
        await effect_store.end(conn, UUID(pending), "unknown", why="another key is in force")
    if notice is not None and same and (pending is not None or not _outdated(deps, notice)):
        return str(notice["body"]).encode()
    basis = await _basis(conn, case)
    thumbprint = None if unit_key is None else unit_key.thumbprint
    body = domain.notice_of(case.row, subject, basis=basis, today=deps.today(), receipt_key=thumbprint)
    await store.QUERIES.notice_put(
        conn,
        case_id=case.row.case_id,
        body=body.decode(),
        sha256=domain.digest(body),
        key_unit=mine[0],
        key_ordinal=mine[1],
    )
    return body


def _outdated(deps: Deps, notice: Any) -> bool:
    """Whether the stored notice must be written anew: its deadline has passed, or another unit proved it."""
    return notice["receipt"] is not None or str(json.loads(notice["body"])["answer_by"]) <= deps.today().isoformat()


async def _basis(conn: Connection, case: Case) -> str:
    async for row in case_store.QUERIES.findings_of(conn, case_id=case.row.case_id):
        if row["finding_id"] == case.row.finding_id:
            return str(json.loads(row["evidence"]).get("basis", ""))
    return ""
