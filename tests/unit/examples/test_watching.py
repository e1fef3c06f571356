"""The oracle of the sweeps against the definitions, counted out day by day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from register import Account
from scenario import Blindness, Life, Scenario, Windows
from watching import Truth, Watch

START = date(2025, 6, 5)
WINDOWS = Windows(idle_after=4, zombie_after=9, shell_after=6)


def day(n: int) -> date:
    return START + timedelta(days=n)


def by_definition(play: Scenario, account: Account, life: Life, today: date) -> dict[str, Truth]:
    """What is vouched for and known on a day, one day after another; then the rules as the pack writes them."""
    blind = play.blindness
    days = [d for d in play.days if d <= today]
    late = {d for d in days if blind and life.source == blind.source and blind.covers(d) and today < blind.recovery}
    vouched = [d for d in days if account.listed_on(d) and d not in late]
    posts = [d for d in vouched if life.posts(d)]
    believed = len(late) <= 1  # a statement may be one day late
    judged = vouched[-1] if vouched and believed and today - vouched[-1] <= timedelta(days=1) else None
    since: int | None = None
    silent: int | None = None
    if judged is not None:
        run = [judged]
        while run[-1] - timedelta(days=1) in vouched:
            run.append(run[-1] - timedelta(days=1))
        silent = 0
        for d in run:
            if d in posts:
                break
            silent += 1
        if posts and posts[-1] >= run[-1] - timedelta(days=1):
            since = (judged - posts[-1]).days

    def over(limit: int) -> Truth:
        sides = [None if n is None else n > limit for n in (since, silent)]
        return True if True in sides else None if None in sides else False

    listed = (today - account.listed[0]).days > WINDOWS.shell_after
    if not believed or not vouched:
        shell: Truth = None if listed else False
    else:
        shell = life.role == "shell" and not posts and listed
    return {"C06": over(WINDOWS.idle_after), "C15": over(WINDOWS.zombie_after), "C16": shell}


@given(
    rhythm=st.integers(1, 5),
    shell=st.booleans(),
    listed=st.integers(-10, 20),
    gone=st.one_of(st.none(), st.tuples(st.integers(1, 12), st.integers(1, 12))),
    silence=st.tuples(st.integers(0, 25), st.one_of(st.none(), st.integers(1, 20))),
    blind=st.one_of(st.none(), st.tuples(st.integers(1, 20), st.integers(2, 15))),
)
def test_every_truth_is_that_of_the_definitions(
    rhythm: int,
    shell: bool,
    listed: int,
    gone: tuple[int, int] | None,
    silence: tuple[int, int | None],
    blind: tuple[int, int] | None,
) -> None:
    first = day(listed)
    account = Account(("x", "a"), "Unit", "English", [first], [], [(first, "Unit")])
    if gone is not None:
        account.delisted.append(first + timedelta(days=gone[0]))
        account.listed.append(account.delisted[0] + timedelta(days=gone[1]))
    back = None if silence[1] is None else day(silence[0] + silence[1])
    life = Life(
        ("x", "a"),
        "x-en",
        rhythm,
        0,
        "shell" if shell else "dead",
        None,
        () if shell else ((day(silence[0]), back),),
        day(silence[0]) if shell else None,
    )
    blindness = None if blind is None else Blindness("x-en", day(blind[0]), day(blind[0] + blind[1]))
    play = Scenario(
        0,
        tuple(day(n) for n in range(45)),
        WINDOWS,
        {account.identity: account},
        {account.identity: life},
        blindness,
        "",
        "",
    )
    watch = Watch(play, Life.posts)
    open_: set[str] = set()
    for today in play.days:
        found = watch.sweep(today, set())
        if not account.listed_on(today):
            assert not found.verdicts
            continue
        truths = by_definition(play, account, life, today)
        assert {rule for _, rule in found.opened} == {r for r, t in truths.items() if t is True} - open_
        assert {rule for _, rule in found.cleared} == {r for r, t in truths.items() if t is False} & open_
        open_ |= {rule for _, rule in found.opened}
        open_ -= {rule for _, rule in found.cleared}
        if truths["C15"] or truths["C16"]:
            verdict = "ZOMBIE"
        elif truths["C06"]:
            verdict = "IDLE"
        else:
            verdict = "UNKNOWN" if None in truths.values() else "ACTIVE"
        assert found.verdicts == {verdict: 1}
