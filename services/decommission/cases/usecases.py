"""What happens to cases from outside: findings, answers, receipts, rechecks, holds; one transaction each."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

import structlog

from libs.common.consumer import inbox
from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.events import ids
from libs.common.events.decommission import CaseAnswered, CaseHeld, CaseNoticed, CaseOpened
from libs.common.events.monitor import (
    FindingCleared,
    FindingConfirmed,
    FindingOpened,
    FindingRefuted,
    RecheckInconclusive,
)
from libs.common.events.registry import AssetRecord, UnitRecorded
from libs.common.security import signing
from libs.common.security.signing import canonical, sha256
from libs.common.security.tokens import Principal
from libs.common.text import in_one_language
from services.decommission.cases import chain, domain, foureyes, store, transitions
from services.decommission.cases.domain import Windows
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.keys import domain as keys
from services.decommission.keys.domain import UnitKey
from services.decommission.plans import usecases as planning
from services.decommission.refusals import AlarmEnded, AnsweredItself
from services.decommission.waits import domain as waits
from services.decommission.waits import jobs as watch

log = structlog.get_logger()
CONSUMER = "decommission"


async def know_asset(ctx: Context, told: AssetRecord, event_id: str) -> None:
    """Keep what the registry says of an asset, if it is newer than what is held; cases that waited for it wake."""
    async with ctx.database.transaction("know_asset") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        await QUERIES.asset_lock(conn, text_=str(told.asset_id))
        fields = set(domain.Subject.__dataclass_fields__)
        await QUERIES.subject_put(conn, **told.model_dump(include=fields))
        await QUERIES.cases_wake(conn, asset_id=told.asset_id, now=ctx.now())


async def know_unit(ctx: Context, told: UnitRecorded) -> None:
    """Keep what the registry says of a unit, if it is newer than what is held; the same again changes nothing."""
    async with ctx.database.transaction("know_unit") as conn:
        await QUERIES.unit_put(
            conn,
            unit_id=told.unit_id,
            version=told.version,
            parent_id=told.parent_id,
            scheme=told.scheme,
            value=told.value,
            name=in_one_language((one.language, one.text) for one in told.names) or told.value,
        )


async def units_nameless(ctx: Context) -> bool:
    """Whether units are held that were told before their names were kept."""
    async with ctx.database.reading() as conn:
        return bool(await QUERIES.units_without_name(conn))


async def open_case(ctx: Context, told: FindingOpened, event_id: str, windows: Windows) -> None:
    """A finding that proposes closure opens a case, or attaches to the one that is open."""
    async with ctx.database.transaction("open_case") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id) or told.proposal != "closure":
            return
        await QUERIES.asset_lock(conn, text_=str(told.asset_id))
        await take_up(ctx, conn, told.asset_id, told.model_dump(mode="json"), windows)


async def take_up(ctx: Context, conn: Connection, asset_id: UUID, evidence: dict[str, Any], windows: Windows) -> None:
    """A finding of a locked asset opens its next case, or attaches to the one that is open."""
    evidence = chain.stored(evidence)
    finding_id, rule = UUID(evidence["finding_id"]), evidence["rule"]
    data: dict[str, Any] = {"finding_id": str(finding_id), "rule": rule}
    data["evidence_sha256"] = sha256(canonical(evidence))
    row = await QUERIES.case_open_of(conn, asset_id=asset_id)
    if row is not None:
        held = await ctx.hold(conn, row["case_id"])
        await _attach(conn, held, finding_id, evidence)
        await ctx.append(conn, held, "finding_attached", **data)
        return
    ordinal = await QUERIES.case_count(conn, asset_id=asset_id) + 1
    case_id = ids.case_id(asset_id, ordinal)
    await QUERIES.case_add(
        conn, case_id=case_id, asset_id=asset_id, ordinal=ordinal, finding_id=finding_id, rule=rule,
        opened_at=ctx.now(), windows=json.dumps(asdict(windows)),
    )  # fmt: skip
    # In the log, where nobody can lower them afterwards, with how its days are counted.
    pinned = {"windows": asdict(windows), "zone": ctx.zone.key, "days": domain.CALENDAR}
    held = await ctx.hold(conn, case_id)
    held = await ctx.append(conn, held, "opened", **data, basis=evidence["basis"], **pinned)
    await _attach(conn, held, finding_id, evidence)
    await ctx.tell(conn, held, CaseOpened, finding_id=finding_id, rule=rule)


async def _attach(conn: Connection, held: Held, finding_id: UUID, evidence: dict[str, Any]) -> None:
    await QUERIES.finding_add(
        conn, finding_id=finding_id, case_id=held.case.case_id, evidence=json.dumps(evidence, ensure_ascii=False),
        evidence_sha256=sha256(canonical(evidence)),
    )  # fmt: skip


async def finding_cleared(ctx: Context, told: FindingCleared, event_id: str) -> None:
    """The daily sweep no longer sees it: with no other finding left, a case ends, or its stop under way is undone."""
    async with ctx.database.transaction("finding_cleared") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        await QUERIES.asset_lock(conn, text_=str(told.asset_id))  # its finding may be on its way to the next case
        case_id = await QUERIES.finding_clear(conn, finding_id=told.finding_id)
        if case_id is None:
            return
        held = await ctx.hold(conn, case_id)
        left = [row async for row in QUERIES.findings_left(conn, case_id=case_id)]
        entry = {"finding_id": str(told.finding_id), "reason": told.reason}
        p = held.progress
        if not left and not p.refuted and transitions.may(p, "cleared"):
            await ctx.append(conn, held, "cleared", **entry)
        elif left and p.recheck.finding_id == str(told.finding_id) and transitions.may(p, "finding_refuted"):
            await ctx.append(conn, held, "finding_refuted", **entry)  # what was confirmed of it opens no gate


Reply = FindingConfirmed | FindingRefuted | RecheckInconclusive
ENTRY = {FindingConfirmed: "confirmed", FindingRefuted: "refuted", RecheckInconclusive: "inconclusive"}


async def recheck_answered(ctx: Context, told: Reply, event_id: str) -> None:
    """The monitor's answer of the very day on which it was asked; any other is no answer."""
    async with ctx.database.transaction("recheck_answered") as conn:
        if not await inbox.first_time(conn, CONSUMER, event_id):
            return
        held = await ctx.hold(conn, told.case_id)
        kind, p = ENTRY[type(told)], held.progress
        expected = (
            str(told.request_id) == p.recheck.request_id and told.business_day == ctx.today() == p.recheck.asked_day
        )
        expected = expected and p.recheck.finding_id in (None, str(told.finding_id))
        if not expected or p.refuted or held.case.state not in transitions.LEGAL[kind]:
            log.info("recheck-too-late", case_id=str(told.case_id), day=str(told.business_day))
            return
        data: dict[str, Any] = {"request_id": str(told.request_id), "finding_id": str(told.finding_id)}
        data["signals"] = [signal.model_dump(mode="json") for signal in told.signals]
        if isinstance(told, FindingRefuted):
            await QUERIES.finding_clear(conn, finding_id=told.finding_id)
            if [row async for row in QUERIES.findings_left(conn, case_id=told.case_id)]:
                kind = "finding_refuted"  # another finding of the case may still be true: ask about that one
        held = await ctx.append(conn, held, kind, **data)
        if kind == "inconclusive" and waits.unsure(held.progress, ctx.now(), ctx.zone):
            await watch.doubt(ctx, conn, held)


async def proved(
    ctx: Context, conn: Any, held: Held, key: UnitKey, token: str, receipt: domain.Receipt, *, sponsor: UUID
) -> Held:
    """The unit's receipt is proof: keep it, start the unit's window, take its answer if it gave one.

    `key` was in force when the notice was sent and has signed it, `sponsor` is the unit that was told by it.
    """
    case_id = held.case.case_id
    await QUERIES.notice_prove(
        conn, case_id=case_id, unit_id=key.unit_id, receipt=token, public_key=json.dumps(key.public_key)
    )
    held = await ctx.append(
        conn, held, "noticed", notice_sha256=receipt.notice_sha256, unit_id=str(key.unit_id), sponsor_id=str(sponsor),
        received_on=receipt.received_on, receipt_sha256=signing.sha256(token.encode()), key=key.named(),
    )  # fmt: skip
    await ctx.tell(conn, held, CaseNoticed, notice_sha256=receipt.notice_sha256)
    if receipt.answer is not None:
        held = await answered(ctx, conn, held, receipt.answer, actor=f"unit:{key.unit_id}")
    return held


async def answered(
    ctx: Context, conn: Any, held: Held, answer: domain.Answer, *, actor: str, on_behalf: bool = False
) -> Held:  # fmt: skip
    """The unit's answer moves the case. Raises IllegalEntry; a fix is too late once a plan is sealed.

    `on_behalf`: an operator gives it, who shortens no window. Raises AnsweredItself where the unit has given its own.
    """
    own = held.progress.reply is not None and not held.progress.reply.on_behalf
    if on_behalf and own and answer.answer != "keep":
        raise AnsweredItself
    if answer.answer == "fix" and held.progress.plan_id is not None:
        raise domain.IllegalEntry(state=held.case.state, entry="fix")
    until = answer.until.isoformat() if answer.until else None
    data: dict[str, Any] = {"answer": answer.answer, "reason": answer.reason, "until": until}
    if on_behalf:
        data["on_behalf"] = True
    held = await store.append(conn, held, "answered", data, now=ctx.now(), actor=actor, zone=ctx.zone)
    await ctx.tell(conn, held, CaseAnswered, answer=answer.answer)
    return held


async def late_receipt(ctx: Context, case_id: UUID, token: str) -> Held:
    """A unit, or the one above it, proves later that it has the notice; the same receipt again changes nothing.

    It counts by the key that was in force when the notice was sent, once that is old enough. Raises BadReceipt,
    Missing, IllegalEntry.
    """
    async with ctx.database.transaction("late_receipt") as conn:
        held = await ctx.hold(conn, case_id)
        rows = [row async for row in QUERIES.notices_of(conn, case_id=case_id)]
        if any(row["receipt"] == token for row in rows[-1:]):
            return held
        subject = await ctx.subject(conn, held)
        sent = await _sent(conn, subject.sponsor_id, rows)
        if not sent:
            raise Missing(what=(f"个案 {case_id} 的通知", f"notice of case {case_id}"))
        transitions.check(held.progress, "noticed")
        row, receipt = _signed_by(sent, token, subject.asset_id, ctx.today())
        key = store.to_key(row)
        proves_from = key.proves_from(held.case.windows.key_age_days, ctx.zone)
        if proves_from is None or ctx.now() < proves_from:
            raise domain.BadReceipt(field="receipt", accepted=f"from {proves_from}", why=keys.YOUNG)
        if row is not rows[-1]:  # the notice that is proved is the last one
            await QUERIES.notice_put(
                conn, case_id=case_id, body=row["body"], sha256=row["sha256"], key_unit=key.unit_id,
                key_ordinal=key.ordinal,
            )  # fmt: skip
        return await proved(ctx, conn, held, key, token, receipt, sponsor=subject.sponsor_id)


async def _sent(conn: Connection, sponsor: UUID, rows: list[Any]) -> list[Any]:
    """The last notice to each key that is still in force of those that may sign for a sponsor."""
    own = await QUERIES.endpoint_for(conn, unit_id=sponsor, from_height=0)
    above = await QUERIES.endpoint_for(conn, unit_id=sponsor, from_height=1)
    signers = {(end["unit_id"], end["ordinal"]) for end in (own, above) if end is not None}
    last = {(row["unit_id"], row["ordinal"]): row for row in rows}
    return [row for which, row in last.items() if which in signers]


def _signed_by(sent: list[Any], token: str, asset_id: UUID, today: date) -> tuple[Any, domain.Receipt]:
    """The notice that a receipt is for, and what it says. Raises BadReceipt when it is for none of them."""
    refused: domain.BadReceipt | None = None
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
        except domain.BadReceipt as error:
            refused = refused or error
    raise refused or domain.BadReceipt(field="receipt", why="there is nobody who could have signed it")


async def require_apart(conn: Connection, held: Held, who: Principal) -> None:
    """Asked before a person moves a case towards its stop. Raises TwoRoles, and MayNotSign for who signed its plan."""
    foureyes.require_apart(who.roles)
    plan_id = held.progress.plan_id
    foureyes.require_other(who.identity, await planning.signers(conn, UUID(plan_id) if plan_id else None))


async def note(
    ctx: Context, conn: Connection, case_id: UUID, kind: str, *, who: Principal, reason: str, until: date | None = None
) -> Held:
    """An operator's `held`, `released`, `cancelled`, `restore_asked` or `resumed`. Raises IllegalEntry.

    To let a case go on towards its stop is not for who signed its plan; to stop or undo it is for every operator.
    """
    held, actor = await ctx.hold(conn, case_id), who.identity
    if kind in foureyes.TOWARDS:
        await require_apart(conn, held, who)
    data: dict[str, Any] = {"reason": reason}
    if kind == "held":
        data["until"] = until.isoformat() if until else None
    held = await store.append(conn, held, kind, data, now=ctx.now(), actor=actor, zone=ctx.zone)
    if kind in ("held", "released"):
        await ctx.tell(
            conn,
            held,
            CaseHeld,
            held=kind == "held",
            reason=reason,
            until=held.progress.hold.until if held.progress.hold is not None else None,
        )
    return held


async def acknowledge_alarm(ctx: Context, alarm_id: UUID, *, by: str, role: str, reason: str) -> None:
    """Somebody says that he is at it; the first word stays. Raises Missing, and AlarmEnded."""
    async with ctx.database.transaction("acknowledge_alarm") as conn:
        state = await _alarm(conn, alarm_id)
        if state == "ended":
            raise AlarmEnded(alarm_id=str(alarm_id))
        if state == "open":
            at = ctx.now()
            await QUERIES.alarm_step(
                conn, alarm_id=alarm_id, step="acknowledged", by=by, role=role, reason=reason, at=at
            )
            await QUERIES.alarm_state(conn, alarm_id=alarm_id, state="acknowledged")


async def end_alarm(ctx: Context, alarm_id: UUID, *, by: str, role: str, reason: str) -> None:
    """Somebody says that it is over; one that has ended stays as it ended. Raises Missing."""
    async with ctx.database.transaction("end_alarm") as conn:
        await _alarm(conn, alarm_id)
        await store.end_alarm(conn, alarm_id, now=ctx.now(), by=by, role=role, reason=reason)


async def _alarm(conn: Connection, alarm_id: UUID) -> str:
    """How an alarm stands, its row locked. Raises Missing."""
    held = await QUERIES.alarm_lock(conn, alarm_id=alarm_id)
    if held is None:
        raise Missing(what=(f"告警 {alarm_id}", f"alarm {alarm_id}"))
    return str(held["state"])


async def release_work(ctx: Context) -> None:
    """Under a stepped clock: let all that is due by now be worked."""
    async with ctx.database.transaction("release_work") as conn:
        await QUERIES.release_until(conn, until=ctx.now())


async def unit_may_speak(conn: Connection, scope: str | None, unit_id: UUID) -> bool:
    """Whether a token's unit is this unit or stands above it."""
    scheme, _, value = (scope or "").partition(":")
    return bool(value) and bool(
        await QUERIES.unit_covers(conn, scheme=scheme, key=" ".join(value.split()), below=unit_id)
    )
