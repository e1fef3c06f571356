"""A plan as the person who signs it reads it: whom it closes, why, on which evidence, and what the unit has said.

What it says of a member stands in the text that is signed, or its hash stands there: of what has another hash nothing
is shown, and what an unsigned row says of names is shown only for plans whose text has none, and marked so.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.security.signing import canonical, sha256
from services.decommission.cases import states, store
from services.decommission.cases.chain import Entry
from services.decommission.cases.domain import Subject
from services.decommission.cases.store import QUERIES, Held
from services.decommission.context import Context
from services.decommission.plans import domain as plans


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that a member is closed under. `words` and `basis` are the pack's, Chinese / English."""

    rule: str
    words: str | None
    basis: str
    label: str
    when: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule was seen to be true by; None for all but the hash where what is stored has another one."""

    sha256: str
    rule: Rule | None
    finding_id: UUID | None
    found_at: datetime | None
    signals: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Said:
    """The unit's last answer, or an operator's on its behalf; `after_sealing`: the plan was sealed without it."""

    answer: str
    reason: str
    until: str | None
    at: datetime
    by: str
    on_behalf: bool
    after_sealing: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One case of a plan. `names_signed`: name, address and unit stand in the text that is signed.

    `answer` is None where the unit has said nothing. `out`: why it is closed under this plan no more. `fault`: what is
    wrong with its log, on which then nothing rests.
    """

    case_id: UUID
    asset_id: UUID
    kind: str
    name: str | None
    platform: str | None
    identity: str | None
    address: str | None
    unit_id: UUID
    unit_code: str | None
    unit_name: str | None
    names_signed: bool
    rules: list[str]
    evidence: list[Evidence]
    answer: Said | None
    out: str | None
    fault: str | None


async def of(ctx: Context, conn: Connection, content: str, plan_id: UUID) -> list[Member]:
    """Every member of a plan's text, in its order."""
    return [await _member(ctx, conn, plan_id, member) for member in json.loads(content)["members"]]


async def _member(ctx: Context, conn: Connection, plan_id: UUID, told: dict[str, Any]) -> Member:
    held, fault = await store.look(conn, UUID(told["case_id"]), ctx.zone, ctx.notary)
    subject = await store.subject(conn, UUID(told["asset_id"]))
    unit = await QUERIES.unit_get(conn, unit_id=UUID(told["unit_id"]))
    signed = "asset" in told
    asset = told["asset"] if signed else _asset(subject)
    named = told["unit"] if signed else _unit(unit)
    log = held.log if fault is None else []
    return Member(
        held.case.case_id, held.case.asset_id, told["kind"], asset["name"], asset["platform"], asset["identity"],
        asset["address"], UUID(told["unit_id"]), named["code"], named["name"], signed, plans.rules_of(told),
        await _evidence(conn, held, told), _said(log, told.get("log_entries", len(log))),
        _out_of(held, plan_id, subject, told) if fault is None else None, fault,
    )  # fmt: skip


def _asset(subject: Subject | None) -> dict[str, str | None]:
    return {part: getattr(subject, part, None) for part in ("name", "platform", "identity", "address")}


def _unit(row: Any | None) -> dict[str, str | None]:
    return plans.unit_of(None if row is None else dict(row))


async def _evidence(conn: Connection, held: Held, told: dict[str, Any]) -> list[Evidence]:
    found = {}
    async for row in QUERIES.findings_of(conn, case_id=held.case.case_id):
        evidence = json.loads(row["evidence"])
        found[sha256(canonical(evidence))] = evidence
    return [_shown(which, found.get(which)) for which in told["evidence_sha256"]]


def _shown(which: str, found: dict[str, Any] | None) -> Evidence:
    if found is None:
        return Evidence(which, None, None, None, None)
    rule = Rule(found["rule"], found.get("title"), found["basis"], found["label"], found["when"])
    at = datetime.fromisoformat(found["opened_at"])
    return Evidence(which, rule, UUID(found["finding_id"]), at, list(found["signals"]))


def _said(log: list[Entry], sealed_at: int) -> Said | None:
    last = next((entry for entry in reversed(log) if entry.kind == "answered"), None)
    if last is None:
        return None
    data = last.data
    return Said(
        data["answer"], data.get("reason") or "", data.get("until"), last.at, last.actor, bool(data.get("on_behalf")),
        last.seq > sealed_at,
    )  # fmt: skip


def _out_of(held: Held, plan_id: UUID, subject: Subject | None, told: dict[str, Any]) -> str | None:
    """Why a case of sound log is closed under a plan no more, or None; a changed record drops out at the approval."""
    if (why := states.left(held.progress, str(plan_id))) is not None or held.progress.ended is not None:
        return why  # whatever the record of a closed asset says by now, the plan was carried out
    return plans.CHANGED if subject is None or not plans.is_as_sealed(told, subject) else None
