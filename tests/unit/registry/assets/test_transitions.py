"""The table of states: listed moves happen, all others raise; closed is for ever."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from libs.common.events.registry import RecordState, RunningState
from services.registry.assets.transitions import (
    EVENTS,
    RECORD_EVENTS,
    RUNNING_EVENTS,
    TRANSITIONS,
    IllegalTransition,
    move,
)

RECORDS: tuple[Any, ...] = get_args(RecordState)
RUNNINGS: tuple[Any, ...] = get_args(RunningState)


def test_the_axes_share_no_name_so_one_table_holds_both() -> None:
    assert not set(RECORDS) & set(RUNNINGS)
    for (state, event), after in TRANSITIONS.items():
        assert event in EVENTS
        assert (state in RECORDS) == (after in RECORDS)


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("running", RUNNINGS)
def test_every_pair_and_event_is_in_the_table_or_raises(record: Any, running: Any) -> None:
    for event in sorted({*EVENTS, "nonsense"}):
        moved = [state for state, own in ((record, RECORD_EVENTS), (running, RUNNING_EVENTS)) if event in own]
        moved = [record, running] if event == "close" else moved
        legal = record != "closed" and moved and all((state, event) in TRANSITIONS for state in moved)
        if not legal:
            with pytest.raises(IllegalTransition):
                move(record, running, event)
            continue
        after = move(record, running, event)
        assert after[0] == (TRANSITIONS[record, event] if event not in RUNNING_EVENTS else record)
        assert after[1] == (TRANSITIONS[running, event] if event not in RECORD_EVENTS else running)


@given(st.sampled_from(RUNNINGS), st.text(max_size=10))
def test_a_closed_record_refuses_whatever_comes(running: Any, event: str) -> None:
    for one in (*EVENTS, event):
        with pytest.raises(IllegalTransition, match="closed"):
            move("closed", running, one)


class TwoAxes(RuleBasedStateMachine):
    """Any order of events from any beginning: the axes never contradict each other."""

    record: Any = "draft"
    running: Any = "online"
    closed = False

    @initialize(running=st.sampled_from(["building", "online"]))
    def begins(self, running: str) -> None:
        self.running = running

    @rule(event=st.sampled_from(sorted(EVENTS)))
    def happens(self, event: str) -> None:
        before = (self.record, self.running)
        try:
            self.record, self.running = move(*before, event)
        except IllegalTransition:
            assert (self.record, self.running) == before
            return
        assert not self.closed, "nothing happens to what is closed"
        assert event != "delist" or self.record == before[0], "a removal by a source does not close"
        assert (self.record == "closed") == (event == "close")
        self.closed = self.record == "closed"

    @invariant()
    def closed_and_offline_go_together(self) -> None:
        assert (self.record == "closed") == (self.running == "offline")

    @invariant()
    def known_states_only(self) -> None:
        assert self.record in RECORDS
        assert self.running in RUNNINGS


TestTwoAxes = TwoAxes.TestCase
