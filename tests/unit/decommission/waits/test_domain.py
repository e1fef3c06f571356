"""Which waiting nobody would hear of, to the day; and what keeps an alarm."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from libs.common import days
from services.decommission.alarms import domain as alarm_domain
from services.decommission.cases import calls, states
from services.decommission.cases.case import Progress
from services.decommission.limits.domain import Windows
from services.decommission.waits import domain as wait_domain
from tests.unit.decommission import parts
from tests.unit.decommission.life import SHORT, ZONE, Life

AUTUMN = ZoneInfo("America/Toronto")  # a day of 25 hours: 2025-11-02


@pytest.mark.parametrize(
    ("at", "heard"),
    [
        (datetime(2025, 10, 31, 0, 0, tzinfo=AUTUMN), datetime(2025, 11, 3, 0, 0, tzinfo=AUTUMN)),
        (datetime(2025, 10, 31, 23, 59, tzinfo=AUTUMN), datetime(2025, 11, 3, 0, 0, tzinfo=AUTUMN)),
        (datetime(2025, 3, 7, 12, 0, tzinfo=AUTUMN), datetime(2025, 3, 10, 0, 0, tzinfo=AUTUMN)),
    ],
)
def test_a_wait_is_heard_of_on_the_third_day_after_it_began(at: datetime, heard: datetime) -> None:
    before, heard = heard.astimezone(UTC) - timedelta(seconds=1), heard.astimezone(UTC)
    assert [wait_domain.over(at, now, AUTUMN) for now in (before, heard)] == [False, True]
    assert [at < wait_domain.sealed_before(now, AUTUMN) for now in (before, heard)] == [False, True], (
        "the query says the same"
    )


def asked(*answers: str | None) -> Life:
    """A case that is asked about day by day, with what the monitor answers each day; None for no answer."""
    life = Life().reach("rechecking")
    for number, answer in enumerate(answers):
        if number:
            life.morrow()
            while life.part():
                pass
        if answer is not None:
            assert life.reply(answer)
    return life


@pytest.mark.parametrize("answer", ["inconclusive", None])
@pytest.mark.parametrize(("asks", "heard"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
def test_a_recheck_without_a_yes_or_a_no_is_heard_of_three_days_later(
    answer: str | None, asks: int, heard: bool
) -> None:
    life = asked(*[answer] * asks)
    assert wait_domain.unsure(life.p, life.now, ZONE) is heard
    later = days.after(life.now, 1, ZONE)
    assert not wait_domain.unanswered(life.p, life.now, ZONE), "today's question may still be answered today"
    assert wait_domain.unanswered(life.p, later, ZONE) is (answer is None)


def test_a_yes_between_them_begins_the_wait_anew() -> None:
    life = asked(*["inconclusive"] * 3)
    assert life.p.recheck.unsure_since is not None
    assert asked(*["inconclusive"] * 3, "confirmed").p.recheck.unsure_since is None


def test_who_holds_a_case_has_decided_and_who_was_called_to_it_has_heard() -> None:
    life = asked(*["inconclusive"] * 4)
    life.add("held", reason="r", until=None)
    assert not wait_domain.unsure(life.p, life.now, ZONE)
    life.add("released", reason="r")
    assert wait_domain.unsure(life.p, life.now, ZONE)
    life.add("needs_person", why="w")
    assert not wait_domain.unsure(life.p, life.now, ZONE)


def progress(**fields: Any) -> Progress:
    at = datetime(2025, 6, 2, 4, tzinfo=UTC)
    return parts.progress(SHORT, ZONE, opened=True, noticed_at=at, **fields)


NOW = datetime(2025, 6, 20, 4, tzinfo=UTC)
AGREED = {"answer": "close", "answered_at": datetime(2025, 6, 3, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("p", "plan", "called", "placed", "nobody"),
    [
        (progress(), None, False, True, False),  # silent for long: the next plan takes it
        (progress(), None, False, False, True),  # no limit leaves a place for it
        (progress(**AGREED), None, False, True, False),
        (progress(plan_id="p"), "sealed", False, True, False),  # two have to sign
        (progress(plan_id="p"), "sealed", False, False, False),
        (progress(plan_id="p"), "altered", False, True, True),
        (progress(plan_id="p"), "altered", True, True, False),
        (progress(plan_id="p"), "void", False, True, True),
        (progress(plan_id="p"), "rejected", False, True, True),
        (progress(plan_id="p", approved=True), "approved", False, True, True),
        (progress(person="w"), None, False, True, True),
        (progress(person="w"), None, True, True, False),
        (progress(person="w", plan_id="p"), "sealed", False, True, True),
        (progress(held_since=NOW), None, False, True, False),  # who holds it decides
        (progress(ended="closed"), None, False, True, False),
    ],
)
def test_a_case_without_a_due_date_waits_for_somebody_or_for_nobody(
    p: Progress, plan: str | None, called: bool, placed: bool, nobody: bool
) -> None:
    assert wait_domain.for_nobody(p, NOW, ZONE, plan_state=plan, called=called, placed=placed) is nobody


ONCE = datetime(2025, 6, 10, tzinfo=UTC)
LASTING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("undelivered", {"noticed_at": None, "attempts": 2}, {"attempts": 2}),
    ("undelivered", {"noticed_at": None, "attempts": 2}, {"noticed_at": None, "attempts": 2, "cancelled": "c"}),
    ("archive", {"approved": True}, {"approved": True, "archive_sha256": "a"}),
    ("archive", {"approved": True}, {}),
    ("unverified", {"alive": True}, {"alive": False}),
    ("unverified", {"alive": True}, {"alive": True, "restore_why": "r"}),
    ("unclear", {"unclear": 2}, {"unclear": 0}),
    ("restore", {"restore_why": "r"}, {"restore_why": "r", "restore_seen": True}),
    ("recheck-unsure", {"unsure_since": date(2025, 6, 10)}, {}),
    *[
        (kind, {"person": "w"}, {})
        for kind in ("needs-person", "stuck", "unknown-stop", "gone-before", "no-connector", "unsigned", "plan-altered")
    ],
]


@pytest.mark.parametrize(("kind", "still", "over"), LASTING)
def test_an_alarm_lasts_as_long_as_its_cause(kind: str, still: dict[str, Any], over: dict[str, Any]) -> None:
    def made(fields: dict[str, Any]) -> Progress:
        return parts.progress(Windows(notice_attempts=2), ZONE, opened=True, **({"noticed_at": ONCE} | fields))

    assert calls.lasts(kind, made(still))
    assert not calls.lasts(kind, made(over))
    assert not calls.lasts(kind, made(still | {"ended": "ended"})), "whatever it was, the case has ended"


def test_what_says_that_a_log_was_altered_is_ended_by_no_entry() -> None:
    assert not calls.ended_by_entry("chain-broken", parts.progress(SHORT, ZONE))
    assert calls.ended_by_entry(alarm_domain.UNHEARD, parts.progress(SHORT, ZONE)), "a case that has moved is not lost"


def test_a_case_has_left_a_plan_when_it_is_in_another_or_goes_nowhere() -> None:
    assert states.left(progress(plan_id="p"), "p") is None
    assert states.left(progress(plan_id="q"), "p") == "it has left the plan"
    assert states.left(progress(), "p") == "it has left the plan"
    assert states.left(progress(plan_id="p", cancelled="c"), "p") == "the case was cancelled"
    assert states.left(progress(plan_id="p", refuted=True), "p") == "the finding is no longer true"
    assert states.left(progress(plan_id="p", answer="keep"), "p") == "the unit keeps it"
    assert states.left(progress(plan_id="p", ended="closed", stop_ordered=True), "p") is None, "it was carried out"
