"""A case under every order of facts that hypothesis can think of: what may never happen, and what always must."""

from dataclasses import asdict
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from libs.common import days
from services.decommission.cases import chain, next_move, states, transitions
from services.decommission.cases.domain import IllegalEntry
from services.decommission.limits import domain as limit_domain
from tests.unit.decommission.life import SHORT, ZONE, Life, exported

OUTCOMES = st.sampled_from(["well", "well", "well", "refused", "died", "unclear", "gave way"])
VERDICTS = st.sampled_from(["confirmed", "confirmed", "refuted", "inconclusive"])
SOMEBODY = {
    "held": {"reason": "r", "until": None},
    "released": {"reason": "r"},
    "cancelled": {"reason": "no"},
    "restore_asked": {"reason": "back"},
    "resumed": {"reason": "seen"},
    "cleared": {"finding_id": "f"},
    "endpoint_changed": {},
    "sponsor_changed": {"unit_id": "v"},
    "finding_attached": {"finding_id": "g", "rule": "C16", "evidence_sha256": "e"},
    "unplanned": {"plan_id": "p", "why": "changed"},
}


class AnyLife(RuleBasedStateMachine):
    """Facts come in any order; the executor does what the saga proposes, and the outside does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()

    @rule(hours=st.sampled_from([1, 11, 24, 24, 49]))
    def time_passes(self, hours: int) -> None:
        self.life.now += timedelta(hours=hours)

    @rule(outcome=OUTCOMES)
    def the_executor_works(self, outcome: str) -> None:
        life, p = self.life, self.life.p
        if isinstance(life.move, next_move.Do) and life.move.step == "stop":
            assert p.notice is not None, "no proof of notice"
            assert p.approval is not None, "no signatures"
            assert p.archive_sha256 is not None, "no package"
            assert p.slot.day == life.today, "no place today"
            assert p.recheck.confirmed_day == life.today, "no yes of today"
            assert p.hold is None
            assert p.cancelled is None
            assert not p.refuted
            assert p.answer != "keep"
        life.do(outcome)  # an entry that the state refuses would raise: whatever is proposed can be written down

    @rule()
    def a_good_day_goes_by(self) -> None:
        """So that the late parts of a life are met as often as the early ones."""
        self.life.settle()
        self.life.morrow()

    @rule(verdict=VERDICTS)
    def the_monitor_replies(self, verdict: str) -> None:
        self.life.reply(verdict)

    @rule()
    def the_plan_of_the_day_is_sealed(self) -> None:
        self.life.seal()

    @rule()
    def two_people_sign(self) -> None:
        self.life.approve()

    @rule(answer=st.sampled_from(["keep", "close", "fix"]), days=st.integers(0, 5))
    def the_unit_answers(self, answer: str, days: int) -> None:
        until = (self.life.today + timedelta(days=days)).isoformat() if answer == "fix" else None
        if answer == "fix" and self.life.p.plan_id is not None:
            return  # too late for a promise
        self.life.may("answered", answer=answer, reason="", until=until)

    @rule(kind=st.sampled_from(sorted(SOMEBODY)))
    def somebody_acts(self, kind: str) -> None:
        legal = states.state_of(self.life.p) in transitions.LEGAL[kind]
        taken = self.life.may(kind, **SOMEBODY[kind])
        assert legal or not taken

    @rule(days=st.integers(0, 6))
    def somebody_holds_for_days(self, days: int) -> None:
        self.life.may("held", reason="r", until=(self.life.today + timedelta(days=days)).isoformat())

    @precondition(lambda self: self.life.p.ended is not None)
    @rule(kind=st.sampled_from(sorted(transitions.LEGAL)))
    def nothing_comes_after_the_end(self, kind: str) -> None:
        assert self.life.move == next_move.Done()
        with pytest.raises(IllegalEntry):
            transitions.check(self.life.p, kind)

    @invariant()
    def the_same_log_gives_the_same_progress(self) -> None:
        assert self.life.p == self.life.p
        assert self.life.state in states.OPEN | states.ENDED

    @invariant()
    def the_chain_is_whole(self) -> None:
        assert chain.problems(exported(self.life.log)) == []

    @invariant()
    def what_goes_to_its_end_takes_no_entry_towards_a_stop(self) -> None:
        p = self.life.p
        if p.ended is None and (p.cancelled is not None or p.refuted or (p.answer == "keep" and not p.stop.ordered)):
            assert not any(transitions.may(p, kind) for kind in transitions.TOWARDS_STOP), self.life.kinds()

    @invariant()
    def a_hold_lets_nothing_move(self) -> None:
        if self.life.p.hold is not None and self.life.p.ended is None:
            assert isinstance(self.life.move, next_move.Wait) or self.life.move == next_move.Do("release")

    @invariant()
    def a_wait_lies_ahead(self) -> None:
        if isinstance(self.life.move, next_move.Wait) and self.life.move.until is not None:
            assert self.life.move.until > self.life.now or self.life.p.hold is not None

    def teardown(self) -> None:
        """However odd the beginning, with a well-behaved world it comes to its end; cancelled means cancelled."""
        life = self.life
        cancelled = life.p.cancelled is not None and life.p.ended is None
        for _ in range(80):
            life.settle()
            if life.p.ended is not None:
                break
            if life.p.hold is not None:
                life.add("released", reason="enough")
            elif life.p.person is not None:
                life.add("resumed", reason="seen")
            elif life.state == "undelivered":
                life.add("endpoint_changed")
            life.morrow()
        assert life.p.ended is not None, (life.state, life.move, life.kinds())
        if cancelled:
            assert (life.log[-1].kind, life.log[-1].data["outcome"]) == ("ended", "cancelled"), life.kinds()
        check_the_end(life)


def longest_run(days: list[int]) -> int:
    """How many days in a row there are at most; 0 is no day."""
    best = run = before = 0
    for day in days:
        run = 0 if day == 0 else run + 1 if day == before + 1 else 1
        best, before = max(best, run), day
    return best


def check_the_end(life: Life) -> None:
    """What holds of every life that has ended, whatever happened on the way."""
    kinds = life.kinds()
    if "stop_accepted" in kinds and kinds[-1] != "closed":
        after = kinds[kinds.index("stop_accepted") :]
        assert "restore_accepted" in after, "what was stopped and is not closed came back"
        assert life.log[-2].data.get("result") == "alive", "and was seen to answer"
    if "stop_unanswered" in kinds and kinds[-1] != "closed":
        assert "restore_accepted" in kinds, "what may have been stopped and is not closed came back"
    if kinds[-1] == "closed":
        for kind in ("noticed", "approved", "announced", "archived", "confirmed", "stop_accepted", "disposed"):
            assert kind in kinds[:-1], kind
        looks = [(e.data["day"], e.data["result"]) for e in life.log if e.kind == "probed"]
        assert looks[-1] == (life.log[-2].data.get("day"), "gone"), "seen to be gone on the day of its disposal"
        came = next(n for n in range(len(looks), -1, -1) if n == 0 or looks[n - 1][1] == "alive")
        gone = [date.fromisoformat(day).toordinal() if seen == "gone" else 0 for day, seen in looks[came:]]
        assert longest_run(gone) >= life.windows.verify_days, "gone on so many days in a row since it was last alive"
    assert kinds.count("stop_accepted") <= 1
    assert kinds.count("noticed") <= 1 + kinds.count("sponsor_changed") + kinds.count("endpoint_changed")


AnyLife.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyLife = AnyLife.TestCase


def standing(state: str) -> Life:
    """A life that stands in a state."""
    life = Life()
    if state == "undelivered":
        life.reach("noticing")
        for _ in range(2):
            life.do("refused")
            life.morrow()
    elif state == "needs_person":
        life.reach("answering").add("needs_person", why="w")
    elif state == "fixing":
        life.reach("answering").add("answered", answer="fix", until=life.today.isoformat(), reason="")
    elif state == "unverified":
        life.reach("verifying").morrow()
        life.do("refused")
    elif state == "restoring":
        life.reach("verified").add("restore_asked", reason="r")
    elif state == "ready":
        life.reach("answering").morrow()
        life.add("answered", answer="close", until=None, reason="")
    elif state == "stopping":
        life.reach("rechecking")
        while life.move != next_move.Do("stop"):
            assert life.do() or life.reply("confirmed")
        life.do("died")
    elif state in ("closed", "restored"):
        life = standing("restoring") if state == "restored" else life
        life.days(state)
    elif state == "ended":
        life.reach("answering").add("cancelled", reason="r")
        life.settle()
    elif state != "new":
        life.reach(state)
    if state == "new":
        life.log.clear()
    assert life.state == state
    return life


@pytest.mark.parametrize("state", sorted(states.OPEN | states.ENDED))
def test_what_the_table_does_not_name_raises_in_every_state(state: str) -> None:
    p = standing(state).p
    for kind, allowed in transitions.LEGAL.items():
        silence = (state, kind) == ("answering", "planned")  # a window that ran out in silence writes no entry
        if state not in allowed and not silence:
            with pytest.raises(IllegalEntry):
                transitions.check(p, kind)
    with pytest.raises(IllegalEntry):
        transitions.check(p, "no_such_entry")


CANCELLABLE = sorted(transitions.LEGAL["cancelled"])


@pytest.mark.parametrize("state", CANCELLABLE)
def test_a_cancel_before_disposal_always_ends_cancelled_and_unwinds_a_stop(state: str) -> None:
    life = standing(state)
    told = "stop_started" in life.kinds()
    life.add("cancelled", reason="no")
    for _ in range(3):
        life.settle()
        life.morrow()
    assert (life.log[-1].kind, life.log[-1].data["outcome"]) == ("ended", "cancelled")
    assert ("restore_accepted" in life.kinds()) == told
    assert "closed" not in life.kinds()


ENDINGS: dict[str, dict[str, Any]] = {
    "cancelled": {"reason": "no"},
    "answered": {"answer": "keep", "reason": "needed", "until": None},
    "cleared": {"finding_id": "f"},
}


@pytest.mark.parametrize("ending", sorted(ENDINGS))
@pytest.mark.parametrize("state", sorted(states.BEFORE_STOP | {"stopping", "needs_person"}))
def test_after_a_cancel_a_keep_or_a_finding_that_fell_no_entry_leads_to_a_stop(state: str, ending: str) -> None:
    """Whatever else is written down after it, in every order of two; but a unit may take its keep back."""
    life = standing(state)
    if not life.may(ending, **ENDINGS[ending]):
        return
    for first, second in product(sorted(SOMEBODY), repeat=2):
        log = list(life.log)
        for kind in (first, second):
            life.may(kind, **SOMEBODY[kind])
        if not ({"sponsor_changed"} & {first, second}):  # the next unit is asked anew
            assert not any(transitions.may(life.p, kind) for kind in transitions.TOWARDS_STOP), (
                state,
                ending,
                first,
                second,
            )
        life.log[:] = log


def test_every_state_before_the_disposal_can_be_cancelled() -> None:
    assert states.OPEN - set(CANCELLABLE) <= {"new", "disposed", "restoring"}


def test_a_restore_comes_within_its_window_and_not_after() -> None:
    for state in sorted(states.OPEN | states.ENDED):
        allowed = standing(state).may("restore_asked", reason="r")
        assert allowed == (state in states.AFTER_STOP), state
    life = standing("verified")
    verified = life.p.looks.verified_at
    assert verified is not None
    assert life.move == next_move.Wait(days.after(verified, life.windows.restore_days, ZONE))
    life.now = verified + timedelta(days=life.windows.restore_days)
    assert life.do() == "probe", "it may have come back in the meantime"
    assert life.move == next_move.Do("dispose")


@pytest.mark.parametrize(("seen", "state"), [("refused", "unverified"), ("unclear", "verified")])
def test_what_is_not_seen_to_be_gone_on_the_day_of_its_disposal_is_not_disposed_of(seen: str, state: str) -> None:
    life = standing("verified")
    life.now += timedelta(days=life.windows.restore_days)
    assert life.do(seen) == "probe"
    assert isinstance(life.move, next_move.Wait)
    assert life.state == state
    life.days("closed")
    seen_on = [entry.data["result"] for entry in life.log if entry.kind == "probed"]
    # what came back is proved to be gone anew, with a restore window of its own
    assert seen_on == ["gone"] * 2 + (["alive", "gone", "gone", "gone"] if seen == "refused" else ["unclear", "gone"])


def test_a_finding_cleared_while_a_person_looks_ends_the_case_unless_it_is_stopped() -> None:
    life = standing("needs_person")
    life.add("cleared", finding_id="f", reason="it posted")
    life.add("resumed", reason="seen")
    assert life.move == next_move.Do("end")
    life = standing("verified")
    life.add("needs_person", why="w")
    assert not life.may("cleared", finding_id="f", reason="nobody watches it any more")


def test_a_yes_to_a_finding_that_fell_since_opens_no_gate() -> None:
    life = standing("rechecking")
    while life.move != next_move.Do("stop"):
        assert life.do() or life.reply("confirmed")
    life.add("finding_refuted", finding_id="f", reason="it posted")
    assert life.move == next_move.Do("ask")


def test_a_place_that_the_limits_took_back_is_none() -> None:
    life = standing("rechecking")
    while life.move != next_move.Do("stop"):
        assert life.do() or life.reply("confirmed")
    life.add("slot_missed", day=life.today.isoformat())
    assert isinstance(life.move, next_move.Wait)
    life.morrow()
    assert life.do() == "reserve"


def test_what_is_stopped_and_parked_comes_back_without_being_resumed_first() -> None:
    """Resumed, its window may be over and the next thing done would be its disposal."""
    life = standing("verified")
    life.add("needs_person", why="w")
    life.now += timedelta(days=99)
    life.add("restore_asked", reason="back")
    assert life.move == next_move.Do("restore")
    life.add("needs_person", why="w")
    assert not life.may("restore_asked", reason="it is on its way")
    life.add("resumed", reason="seen")
    life.days("restored")


@pytest.mark.parametrize("unclear", ["stop_unanswered", "needs_person"])
def test_a_refusal_says_nothing_of_an_earlier_order_that_may_have_been_carried_out(unclear: str) -> None:
    life = standing("stopping")
    if unclear == "needs_person":
        life.add("needs_person", why="no result", unknown="stop")
        life.add("resumed", reason="seen")
    else:
        life.add("stop_unanswered", why="HTTP 504")
    life.morrow()
    while life.move != next_move.Do("stop"):
        assert life.do() or life.reply("confirmed")
    life.begin("stop")
    life.add("stop_failed", why="HTTP 403")
    assert life.state == "stopping"
    life.add("cleared", finding_id="f", reason="it posted")
    life.days("ended")
    assert "restore_accepted" in life.kinds()


@pytest.mark.parametrize("before", ["answering", "planned", "announced", "archived", "rechecking"])
def test_a_unit_keeps_its_asset_also_while_a_person_looks(before: str) -> None:
    life = standing(before)
    life.add("needs_person", why="w")
    life.add("answered", answer="keep", reason="needed", until=None)
    assert life.move == next_move.Wait(None), "a person is looking"
    life.add("resumed", reason="seen")
    life.days("ended", most=2)
    assert life.log[-1].data["outcome"] == "kept"
    assert "stop_started" not in life.kinds()


def test_a_receipt_comes_late_also_while_a_person_looks() -> None:
    life = standing("noticing")
    life.do("died")
    life.add("needs_person", why="w", unknown="notice")
    assert not life.may("answered", answer="keep", reason="", until=None), "nothing proves that it was told"
    life.add("noticed", notice_sha256="n", unit_id="u", received_on="d", receipt_sha256="r")
    assert not life.may("noticed", notice_sha256="n", unit_id="u", received_on="d", receipt_sha256="r")
    life.add("resumed", reason="seen")
    assert life.state == "answering"
    life.days("closed")


@pytest.mark.parametrize("state", ["stopping", "verifying", "verified"])
def test_once_a_stop_is_ordered_a_keep_is_too_late_whoever_looks(state: str) -> None:
    life = standing(state)
    life.add("needs_person", why="w")
    assert not life.may("answered", answer="keep", reason="", until=None)


WAITS = {"answering": "answer_days", "announced": "announce_days", "verified": "restore_days"}


@pytest.mark.parametrize("state", sorted(WAITS))
@pytest.mark.parametrize(("pieces", "held"), [([5], 0), ([1, 30], 1), ([24, 24, 24], 3), ([0], 0)], ids=str)
def test_holds_prolong_a_wait_by_exactly_the_days_held(state: str, pieces: list[int], held: int) -> None:
    life = standing(state)
    before = life.move
    assert isinstance(before, next_move.Wait)
    assert before.until is not None
    for hours in pieces:
        life.now += timedelta(hours=1)
        life.add("held", reason="r", until=None)
        assert life.move == next_move.Wait(None)
        life.now += timedelta(hours=hours)
        life.add("released", reason="r")
    assert life.move == next_move.Wait(days.after(before.until, held, ZONE))


def test_a_hold_of_an_earlier_wait_does_not_prolong_a_later_one() -> None:
    life = standing("answering")
    life.add("held", reason="r", until=None)
    life.now += timedelta(days=9)
    life.add("released", reason="r")
    life.reach("announced")
    announced = life.p.announced_at
    assert announced is not None
    assert life.move == next_move.Wait(days.after(announced, life.windows.announce_days, ZONE))


def test_of_a_hold_that_began_before_the_wait_only_the_part_within_it_counts() -> None:
    life = Life()
    life.do("died")
    life.add("held", reason="r", until=None)
    life.now += timedelta(days=4)
    life.add("noticed", notice_sha256="n", unit_id="u", received_on="d", receipt_sha256="r")  # a late receipt
    noticed = life.now
    life.now += timedelta(hours=31)
    life.add("released", reason="r")
    assert life.move == next_move.Wait(days.after(noticed, life.windows.answer_days + 1 + 1, ZONE))


def test_a_second_hold_on_top_moves_the_end_and_not_the_beginning() -> None:
    life = standing("answering")
    before = life.move
    assert isinstance(before, next_move.Wait)
    assert before.until is not None
    life.add("held", reason="r", until=(life.today + timedelta(days=1)).isoformat())
    life.now += timedelta(days=3)
    life.add("held", reason="longer", until=None)
    life.now += timedelta(days=4)
    life.add("released", reason="r")
    assert life.move == next_move.Wait(days.after(before.until, 7, ZONE))


@pytest.mark.parametrize(
    ("days", "longest"), [([None, 1], None), ([1, None], None), ([9, 1], 9), ([1, 9], 9), ([2, None, 5], None)], ids=str
)
def test_a_later_hold_never_shortens_an_earlier_one(days: list[int | None], longest: int | None) -> None:
    """A court's order until further notice is not over tomorrow because of a complaint."""
    life = standing("announced")
    first = life.today
    for each in days:
        until = None if each is None else (first + timedelta(days=each)).isoformat()
        life.add("held", reason="r", until=until)
    assert life.p.hold is not None
    assert life.p.hold.until == (None if longest is None else first + timedelta(days=longest))
    for _ in range(8):
        life.morrow()
        assert isinstance(life.move, next_move.Wait)
    life.add("released", reason="r")
    assert life.p.hold is None
    life.add("held", reason="a new one", until=(life.today + timedelta(days=1)).isoformat())
    assert life.p.hold is not None, "a new one"
    assert life.p.hold.until == life.today + timedelta(days=1)


def test_a_hold_is_released_when_its_day_is_over_before_anything_else() -> None:
    life = standing("announced")
    life.add("held", reason="r", until=(life.today + timedelta(days=2)).isoformat())
    for _ in range(3):
        assert isinstance(life.move, next_move.Wait)
        life.morrow()
    assert life.do() == "release"
    assert life.p.hold is None


def test_a_parked_case_is_tried_again_when_the_endpoint_changes() -> None:
    life = standing("undelivered")
    life.now += timedelta(days=100)
    assert life.move == next_move.Wait(None)
    life.add("endpoint_changed")
    assert life.move == next_move.Do("notice")
    assert life.state == "noticing"


@pytest.mark.parametrize("state", ["planned", "approved", "announced", "archived"])
def test_an_asset_that_is_kept_after_all_is_not_stopped(state: str) -> None:
    life = standing(state)
    life.add("answered", answer="keep", reason="needed", until=None)
    life.days("ended", most=5)
    assert life.log[-1].data["outcome"] == "kept"
    assert "stop_started" not in life.kinds()


def test_a_fix_that_was_none_is_confirmed_and_goes_on_to_the_plan() -> None:
    life = standing("answering")
    life.add("answered", answer="fix", reason="", until=(life.today + timedelta(days=2)).isoformat())
    for _ in range(3):
        assert isinstance(life.move, next_move.Wait), "the day that it names is the unit's"
        life.morrow()
    assert life.do() == "ask"
    life.now += timedelta(hours=1)
    assert life.reply("confirmed")
    assert life.move == next_move.Plan()
    assert next_move.ready_since(life.p) == life.now
    life.days("closed")


def test_an_answer_of_yesterday_is_asked_for_again() -> None:
    life = standing("rechecking")
    life.settle("inconclusive")
    assert life.state == "rechecking"
    life.morrow()
    assert life.do() == "reserve"
    assert life.do() == "ask"
    assert life.reply("confirmed")
    assert life.move == next_move.Do("stop")
    life.morrow()
    assert life.move != next_move.Do("stop"), "a yes and a place are worth their day"


def test_a_day_without_a_probe_begins_the_proof_anew() -> None:
    life = standing("verifying")
    life.morrow()
    life.do()
    life.morrow()
    life.morrow()
    life.do()
    assert life.state == "verifying"
    life.morrow()
    life.do()
    assert life.state == "verified"


@pytest.mark.parametrize(("kept", "ready"), [(True, False), (False, True)], ids=["now", "before"])
def test_a_case_from_before_keeps_the_windows_it_was_opened_with(kept: bool, ready: bool) -> None:
    """It was opened when a unit that agreed waived all of its window."""
    given = {name: days for name, days in asdict(SHORT).items() if kept or name not in limit_domain.YOUNGER}
    life = Life(limit_domain.pinned(given)).reach("answering")
    life.add("answered", answer="close", until=None, reason="")
    assert (life.move == next_move.Plan(), life.state == "ready") == (ready, ready)
