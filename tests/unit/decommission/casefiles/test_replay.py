"""The verifier's copy of the product's rules is the product's: by its table, and by every life that can be led."""

from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from deploy.verify import jianfu_verify
from services.decommission.cases import chain, next_move, states, transitions
from services.decommission.cases.entries.table import fold, read
from services.decommission.limits.domain import Windows
from services.decommission.routes.route import Step
from services.decommission.routes.table import ROUTES
from tests.unit.decommission.cases.test_life import AnyLife, standing
from tests.unit.decommission.life import START, ZONE, Life
from tests.unit.decommission.papers import faults, lines, papers, written

MOVES = {next_move.Wait: "wait", next_move.Plan: "plan", next_move.NeedsPerson: "person", next_move.Done: "done"}
# A forger who holds the service's key can leave out what he likes but not these: each rests on what it says.
NEEDED = (
    "notice_started",
    "noticed",
    "planned",
    "approved",
    "announced",
    "archive_started",
    "archived",
    "slot_reserved",
    "recheck_asked",
    "confirmed",
    "stop_started",
    "stop_accepted",
    "probed",
    "disposed",
)


def test_the_table_is_the_product_s() -> None:
    assert {kind: frozenset(where.split()) for kind, where in jianfu_verify.TABLE.items()} == transitions.LEGAL


def test_what_leads_to_a_stop_is_the_product_s() -> None:
    assert frozenset(jianfu_verify.TOWARDS_STOP.split()) == transitions.TOWARDS_STOP


def test_the_windows_are_the_product_s() -> None:
    assert tuple(field.name for field in fields(Windows)) == jianfu_verify.WINDOWS


def test_the_routes_are_the_product_s() -> None:
    def stated(step: Step) -> dict[str, Any]:
        return {name: value for name, value in asdict(step).items() if value is not None}

    assert {
        (route.name, route.version): [stated(step) for step in route.steps] for route in ROUTES
    } == jianfu_verify.ROUTES


def test_a_route_that_nobody_knows_is_no_way() -> None:
    case = jianfu_verify.Case(asdict(Windows()), ZONE)
    data = {"finding_id": "f", "rule": "C15", "evidence_sha256": "e", "route": {"name": "close", "version": 99}}
    assert list(case.take("opened", START, data)) == ["it names a route that this verifier does not know"]
    with pytest.raises(LookupError):
        read("opened", data).apply(fold([], Windows(), ZONE), START, START.date())


def name_of(move: next_move.Move) -> str:
    return move.step if isinstance(move, next_move.Do) else MOVES[type(move)]


def compare(life: Life) -> None:
    """After each entry of a life: the same state, the same entries possible, and the same next move at any hour."""
    case = jianfu_verify.Case(asdict(life.windows), ZONE)
    p = fold([], life.windows, ZONE)
    for number, entry in enumerate(life.log, start=1):
        assert list(case.take(entry.kind, entry.at, entry.data)) == [], (entry.kind, life.kinds()[:number])
        p = fold(life.log[:number], life.windows, ZONE)
        assert read(entry.kind, entry.data).data() == entry.data, "an entry's class says all that its log says"
        assert case.state() == states.state_of(p)
        assert {kind for kind in transitions.LEGAL if case.may(kind)} == {
            kind for kind in transitions.LEGAL if transitions.may(p, kind)
        }
        for hours in (0, 5, 24, 71, 400):
            at = entry.at + timedelta(hours=hours)
            assert case.move(at) == name_of(next_move.next_move(p, at, ZONE)), (hours, life.kinds()[:number])


class AnyFile(AnyLife):
    """Whatever the product accepted the verifier accepts, and it accepts none of what cannot have been."""

    def teardown(self) -> None:
        super().teardown()
        life = self.life
        compare(life)
        assert faults(written(life)) == [], life.kinds()
        for forged in impossible(life):
            assert faults(forged), life.kinds()


def impossible(life: Life) -> Any:
    """Files of histories that cannot have been, each with all its papers, signed by the service itself."""
    kinds = life.kinds()
    for kind in ("needs_person", "held", "finding_attached", "stop_started", "probed"):  # after the end
        extra: dict[str, Any] = {"why": "w", "reason": "r", "finding_id": "h", "key": "k", "day": "d", "result": "gone"}
        log = lines(life.log)
        log.append({"at": life.now, "actor": "x", "kind": kind, "data": extra})
        yield papers(log, life.windows, last_state=kinds[-1])
    for which in range(1, len(kinds)):  # time goes back
        if life.log[which].at > life.log[which - 1].at:
            log = lines(life.log)
            log[which - 1]["at"], log[which]["at"] = log[which]["at"], log[which - 1]["at"]
            yield papers(log, life.windows, last_state=kinds[-1])
    if kinds[-1] == "closed":
        for kind in NEEDED:
            if kinds.count(kind) == 1:
                log = [line for line in lines(life.log) if line["kind"] != kind]
                yield papers(log, life.windows, last_state="closed")


AnyFile.TestCase.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyFile = AnyFile.TestCase


@pytest.mark.parametrize("state", sorted((states.OPEN | states.ENDED) - {"new"}))
def test_a_life_in_every_state_verifies_and_none_of_its_forgeries_does(state: str) -> None:
    life = standing(state)
    compare(life)
    assert faults(written(life)) == []
    if life.p.ended is not None:
        forged = list(impossible(life))
        assert len(forged) >= 5
        assert all(faults(file) for file in forged)


def test_a_clock_that_is_set_back_writes_no_entry_before_the_last() -> None:
    life = standing("answering")
    before = life.log[-1].at
    life.now -= timedelta(hours=3)
    life.add("needs_person", why="w")
    assert life.log[-1].at == before
    assert chain.problems([entry.content() | {"sha256": entry.sha256} for entry in life.log]) == []
