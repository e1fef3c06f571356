"""The text of a notice, and the receipt that proves it. Pure."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from libs.common import days, exact
from libs.common.security import signing
from services.decommission.assets.domain import Subject
from services.decommission.cases.domain import CaseRow
from services.decommission.notices.answers import Answer, BadReceipt, read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A verified receipt: what the unit's key signed."""

    notice_sha256: str
    asset_id: str
    received_on: str
    answer: Answer | None


def read_receipt(
    token: str, public_key: dict[str, Any], *, notice_sha256: str, asset_id: UUID, sent_on: date, today: date
) -> Receipt:
    """Proof of notice: signed with the unit's key, naming this very notice and this very asset. Raises BadReceipt.

    `sent_on` is the day that the notice names as its own. It may leave out `received_on`; what it says there is a day
    from then to `today`, for a case file that says otherwise would not verify.
    """
    try:
        claims = signing.verify(public_key, token)
    except (signing.BadSignature, RecursionError):
        raise BadReceipt(field="receipt", why="it is not signed with the unit's key") from None
    if claims.get("notice_sha256") != notice_sha256:
        raise BadReceipt(field="notice_sha256", accepted=notice_sha256, why="it names another notice")
    if claims.get("asset_id") != str(asset_id):
        raise BadReceipt(field="asset_id", accepted=str(asset_id), why="it names another asset")
    given = claims.get("answer")
    answer = None if given is None else read_answer(given, today=today)
    return Receipt(
        notice_sha256=notice_sha256,
        asset_id=str(asset_id),
        received_on=_received(claims.get("received_on"), sent_on, today),
        answer=answer,
    )


def _received(given: Any, sent_on: date, today: date) -> str:
    """The day that a receipt names as that of its notice's coming in; empty where it names none. Raises BadReceipt."""
    if given is None or given == "":
        return ""
    try:
        fits = sent_on <= exact.day(given) <= today
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise BadReceipt(
            field="received_on", accepted=f"a day from {sent_on} to {today}", why="it was received on no such day"
        )
    return str(given)


def notice_text(
    case: CaseRow,
    subject: Subject,
    *,
    basis: str,
    today: date,
    answer_by: date,
    stop_from: date,
    answered_from: date,
    receipt_key: str | None,
) -> bytes:
    """The notice as it is sent: canonical JSON, so that its hash is the same wherever it is computed.

    The unit may answer until the end of `answer_by`. Nothing stops before `stop_from`, nor, once the unit has answered
    close or fix itself, before `answered_from`; days are those of the deployment's zone.
    `receipt_key` is the thumbprint of the key that its receipt must be signed with: another key's notice is another.
    """
    return signing.canonical(
        {
            "type": "notice",
            "notice_id": str(case.case_id),
            "case_id": str(case.case_id),
            "asset_id": str(case.asset_id),
            "kind": subject.kind,
            "platform": subject.platform,
            "identity": subject.identity,
            "address": subject.address,
            "name": subject.name,
            "rule": case.rule,
            "basis": basis,
            "reason": {
                "zh": f"监测规则 {case.rule} 命中,拟予关停。请于 {answer_by} 当日结束前回复:保留、整改或同意关停。"
                f"{stop_from} 之前不会停用;贵单位答复同意关停或整改的,{answered_from} 之前不会停用。",
                "en": f"Rule {case.rule} is met and closure is proposed. Answer keep, fix or close by the end of "
                f"{answer_by}. Nothing is stopped before {stop_from}; where you answer close or fix, not before "
                f"{answered_from}.",
            },
            "sent_on": today.isoformat(),
            "answer_by": answer_by.isoformat(),
            "stop_not_before": stop_from.isoformat(),
            "answered_stop_not_before": answered_from.isoformat(),
            "answers": ["keep", "fix", "close"],
            "receipt_key": receipt_key,
        }
    )


def sent_on(body: str | bytes) -> date:
    """The day that a notice's text names as the one on which it was sent."""
    return date.fromisoformat(json.loads(body)["sent_on"])


def notice_of(row: CaseRow, subject: Subject, *, basis: str, today: date, receipt_key: str | None) -> bytes:
    """The notice of a case as it is sent on a day, with the days that its windows give."""
    windows = row.windows
    answer_by = days.later(today, windows.answer_days)
    least = min(windows.min_answer_days, windows.answer_days)
    return notice_text(
        row,
        subject,
        basis=basis,
        today=today,
        answer_by=answer_by,
        stop_from=days.later(answer_by, windows.announce_days),
        answered_from=days.later(today, least + windows.announce_days),
        receipt_key=receipt_key,
    )


def digest(body: bytes) -> str:
    """The hash of a notice, which its receipt names."""
    return signing.sha256(body)
