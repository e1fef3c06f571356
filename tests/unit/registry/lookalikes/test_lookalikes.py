"""Look-alikes by Unicode's table, and texts that the eye distinguishes."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.registry.assets.transitions import EVENTS, PUBLIC, TRANSITIONS, public_state
from services.registry.lookalikes import skeleton
from services.registry.verification import readings

LETTERS = st.text(st.characters(categories=["L", "N", "M", "P"]), max_size=12)
INVISIBLE = st.sampled_from("\u200b\u200d\u2060\ufeff\u202e\u00ad\u115f\u3164")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("onegov", "оnеgоv"),
        ("OneGov", "0neGov"),
        ("onegov", "oneg0v"),
        ("paypal", "paypaI"),
        ("paypal", "paypa1"),
        ("modern", "modem"),
        ("口碑", "ロ碑"),
        ("工商", "エ商"),
        ("土地", "士地"),
        ("一网", "ー网"),
        ("Β", "B"),
        ("⼯商", "工商"),
        ("ｏne", "one"),
        ("ⅿ", "m"),
        ("On e", "on  e"),
    ],
)
def test_these_look_alike(one: str, other: str) -> None:
    assert set(skeleton.tokens("name", one)) & set(skeleton.tokens("name", other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ctai", "ctal"),
        ("strasse", "straße"),
        ("resume", "résumé"),
        ("未来", "末来"),
        ("onegov", "onegovs"),
        ("é", "e"),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert not set(skeleton.tokens("name", one)) & set(skeleton.tokens("name", other))


@given(LETTERS, LETTERS, INVISIBLE)
def test_what_nobody_sees_makes_no_difference_to_the_eye(one: str, other: str, unseen: str) -> None:
    assert skeleton.key(one + unseen + other) == skeleton.key(one + other)


@given(LETTERS)
def test_the_same_text_in_other_case_or_width_shares_a_token(text: str) -> None:
    for same in (text, skeleton.plain(text), unicodedata.normalize("NFKC", text), unicodedata.normalize("NFD", text)):
        assert set(skeleton.tokens("name", text)) & set(skeleton.tokens("name", same)), same


@given(LETTERS)
def test_an_address_and_a_name_are_no_likeness_of_each_other(text: str) -> None:
    assert not set(skeleton.tokens("name", text)) & set(skeleton.tokens("address", text))


@given(st.sampled_from(sorted(skeleton.PROTOTYPES)))
def test_every_character_of_the_table_looks_like_what_stands_for_it(char: str) -> None:
    assume(char == unicodedata.normalize("NFKD", char))  # of the others their normal form says what they are
    assert skeleton.key(char) == skeleton.key(skeleton.PROTOTYPES[char])


def test_a_name_is_found_as_its_address_spells_it() -> None:
    assert skeleton.spelt("paypai", "https://x.com/PayPaI?hl=en") == "PayPaI"
    assert skeleton.spelt("u/12", "https://weibo.com/u/12") == "u/12"
    assert skeleton.spelt("biz/Mz==", "https://mp.weixin.qq.com/?__biz=Mz%3D%3D") == "biz/Mz=="
    assert skeleton.spelt("i", "İ") == "i"


@given(st.text(max_size=60))
def test_any_text_can_be_asked_about(text: str) -> None:
    for like in readings.likenesses("", text):
        assert like.tokens
        assert like.keys


def test_only_what_is_listed_and_runs_is_official() -> None:
    """Every state that a record can come into; a public state is never better than both of its axes."""
    records = {"draft", "in_review", "filed", "withdrawn", "closed"}
    runs = ({state for state, _ in TRANSITIONS} | set(TRANSITIONS.values())) - records | {"offline"}
    assert {event for _, event in TRANSITIONS} == EVENTS
    official = {(record, run) for record in records for run in runs if public_state(record, run) == "official"}  # type: ignore[arg-type]
    assert official == {(record, "online") for record in records - {"withdrawn", "closed"}}
    assert {public_state("closed", run) for run in runs} == {"closed"}  # type: ignore[arg-type]
    assert {public_state("draft", run) for run in runs} == set(PUBLIC) - {"closed"}  # type: ignore[arg-type]
