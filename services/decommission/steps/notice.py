"""Tell the unit, and have its signed receipt: that the call was accepted is no proof."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseUndelivered
from services.decommission import reasons
from services.decommission.assets.domain import Subject
from services.decommission.calls.domain import Accepted, Refused
from services.decommission.cases import casework
from services.decommission.cases.entries import notice as entries
from services.decommission.cases.store import Case
from services.decommission.channels import types as channel_types
from services.decommission.deps import Deps
from services.decommission.effects.domain import Attempt, Conclusion, Prepared, State
from services.decommission.effects.usecases import perform
from services.decommission.keys import domain as key_domain
from services.decommission.keys import store as key_store
from services.decommission.keys.domain import UnitKey
from services.decommission.notices import domain as notice_domain
from services.decommission.notices import store as notice_store
from services.decommission.notices import usecases as notice_usecases
from services.decommission.notices.answers import BadReceipt
from services.decommission.notices.domain import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice as it goes out: to the address of a key, or to nobody, and then why. `key_age_days` is the window."""

    subject: Subject
    body: bytes
    unit_key: UnitKey | None
    absent: str
    key_age_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The receipt that came back, and its text."""

    token: str
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """There is no proof, how the attempt ends, and why. `until`: there can be none before."""

    state: State
    why: str
    until: datetime | None = None


async def do(deps: Deps, case_id: UUID) -> None:
    """Send the notice once more and record proof, or that there is none.

    The last attempt goes to the unit above, where there is one with an endpoint: its receipt is proof as well.
    """
    await perform(
        deps,
        case_id,
        "notice",
        begin="start_notice",
        end={Proved: "prove_notice", Undelivered: "notice_undelivered"},
        prepare=partial(_prepare, deps),
        call=partial(_deliver, deps),
        conclude=partial(_concluded, deps),
    )


async def _prepare(deps: Deps, conn: Connection, case: Case) -> Prepared[Notice]:
    subject = await casework.subject(conn, case)
    endpoint = await notice_store.endpoint_of(conn, case, subject)
    unit_key = None if endpoint is None else key_store.to_key(endpoint)
    body = await notice_usecases.text_for(deps, conn, case, subject, unit_key)
    return Prepared(
        order=Notice(
            subject=subject,
            body=body,
            unit_key=unit_key,
            absent=await _absent(conn, subject.sponsor_id) if unit_key is None else "",
            key_age_days=case.row.windows.key_age_days,
        ),
        honours_keys=endpoint is None or endpoint["honours_keys"],
        entry={} if unit_key is None else {"unit_key": unit_key.thumbprint},
    )


async def _absent(conn: Connection, unit_id: UUID) -> str:
    proposed = await key_store.history(conn, unit_id)
    return key_domain.NOT_IN_FORCE if proposed else "the unit has no endpoint"


async def _deliver(deps: Deps, attempt: Attempt[Notice]) -> Proved | Undelivered:
    """Deliver the notice and read the receipt that comes back."""
    notice = attempt.order
    if notice.unit_key is None:
        return Undelivered(state="failed", why=notice.absent)
    url = notice.unit_key.url
    outcome = await channel_types.of(url).deliver(
        deps, url, notice.body, purpose="notice", key=attempt.key, at=deps.now()
    )
    if not isinstance(outcome, Accepted):
        return Undelivered(state="failed" if isinstance(outcome, Refused) else "unknown", why=outcome.why)
    try:
        token = _receipt_of(outcome.body)
        receipt = notice_domain.read_receipt(
            token,
            notice.unit_key.public_key,
            notice_sha256=notice_domain.digest(notice.body),
            asset_id=notice.subject.asset_id,
            sent_on=notice_domain.sent_on(notice.body),
            today=deps.today(),
        )
    except BadReceipt as error:
        return Undelivered(state="done", why=error.text.en)
    proves_from = notice.unit_key.proves_from(notice.key_age_days, deps.zone)
    if proves_from is None or deps.now() < proves_from:
        return Undelivered(state="done", why=key_domain.YOUNG, until=proves_from)
    return Proved(token=token, receipt=receipt)


def _receipt_of(body: bytes) -> str:
    try:
        token = json.loads(body)["receipt"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadReceipt(field="receipt", accepted="a receipt signed by the unit", why="there is none") from None
    return str(token)


def _concluded(deps: Deps, attempt: Attempt[Notice], outcome: Proved | Undelivered) -> Conclusion:
    """Proof moves the case on; without it the notice is repeated, and in the end a person is called."""
    notice = attempt.order
    if isinstance(outcome, Proved):
        proof, key = outcome, notice.unit_key

        async def proved(conn: Connection, case: Case) -> None:
            if key is not None and _awaited(case, attempt.key):
                sponsor = notice.subject.sponsor_id
                await notice_usecases.proved(deps, conn, case, key, proof.token, proof.receipt, sponsor=sponsor)

        return Conclusion(state="done", write=proved)
    lacking = outcome

    async def undelivered(conn: Connection, case: Case) -> None:
        if _awaited(case, attempt.key):
            await _undelivered(deps, conn, case, lacking)

    return Conclusion(state=lacking.state, result={"why": lacking.why}, write=undelivered)


def _awaited(case: Case, key: UUID) -> bool:
    """Whether the case still waits for what came of this attempt: no receipt was faster, and no other key has come."""
    return case.progress.notice is None and case.progress.pending.get("notice") == str(key)


async def _undelivered(deps: Deps, conn: Connection, case: Case, lacking: Undelivered) -> None:
    why = lacking.why
    until = {} if lacking.until is None else {"until": lacking.until.isoformat()}
    attempt = case.progress.delivery.attempts + 1
    case = await casework.append(deps, conn, case, entries.Undelivered(why=why, attempt=attempt, **until))
    await casework.tell(deps, conn, case, CaseUndelivered, why=why)
    if case.row.state == "undelivered":
        zh, en = f"通知未能送达:{reasons.zh(why)}", f"The notice could not be delivered: {why}"
        await casework.alarm(deps, conn, case, "undelivered", zh=zh, en=en)
