"""The gates of a stop: each is shut by one thing alone, and the step and whoever explains a case read the same ones."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.decommission.assets.domain import Subject
from services.decommission.cases import chain, foureyes
from services.decommission.gates import domain
from services.decommission.gates.domain import GateEvidence, Open, Package, SealedPlan, Shut
from services.decommission.limits.domain import Limits, SlotsTaken, Windows
from services.decommission.mandates.domain import Mandate
from services.decommission.plans import domain as plan_domain
from services.decommission.plans.domain import Candidate
from tests.unit.decommission import parts

DAY, OTHER_DAY = date(2025, 6, 20), date(2025, 6, 19)
NOON = datetime(2025, 6, 20, 4, tzinfo=UTC)
CASE, ASSET, UNIT = UUID(int=1), UUID(int=2), UUID(int=3)
FOUND = {"finding_id": "f", "evidence_sha256": "e"}
ANOTHER = {"finding_id": "g", "evidence_sha256": "h"}
LOG = [chain.link([], at=NOON, actor="jianfu", kind="opened", data=FOUND)]
SUBJECT = Subject(
    asset_id=ASSET,
    version=1,
    kind="account",
    platform="x",
    identity="a",
    address="https://x.example/a",
    name="A",
    sponsor_id=UNIT,
    record="filed",
    running="online",
)
MEMBER = Candidate(
    ready_at=NOON,
    asset_id=ASSET,
    case_id=CASE,
    unit_id=UNIT,
    kind="account",
    asset_version=1,
    rules=("C15",),
    notice_sha256="n",
    evidence_sha256=("e",),
    log_entries=1,
    log_sha256=LOG[0].sha256,
    asset=plan_domain.asset_of(SUBJECT),
)
MANDATE = Mandate(
    mandate_id="m", max_per_day=1, until=DAY, proposed_by="i|pat", approvers=("i|ada", "i|bo"), revoked=False
)


def evidence(**changes: Any) -> GateEvidence:
    """All that opens every gate, with other progress or other parts."""
    plan = plan_domain.seal(DAY, [MEMBER], Limits())
    assert plan is not None
    facts: dict[str, Any] = {
        "noticed_at": NOON,
        "plan_id": str(plan.plan_id),
        "plan_sha256": plan.sha256,
        "approved": True,
        "approvers": ("i|ada", "i|bo"),
        "archive_sha256": "package",
        "slot_day": DAY,
        "confirmed_day": DAY,
        "asked_finding": "f",
    }
    of_progress = {name: changes.pop(name) for name in list(changes) if name not in GateEvidence.__dataclass_fields__}
    whole = GateEvidence(
        case_id=CASE,
        progress=parts.progress(Windows(), **(facts | of_progress)),
        log=LOG,
        subject=SUBJECT,
        limits=Limits(),
        taken=SlotsTaken(day=1, unit=1, kind=1),
        plan=SealedPlan(
            content=plan.content,
            sha256=plan.sha256,
            state="approved",
            signed={"i|ada": plan.sha256, "i|bo": plan.sha256},
        ),
        mandates={},
        acted={},
        package=Package(sha256="package", checks={"integrity": True}),
    )
    return replace(whole, **changes)


def signed_by(*names: str) -> SealedPlan:
    plan = evidence().plan
    assert plan is not None
    return replace(plan, signed=dict.fromkeys(names, plan.sha256))


def under_a_mandate(**changes: Any) -> GateEvidence:
    """One person approved, under a mandate with these changes."""
    return evidence(approvers=("i|cy",), mandates={"C15": replace(MANDATE, **changes)}, plan=signed_by("i|cy"))


def test_with_all_of_it_the_asset_may_be_stopped() -> None:
    assert domain.stop(evidence(), DAY) == Open()
    assert domain.stop(under_a_mandate(), DAY) == Open()
    assert [name for name, _ in domain.explain(evidence(), DAY)] == list(domain.GATES)


SHUT: list[tuple[str, str, GateEvidence]] = [
    ("notice", "wait", evidence(noticed_at=None)),
    ("approval", "wait", evidence(approved=False)),
    ("slot", "wait", evidence(slot_day=OTHER_DAY, taken=SlotsTaken())),
    ("recheck", "wait", evidence(confirmed_day=OTHER_DAY)),
    ("archive", "archive", evidence(archive_sha256=None)),
    ("archive", "archive", evidence(package=Package(sha256="another", checks={"integrity": True}))),
    ("archive", "archive", evidence(package=Package(sha256="package", checks={"integrity": False}))),
    ("archive", "archive", evidence(package=Package(sha256="", checks={}))),
    ("limits", "miss", evidence(limits=Limits(per_day=0))),
    ("limits", "miss", evidence(taken=SlotsTaken(day=3, unit=3, kind=3), limits=Limits(per_unit_per_day=2))),
    ("plan", "call_person", evidence(plan=None)),
    ("plan", "call_person", evidence(plan_sha256="another")),
    ("plan", "call_person", evidence(plan=signed_by("i|ada"))),
    ("plan", "call_person", under_a_mandate(approvers=("i|ada",))),
    ("plan", "call_person", under_a_mandate(proposed_by="i|ada")),
    ("standing", "replan", evidence(plan=replace(signed_by("i|ada", "i|bo"), state="rejected"))),
    ("standing", "replan", evidence(subject=replace(SUBJECT, version=2))),
    ("standing", "replan", evidence(subject=replace(SUBJECT, name="B"))),
    ("standing", "replan", evidence(acted={foureyes.BY_HAND: ["i|bo"]})),
    ("standing", "replan", under_a_mandate(revoked=True)),
    ("standing", "replan", under_a_mandate(until=OTHER_DAY)),
]


@pytest.mark.parametrize(("gate", "reaction", "given"), SHUT)
def test_a_gate_is_shut_by_one_thing_alone_and_both_readers_see_it(
    gate: str, reaction: str, given: GateEvidence
) -> None:
    verdict = domain.stop(given, DAY)
    assert isinstance(verdict, Shut)
    assert verdict.reaction == reaction
    explained = dict(domain.explain(given, DAY))
    assert explained[gate] == verdict
    before = list(domain.GATES)[: list(domain.GATES).index(gate)]
    assert all(explained[name] == Open() for name in before)


def test_what_was_never_signed_is_planned_anew_unless_an_order_has_gone_out() -> None:
    log = [*LOG, chain.link(LOG, at=NOON, actor="jianfu", kind="finding_attached", data=ANOTHER)]
    shut = Shut(reason=plan_domain.UNSIGNED, reaction="replan")
    assert domain.stop(evidence(asked_finding="g", log=log), DAY) == shut
    assert domain.stop(evidence(asked_finding="g", log=log, stop_ordered=True), DAY) == Open()


def test_a_package_that_nobody_has_read_back_is_taken_at_its_record() -> None:
    assert domain.stop(evidence(package=None), DAY) == Open()


def test_a_slot_is_given_under_the_limits_and_under_the_mandate() -> None:
    none = SlotsTaken()
    assert domain.reserve(evidence(taken=none), DAY) == Open()
    assert domain.reserve(evidence(taken=none, limits=Limits(per_day=0)), DAY) != Open()
    assert domain.reserve(replace(under_a_mandate(), taken=none), DAY) == Open()
    assert domain.reserve(replace(under_a_mandate(used_today=1), taken=none), DAY) != Open()
    assert domain.reserve(evidence(taken=none, mandates={"C15": replace(MANDATE, used_today=1)}), DAY) == Open()
