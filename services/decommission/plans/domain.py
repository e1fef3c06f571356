"""What is signed: a plan's content in one canonical text, and its hash. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.errors import DomainError
from libs.common.ids import derive
from libs.common.security.signing import canonical, sha256
from libs.common.text import Text
from services.decommission.assets.domain import Subject
from services.decommission.cases import chain
from services.decommission.cases.chain import Entry
from services.decommission.limits.domain import Limits, SlotsTaken, room
from services.decommission.reasons import Reasoned

FORMAT = "jianfu-plan/2"  # members name asset and unit; a text without a format is from before, and names their ids
CHANGED = "the asset's record changed after sealing"
UNSIGNED = "what is true of the asset today is not among the evidence that was signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A case that may be planned; `ready_at` is when it became so, `rules` are those of what is still true of it.

    `log_entries` and `log_sha256` are the head of its log: who signs the plan signs all that led to it.
    `asset` and `unit` are how the two are called, as `asset_of` and `unit_of` have it: a name that changes later
    changes nothing in what was signed. `notice_key` is the key whose receipt proves its notice, as it is named, and
    `notice_key_age_days` its age today.
    """

    ready_at: datetime
    asset_id: UUID
    case_id: UUID
    unit_id: UUID
    kind: str
    asset_version: int
    rules: tuple[str, ...]
    notice_sha256: str
    evidence_sha256: tuple[str, ...]
    log_entries: int
    log_sha256: str
    asset: dict[str, str] = field(default_factory=dict, hash=False)
    unit: dict[str, str | None] = field(default_factory=dict, hash=False)
    notice_key: dict[str, Any] | None = field(default=None, hash=False)
    notice_key_age_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A plan as it is stored: nobody signs anything but this text."""

    plan_id: UUID
    content: str
    sha256: str
    members: tuple[Candidate, ...]


def choose(candidates: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """Who is planned on one day: in the order (ready, asset id), as far as every limit goes."""
    chosen: list[Candidate] = []
    units: dict[UUID, int] = {}
    kinds: dict[str, int] = {}
    for one in sorted(candidates, key=lambda c: (c.ready_at, c.asset_id)):
        if len(chosen) >= limits.per_plan:
            break
        taken = SlotsTaken(day=len(chosen), unit=units.get(one.unit_id, 0), kind=kinds.get(one.kind, 0))
        if room(limits, taken, one.kind):
            chosen.append(one)
            units[one.unit_id] = taken.unit + 1
            kinds[one.kind] = taken.kind + 1
    return chosen


def seal(day: date, candidates: Sequence[Candidate], limits: Limits) -> Sealed | None:
    """The day's plan, or None when nobody fits."""
    chosen = choose(candidates, limits)
    if not chosen:
        return None
    plan_id = derive("plan", day)
    content = canonical(
        {
            "format": FORMAT,
            "plan_id": str(plan_id),
            "sealed_on": day.isoformat(),
            "limits": asdict(limits),
            "members": [
                {
                    "case_id": str(one.case_id),
                    "asset_id": str(one.asset_id),
                    "asset_version": one.asset_version,
                    "unit_id": str(one.unit_id),
                    "kind": one.kind,
                    "asset": one.asset,
                    "unit": one.unit,
                    "rule": one.rules[0],
                    "route": "close",
                    "notice_sha256": one.notice_sha256,
                    "evidence_sha256": list(one.evidence_sha256),
                    "log_entries": one.log_entries,
                    "log_sha256": one.log_sha256,
                }
                | ({"rules": list(one.rules)} if len(one.rules) > 1 else {})
                | _key_of(one)
                for one in chosen
            ],
        }
    )
    return Sealed(plan_id=plan_id, content=content.decode(), sha256=sha256(content), members=tuple(chosen))


def _key_of(one: Candidate) -> dict[str, Any]:
    if one.notice_key is None:  # told before keys were kept
        return {}
    return {"notice_key": one.notice_key, "notice_key_age_days": one.notice_key_age_days}


def asset_of(subject: Subject) -> dict[str, str]:
    """How an asset is called in a plan."""
    return {part: getattr(subject, part) for part in ("name", "platform", "identity", "address")}


def unit_of(row: Mapping[str, Any] | None) -> dict[str, str | None]:
    """How a unit is called in a plan: its code as `scheme:value`, and its name; None for what is not known."""
    if row is None:
        return {"code": None, "name": None}
    return {"code": f"{row['scheme']}:{row['value']}", "name": row["name"]}


def is_as_sealed(member: Mapping[str, Any], subject: Subject) -> bool:
    """Whether an asset is still what a plan's text says of it: its version, and its names where the text has them."""
    return bool(member["asset_version"] == subject.version and member.get("asset") in (None, asset_of(subject)))


def problem(
    content: str,
    stored_sha256: str,
    signed: Mapping[str, str],
    case_id: UUID,
    planned: str,
    approvers: Sequence[str],
    log: Sequence[Entry],
) -> str | None:
    """Why a case may not be executed under a plan, or None.

    `signed` says which hash each approver signed; `planned` and `approvers` are what the case's own log recorded.
    """
    actual = sha256(content.encode())
    if actual != stored_sha256 or actual != planned:
        return "its content does not have the hash it was sealed with"
    if not approvers or any(signed.get(approver) != actual for approver in approvers):
        return "a signature it was approved with is missing or is for another hash"
    member = member_of(content, case_id)
    if member is None:
        return "it does not hold this case"
    sealed = "log_sha256" in member  # a plan from before that was sealed is bounded by its other hashes
    if sealed and not chain.extends(log, member["log_entries"], member["log_sha256"]):
        return "its log is not the one that it was sealed with"
    return None


def evidence_of(log: Sequence[Entry], finding_id: str | None) -> str | None:
    """The hash of a finding's evidence, as the case's log recorded it when the finding came; None for one unknown."""
    named = (entry.data for entry in log if entry.kind in ("opened", "finding_attached"))
    return next((str(data["evidence_sha256"]) for data in named if data["finding_id"] == finding_id), None)


def rules_of(member: Mapping[str, Any]) -> list[str]:
    """Every rule that a member was planned under; `rule` is the first of them."""
    return list(member.get("rules") or [member["rule"]])


def member_of(content: str, case_id: UUID) -> dict[str, Any] | None:
    """What a plan's text says of one case."""
    members: list[dict[str, Any]] = json.loads(content)["members"]
    return next((member for member in members if member["case_id"] == str(case_id)), None)


class PlanAltered(Reasoned):
    """What is about to be done is not what was sealed."""

    code = "plan_altered"
    kind = "conflict"
    says = Text("方案内容与签署的哈希不符:{why}", "The plan is not what was sealed: {why}")


class PlanVoid(DomainError):
    """A plan that no case is in any more closes nothing, so nobody signs it."""

    code = "plan_void"
    kind = "conflict"
    says = Text(
        "方案 {plan_id} 中已无个案,已作废,不能签署。",
        "No case is in plan {plan_id} any more: it is void and cannot be signed.",
    )
