"""The oracle of the cases: each fate, day by day, by the documented windows."""

from datetime import date, timedelta

import cast
import oracle
import pytest
import register
from closing import Case, Closing
from register import Account, Identity
from scenario import Fate, Life, Scenario, Windows
from watching import Sweep

START = date(2025, 6, 5)
WHO: Identity = ("x", "somebody")


def day(n: int) -> date:
    return START + timedelta(days=n)


def one(fate: Fate, *, unit: str = "Unit", days: int = 120, cleared: int | None = None, known: int = 7) -> Case:
    """The case of one account that is flagged on day 0, after `days` days; its unit is known since `known` days."""
    account = Account(WHO, unit, "English", [START], [], [(day(-known), unit)])
    life = Life(WHO, "x-en", 1, 0, "dead", fate, ((START, None),))
    play = Scenario(0, tuple(day(n) for n in range(days)), Windows(), {WHO: account}, {WHO: life}, None, "Away", "Mute")
    closing = Closing(play)
    for n in range(days):
        sweep = Sweep(day(n))
        if n == 0:
            sweep.opened.append((WHO, "C15"))
        if n == cleared:
            sweep.cleared.append((WHO, "C15"))
        closing.round(day(n), sweep)
    closing.check_limits()
    return closing.cases[0]


@pytest.mark.parametrize(
    ("fate", "state", "noticed", "stopped", "ended"),
    [
        ("silence", "closed", 0, 15 + 1 + 1 + 30, 47 + 3 + 15),
        ("close", "closed", 0, 3 + 1 + 30, 34 + 3 + 15),
        ("keep", "kept", 0, None, 0),
        ("hold", "closed", 0, 47 + 15 + 1, 65 + 15 + 1),
        ("restore", "restored", 0, 47, 47 + 3 + 5),
        ("liar", "unverified", 0, 47, None),
    ],
)
def test_each_fate_takes_its_days(fate: Fate, state: str, noticed: int, stopped: int | None, ended: int | None) -> None:
    case = one(fate)
    assert (case.state, case.noticed) == (state, day(noticed))
    assert case.stopped == (None if stopped is None else day(stopped))
    assert case.ended == (None if ended is None else day(ended))


@pytest.mark.parametrize(("known", "noticed"), [(0, 7), (6, 1), (7, 0)])
def test_a_unit_s_young_key_proves_no_notice(known: int, noticed: int) -> None:
    case = one("silence", known=known)
    assert (case.state, case.noticed, case.stopped) == ("closed", day(noticed), day(noticed + 47))


@pytest.mark.parametrize(("fate", "state"), [("fix", "fixed"), ("revive", "refuted")])
def test_a_finding_that_is_no_longer_true_ends_its_case(fate: Fate, state: str) -> None:
    case = one(fate, cleared=9)
    assert (case.state, case.ended, case.stopped) == (state, day(9), None)


@pytest.mark.parametrize("unit", ["Away", "Mute"])
def test_without_proof_of_notice_a_case_goes_no_further(unit: str) -> None:
    assert one("silence", unit=unit, days=6).state == "noticing"
    case = one("silence", unit=unit)
    assert (case.state, case.attempts, case.noticed, case.stopped) == ("undelivered", 3, None, None)


def test_a_play_that_would_meet_a_limit_is_refused() -> None:
    account = Account(WHO, "Unit", "English", [START], [], [(START, "Unit")])
    many: list[Identity] = [("x", str(n)) for n in range(11)]
    accounts = {k: Account(k, "Unit", "English", [START], [], account.departments) for k in many}
    lives = {k: Life(k, "x-en", 1, 0, "dead", "silence") for k in many}
    play = Scenario(0, (START,), Windows(), accounts, lives, None, "", "")
    closing = Closing(play)
    closing.round(START, Sweep(START, opened=[(k, "C15") for k in many]))
    for n in range(60):
        closing.round(day(n + 1), Sweep(day(n + 1)))
    with pytest.raises(ValueError, match="limit of 10"):
        closing.check_limits()


@pytest.mark.parametrize("days", [1, 4, 30, 210])
def test_the_numbers_add_up_for_any_length(days: int) -> None:
    rows = register.read_register()
    accounts = register.accounts(rows, register.read_changes())
    numbers = oracle.expect(cast.make(accounts, days=days, seed=7, windows=Windows()), rows).numbers
    assert numbers["recorded"] + numbers["twins refused"] == len(rows)
    assert numbers["recorded"] + numbers["added"] == len(accounts)
    ends = ("undelivered", "kept", "fixed", "refuted", "closed and verified", "unverified", "restored", "under way")
    assert sum(numbers[name] for name in ends) == numbers["cases"]
    assert numbers["flagged"] == sum(count for name, count in numbers.items() if name.startswith("flagged by"))
    if days == 210:
        assert numbers["flagged on recovery"] >= 4
        assert all(numbers[name] for name in ends)
