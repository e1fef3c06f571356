"""Conditions: the accepted language, the refusal of all else, three-valued truth."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.policy.condition import PackRefused, condition
from services.monitor.signals.catalogue import BY_NAME
from tests.unit.monitor.policy.conditions import CONDITIONS, VALUES, brute

ACCEPTED = [
    "days_since_post > 14 or days_observed_silent > 14",
    "posts_total = 0 and days_listed > 30",
    "not (followers + 1) * 2 >= -3.5",
    "followers <> 0 and posts_total != 1 and days_listed <= 2",
]
REFUSED = {
    "days_since_post is null": "not allowed",
    "days_since_post > 1; drop table findings": "one expression",
    "days_since_post between 1 and 2": "not allowed",
    "coalesce(days_since_post, 99) > 14": "not allowed",
    "pg_sleep(10) > 1": "not allowed",
    "days_since_post > (select 1)": "not allowed",
    "days_since_post > any(1)": "not allowed",
    "days_since_post in (1, 2)": "not allowed",
    "days_since_post > '14'": "not allowed",
    "days_since_post > 14::int": "not allowed",
    "days_since_post > 5 % 2": "not allowed",
    "days_since_post > 5 / 2": "not allowed",
    "days_since_post > $1": "not allowed",
    "days_since_post > :x": "not allowed",
    "days_since_post > 1e3": "not allowed",
    "days_since_post > interval '1 day'": "not allowed",
    "case when days_since_post > 1 then true else false end": "not allowed",
    "true": "not allowed",
    "null": "not allowed",
    "days_since_post > null": "not allowed",
    "days_since_post > 14 -- a note": "comments",
    "days_since_post > 14 /* a note */": "comments",
    "signals.days_since_post > 14": "not allowed",
    '"days_since_post" > 14': "not allowed",
    "Days_Since_Post > 14": "unknown signal",
    "likes > 14": "unknown signal",
    "days_since_post": "a number",
    "days_since_post + 1": "a number",
    "1 > 2": "reads no signal",
    "days_since_post > 1 > 2": "must be a number",
    "(days_since_post > 1) + 1 > 2": "must be a number",
    "days_since_post and followers > 1": "must be a truth",
    "not days_since_post": "must be a truth",
    "days_since_post >": "cannot be read",
    "days_since_post ! 5": "cannot be read",
    "": "one expression",
    "days_since_post > 1 and " * 60 + "followers > 1": "longer",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_condition_of_the_allowed_parts_is_taken(text: str) -> None:
    assert condition(text).text == text


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_every_other_condition_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(PackRefused, match=REFUSED[text]):
        condition(text)


@pytest.mark.parametrize(
    ("text", "values", "truth"),
    [
        ("days_since_post > 14", {"days_since_post": 15}, True),
        ("days_since_post > 14", {"days_since_post": 14}, False),
        ("days_since_post > 14", {"days_since_post": None}, None),
        ("days_since_post > 14 or followers > 0", {"days_since_post": None, "followers": 1}, True),
        ("days_since_post > 14 or followers > 0", {"days_since_post": None, "followers": 0}, None),
        ("days_since_post > 14 and followers > 0", {"days_since_post": None, "followers": 0}, False),
        ("days_since_post > 14 and followers > 0", {"days_since_post": None, "followers": 1}, None),
        ("not days_since_post > 14", {"days_since_post": None}, None),
        ("followers * 0 = 0", {"followers": None}, None),
        ("followers * 0.1 = 0.3", {"followers": 3}, True),
        ("-followers < -2.5", {"followers": 3}, True),
    ],
)
def test_a_missing_signal_makes_a_condition_unknown(
    text: str, values: dict[str, float | None], truth: bool | None
) -> None:
    assert condition(text).holds(values) is truth


@given(CONDITIONS, VALUES)
def test_what_is_known_decides_whatever_the_unknown_would_be(text: str, values: dict[str, int | None]) -> None:
    """If a condition is true or false with a value missing, then it is so for every value."""
    checked = condition(text)
    truth = checked.holds(values)
    if truth is not None:
        filled = {name: 7 if value is None else value for name, value in values.items()}
        assert checked.holds(filled) is truth


@given(CONDITIONS, VALUES)
def test_truth_equals_a_second_reading_of_the_text(text: str, values: dict[str, int | None]) -> None:
    assert condition(text).holds(values) is brute(text, values)


@given(st.text(max_size=60))
def test_no_text_brings_down_the_check(text: str) -> None:
    """Whatever is written, the answer is a condition over known signals or a refusal."""
    with suppress(PackRefused):
        assert set(condition(text).signals) <= set(BY_NAME)


def test_a_condition_too_deep_to_run_is_refused() -> None:
    with pytest.raises(PackRefused, match="cannot be read"):
        condition("(" * 240 + "followers > 1" + ")" * 240)
