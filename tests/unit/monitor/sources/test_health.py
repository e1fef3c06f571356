"""Health of sources: each way of being ill, and a machine of random days against a naive reading of the rule."""

from datetime import date, timedelta
from statistics import median

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.monitor.sources.health import Health, SourceDay, Terms, judge_source

START = date(2025, 6, 5)


def on(number: int) -> date:
    return START + timedelta(days=number)


def days(*given: tuple[int, int, int | None, int | None]) -> list[SourceDay]:
    return [
        SourceDay(day=on(number), received=received, stated=stated, covered=covered)
        for number, received, stated, covered in given
    ]


WHOLE = [(n, 5, 5, 100) for n in range(10)]


@pytest.mark.parametrize(
    ("terms", "stated", "today", "code"),
    [
        (Terms(), WHOLE, 10, "well"),
        (Terms(), WHOLE, 9, "well"),
        (Terms(), WHOLE, 11, "late"),
        (Terms(rhythm_days=7), WHOLE, 16, "well"),
        (Terms(rhythm_days=7), WHOLE, 17, "late"),
        (Terms(), [*WHOLE, (10, 4, 5, 100)], 10, "well"),  # the day is not over
        (Terms(), [*WHOLE, (10, 4, 5, 100)], 11, "partial"),
        (Terms(), [*WHOLE, (10, 6, 5, 100)], 11, "broken"),
        (Terms(), [*WHOLE, (10, 4, 5, 100), *[(n, 5, 5, 100) for n in range(11, 18)]], 17, "partial"),
        (Terms(), [*WHOLE, (10, 4, 5, 100), *[(n, 5, 5, 100) for n in range(11, 19)]], 18, "well"),
        (Terms(), [*WHOLE, (10, 5, 5, 80)], 11, "well"),
        (Terms(), [*WHOLE, (10, 5, 5, 79)], 11, "shrunk"),
        (Terms(floor_share=0.5), [*WHOLE, (10, 5, 5, 50)], 11, "well"),
        (Terms(), [*WHOLE, (10, 0, 0, 0)], 11, "shrunk"),
        (Terms(), [*WHOLE, (10, 7, None, None)], 11, "late"),
        (Terms(), [(5, 5, 5, 100)], 6, "well"),  # nothing is due before its first statement
        (Terms(), [(-3, 5, 5, 100), *WHOLE], 10, "well"),
        (Terms(), [(-3, 5, 5, 100)], 1, "silent"),  # what it stated before it was admitted is nothing
        (Terms(), [], 0, "awaited"),
        (Terms(), [], 1, "silent"),
    ],
)
def test_a_source_is_believed_only_while_its_days_are_whole(
    terms: Terms, stated: list[tuple[int, int, int | None, int | None]], today: int, code: str
) -> None:
    health = judge_source(terms, START, days(*stated), on(today))
    assert health.code == code
    assert health.healthy == (code in ("well", "awaited"))
    assert health.zh in health.reason
    assert health.en in health.reason


@pytest.mark.parametrize("stated", [WHOLE, []])
def test_what_is_not_admitted_is_never_believed(stated: list[tuple[int, int, int | None, int | None]]) -> None:
    health = judge_source(Terms(), None, days(*stated), on(10))
    assert (health.healthy, health.code) == (False, "unadmitted")


class SourceMachine(RuleBasedStateMachine):
    """Days pass, records arrive late or twice, statements come, are missing and are replaced."""

    @initialize(rhythm=st.integers(1, 3), lookback=st.integers(1, 5), floor=st.sampled_from([0.0, 0.5, 0.8, 1.0]))
    def begin(self, rhythm: int, lookback: int, floor: float) -> None:
        self.terms = Terms(rhythm_days=rhythm, floor_share=floor, lookback_days=lookback)
        self.today = 0
        self.received: dict[int, int] = {}
        self.stated: dict[int, tuple[int, int]] = {}

    @rule(by=st.integers(1, 3))
    def days_pass(self, by: int) -> None:
        self.today += by

    @rule(ago=st.integers(0, 8), count=st.integers(1, 3))
    def records_arrive(self, ago: int, count: int) -> None:
        self.received[self.today - ago] = self.received.get(self.today - ago, 0) + count

    @rule(ago=st.integers(0, 8), records=st.integers(0, 4), covered=st.integers(0, 10))
    def source_states(self, ago: int, records: int, covered: int) -> None:
        self.stated[self.today - ago] = (records, covered)

    @rule(ago=st.integers(0, 8), covered=st.integers(5, 10))
    def source_states_the_truth(self, ago: int, covered: int) -> None:
        self.stated[self.today - ago] = (self.received.get(self.today - ago, 0), covered)

    @rule(back=st.integers(1, 12), covered=st.integers(8, 10))
    def source_restates_everything(self, back: int, covered: int) -> None:
        for day in range(self.today - back, self.today + 1):
            self.stated[day] = (self.received.get(day, 0), covered)

    @invariant()
    def health_is_what_the_rule_says(self) -> None:
        if not hasattr(self, "terms"):
            return
        touched = set(self.received) | set(self.stated)
        known = [
            (d, self.received.get(d, 0), *self.stated.get(d, (None, None)))
            for d in sorted(touched, key=lambda d: d * 7 % 11)
        ]
        health: Health = judge_source(self.terms, on(0), days(*known), on(self.today))
        assert health.healthy == self.naive(), health

    def naive(self) -> bool:
        known = {day: statement for day, statement in self.stated.items() if 0 <= day <= self.today}
        due = [
            day
            for day in range(-30, self.today - self.terms.rhythm_days + 1)
            if day > self.today - self.terms.rhythm_days - self.terms.lookback_days
        ]
        if not known:
            return self.today - self.terms.rhythm_days < 0
        due = [day for day in due if day >= min(known)]
        if any(day not in known or known[day][0] != self.received.get(day, 0) for day in due):
            return False
        latest = max(known)
        before = [known[day][1] for day in sorted(known) if day < latest][-28:]
        return not before or known[latest][1] >= self.terms.floor_share * median(before)


TestSourceMachine = SourceMachine.TestCase
TestSourceMachine.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
