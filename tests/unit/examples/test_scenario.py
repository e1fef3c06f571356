"""Who does what in the play: drawn by a seed, the same every time, within the product's limits."""

import itertools
from collections import Counter
from datetime import date, timedelta

import cast
import pytest
import register
import scenario
from hypothesis import given
from hypothesis import strategies as st
from scenario import Life, Scenario, Windows

ACCOUNTS = register.accounts(register.read_register(), register.read_changes())


def play(days: int = 210, seed: int = 2025) -> Scenario:
    return cast.make(ACCOUNTS, days=days, seed=seed, windows=Windows())


def test_the_days_of_the_play() -> None:
    assert scenario.play_days(210)[0] == date(2025, 6, 5)
    assert scenario.play_days(434)[0] == register.AS_OF
    assert scenario.play_days(1) == (register.LAST_DAY,)
    with pytest.raises(ValueError, match="434"):
        scenario.play_days(435)


def test_the_same_seed_gives_the_same_play_and_another_another() -> None:
    assert play().lives == play().lives
    assert play().lives != play(seed=2026).lives


def test_the_shares_stated_in_the_readme() -> None:
    lives = play().lives
    roles = Counter(life.role for life in lives.values())
    assert 0.04 < roles["dead"] / len(lives) < 0.055
    assert 0.03 < roles["pause"] / len(lives) < 0.04
    assert 0.007 < roles["shell"] / len(lives) < 0.013
    assert [life.fate for life in lives.values()].count("liar") == 1


def test_the_blind_source_is_blind_for_six_weeks_over_some_who_are_dead() -> None:
    cast = play()
    blind = cast.blindness
    assert blind is not None
    assert (blind.recovery - blind.first).days == 42
    dead = [
        life
        for life in cast.lives.values()
        if life.source == blind.source and life.role == "dead" and life.silences[0][1] is None
    ]
    due = [(life.last_post(life.silences[0][0], cast.start) or cast.start) + timedelta(days=91) for life in dead]
    assert sum(blind.covers(day) for day in due) >= 4


def test_parts_go_only_to_accounts_that_the_log_leaves_alone() -> None:
    for life in play().lives.values():
        if life.role != "alive":
            assert not ACCOUNTS[life.identity].touched


def test_a_changed_line_moves_nobody_else() -> None:
    rows = register.read_register()
    del rows[500]
    other = cast.make(register.accounts(rows, register.read_changes()), days=210, seed=2025, windows=Windows()).lives
    moved = [k for k, life in play().lives.items() if k in other and other[k] != life]
    assert len(moved) <= 8  # the shares are of a total that is one smaller: the last drawn of each may change


@given(
    rhythm=st.sampled_from(cast.RHYTHMS),
    phase=st.integers(0, 6),
    since=st.integers(0, 60),
    length=st.one_of(st.none(), st.integers(1, 60)),
)
def test_a_life_posts_in_its_rhythm_and_never_in_its_silence(
    rhythm: int, phase: int, since: int, length: int | None
) -> None:
    start = date(2025, 6, 5)
    silent = start + timedelta(days=since)
    back = None if length is None else silent + timedelta(days=length)
    life = Life(("x", "a"), "x-en", rhythm, phase, "pause", None, ((silent, back),))
    days = [start + timedelta(days=n) for n in range(130)]
    posted = [day for day in days if life.posts(day)]
    assert not [day for day in posted if silent <= day and (back is None or day < back)]
    for one, next_ in itertools.pairwise(posted):
        if not one < silent <= next_:
            assert (next_ - one).days <= rhythm
    if back is not None:
        assert life.posts(back)
    assert life.last_post(silent, start) == max((day for day in posted if day < silent), default=None)
