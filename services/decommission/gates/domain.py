"""The gates of a stop: what must hold on its day, each a pure function of the evidence.

The step that stops reads `stop`; the API that explains what a case waits for reads `explain`: the same functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from services.decommission.assets.domain import Subject
from services.decommission.cases import foureyes
from services.decommission.cases.case import Progress
from services.decommission.cases.chain import Entry
from services.decommission.limits.domain import Limits, SlotsTaken, room
from services.decommission.mandates.domain import Mandate, standing
from services.decommission.plans import domain as plan_domain

# What the step does about a gate that is shut: nothing, for the case has moved on; archive anew; wait for another day's
# slot; call a person; or take the case out of its plan.
Reaction = Literal["wait", "archive", "miss", "call_person", "replan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPlan:
    """The plan of a case as it is stored now; `signed` says which hash each approver signed."""

    content: str
    sha256: str
    state: str
    signed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The archive package as it was just read back; no hash where it is damaged."""

    sha256: str
    checks: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvidence:
    """What the gates of one case are judged by.

    `mandates`: for each rule that it was planned under, the mandate it was approved under, as it is now. `acted`: who
    had a part in it that excludes signing for it, by the reason. `package` is None where nobody has read it back.
    """

    case_id: UUID
    progress: Progress
    log: Sequence[Entry]
    subject: Subject
    limits: Limits
    taken: SlotsTaken
    plan: SealedPlan | None
    mandates: Mapping[str, Mandate | None]
    acted: Mapping[str, Sequence[str]]
    package: Package | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """Why a gate is shut, in the words of the catalogue, and what the step does about it."""

    reason: str
    reaction: Reaction


Verdict = Open | Shut
OPEN = Open()


def stop(evidence: GateEvidence, today: date) -> Verdict:
    """Whether the asset may be stopped today: the first gate that is shut, or Open."""
    return next((shut for _, shut in explain(evidence, today) if isinstance(shut, Shut)), OPEN)


def explain(evidence: GateEvidence, today: date) -> list[tuple[str, Verdict]]:
    """Every gate of a stop by its name, in the order in which they are looked at."""
    found: list[tuple[str, Verdict]] = []
    for name, (reason, reaction) in GATES.items():
        why = reason(evidence, today)
        found.append((name, OPEN if why is None else Shut(reason=why, reaction=reaction)))
    return found


def reserve(evidence: GateEvidence, today: date) -> Verdict:
    """Whether one of today's slots may be taken: under the limits, and under what a mandate allows in a day."""
    reason = mandate_used_up(evidence) or no_slot_left(evidence)
    return OPEN if reason is None else Shut(reason=reason, reaction="miss")


def not_noticed(evidence: GateEvidence, today: date) -> str | None:
    """A receipt proves that the unit knows of the closure."""
    return None if evidence.progress.notice is not None else "no receipt proves the notice"


def not_approved(evidence: GateEvidence, today: date) -> str | None:
    """The plan of the case is signed."""
    return None if evidence.progress.approval is not None else "no plan with this case is approved"


def no_slot(evidence: GateEvidence, today: date) -> str | None:
    """The case has one of today's slots."""
    return None if evidence.progress.slot.day == today else "it has no slot of today"


def not_confirmed(evidence: GateEvidence, today: date) -> str | None:
    """The monitor has confirmed today that the finding is still true."""
    return None if evidence.progress.recheck.confirmed_day == today else "the finding was not confirmed today"


def not_archived(evidence: GateEvidence, today: date) -> str | None:
    """The package is what was archived. Where nobody has read it back, that it was archived has to do."""
    if evidence.progress.archive_sha256 is None:
        return "no package is archived"
    package = evidence.package
    if package is None or (package.sha256 == evidence.progress.archive_sha256 and all(package.checks.values())):
        return None
    return "the package is no longer what was archived"


def beyond_limits(evidence: GateEvidence, today: date) -> str | None:
    """More slots were given out today than the limits in force allow: they have been lowered since."""
    own = int(evidence.progress.slot.day == today)  # the asset's own slot is among those that were taken
    taken = evidence.taken
    before = SlotsTaken(day=taken.day - own, unit=taken.unit - own, kind=taken.kind - own)
    return None if room(evidence.limits, before, evidence.subject.kind) else "the limits in force leave no room"


def plan_altered(evidence: GateEvidence, today: date) -> str | None:
    """The plan is what was sealed and signed, by two people or under a mandate that two others signed."""
    plan, p = evidence.plan, evidence.progress
    if plan is None:
        return "it does not exist"
    problem = plan_domain.problem(
        plan.content,
        plan.sha256,
        plan.signed,
        evidence.case_id,
        p.plan.sha256 if p.plan is not None else "",
        p.approvers,
        evidence.log,
    )
    if problem is None and not _two(p):
        involved = [name for names in evidence.acted.values() for name in names]
        mandates = evidence.mandates.values()
        if not p.approvers or any(m is None or not standing(m, p.approvers[0], involved) for m in mandates):
            return "one person approved it, and no standing approval of its rule is signed by two others"
    return problem


def plan_lapsed(evidence: GateEvidence, today: date) -> str | None:
    """The plan still holds for this case: not rejected, the same asset, its mandate live, signed by who may sign.

    And the finding that was confirmed today is one of those that were signed. Planned anew, the case has a new public
    notice that names what it rests on, but no new notice to the unit: that one is proof that the unit knows of the
    closure, and until the stop it may still answer keep, whatever rule the closure rests on by then.

    After an order that may have been carried out it is too late to plan anew.
    """
    if evidence.plan is None or evidence.progress.approval is None or evidence.progress.stop.ordered:
        return None
    plan, p = evidence.plan, evidence.progress
    if plan.state == "rejected":
        return "the plan was rejected"
    member = plan_domain.member_of(plan.content, evidence.case_id)
    if member is None or not plan_domain.is_as_sealed(member, evidence.subject):
        return plan_domain.CHANGED
    if plan_domain.evidence_of(evidence.log, p.recheck.finding_id) not in {None, *member["evidence_sha256"]}:
        return plan_domain.UNSIGNED
    return foureyes.involved(evidence.acted, p.approvers) or (None if _two(p) else _mandate_ended(evidence, today))


def _mandate_ended(evidence: GateEvidence, today: date) -> str | None:
    mandates = evidence.mandates.values()
    if any(mandate is not None and mandate.revoked for mandate in mandates):
        return "the mandate it was approved under was revoked"
    live = all(mandate is not None and mandate.until >= today for mandate in mandates)
    return None if live else "the mandate it was approved under has ended"


def mandate_used_up(evidence: GateEvidence) -> str | None:
    """A case that one person approved fits under what its mandate allows in a day."""
    if _two(evidence.progress):
        return None
    # where a mandate is lacking, the gate of the plan says what is wrong
    used_up = any(m is not None and m.used_today >= m.max_per_day for m in evidence.mandates.values())
    return "its mandate allows no more today" if used_up else None


def no_slot_left(evidence: GateEvidence) -> str | None:
    """Whether one more asset fits under every limit of a day."""
    fits = room(evidence.limits, evidence.taken, evidence.subject.kind)
    return None if fits else "the limits in force leave no room"


def _two(p: Progress) -> bool:
    """Whether two people approved a case's plan, and not one under two names."""
    return len(foureyes.people(p.approvers)) >= 2


Reason = Callable[[GateEvidence, date], str | None]
GATES: dict[str, tuple[Reason, Reaction]] = {
    "notice": (not_noticed, "wait"),
    "approval": (not_approved, "wait"),
    "slot": (no_slot, "wait"),
    "recheck": (not_confirmed, "wait"),
    "archive": (not_archived, "archive"),
    "limits": (beyond_limits, "miss"),
    "plan": (plan_altered, "call_person"),
    "standing": (plan_lapsed, "replan"),
}


def read_plan(row: Any | None, signed: Mapping[str, str]) -> SealedPlan | None:
    """The plan of a row; None where there is none."""
    if row is None:
        return None
    return SealedPlan(content=row["content"], sha256=row["sha256"], state=row["state"], signed=signed)
