"""Policy packs: what a condition may say, the refusal of all else, three-valued truth, labels."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.main import PACKS
from services.monitor.policy import pack as policy
from services.monitor.policy import rulebook
from tests.unit.monitor.conditions import CONDITIONS, VALUES, brute

PACK = (PACKS / "cn-accounts.yaml").read_text("utf-8")

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
    "Days_Since_Post > 14": "no signal",
    "likes > 14": "no signal",
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
    assert policy.condition(text).text == text


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_every_other_condition_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(policy.PackRefused, match=REFUSED[text]):
        policy.condition(text)


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
    assert policy.condition(text).holds(values) is truth


@given(CONDITIONS, VALUES)
def test_what_is_known_decides_whatever_the_unknown_would_be(text: str, values: dict[str, int | None]) -> None:
    """If a condition is true or false with a value missing, then it is so for every value."""
    checked = policy.condition(text)
    truth = checked.holds(values)
    if truth is not None:
        filled = {name: 7 if value is None else value for name, value in values.items()}
        assert checked.holds(filled) is truth


@given(CONDITIONS, VALUES)
def test_truth_equals_a_second_reading_of_the_text(text: str, values: dict[str, int | None]) -> None:
    assert policy.condition(text).holds(values) is brute(text, values)


def test_the_first_pack_says_how_well_each_rule_is_established() -> None:
    pack = policy.load(PACK)
    assert {rule.code: (rule.verdict, rule.proposal, rule.label, rule.level) for rule in pack.rules} == {
        "C06": ("IDLE", "correction", "FOUND", "national"),
        "C15": ("ZOMBIE", "closure", "FOUND", "provincial"),
        "C16": ("ZOMBIE", "closure", "ASSUMED", "national"),
    }


def test_each_rule_rests_on_a_document_that_its_text_names_and_every_part_has_a_label() -> None:
    pack = policy.load(PACK)
    said = {rule.code: (rule.basis.source, rule.basis.text.zh) for rule in pack.rules}
    assert {code: source for code, (source, _) in said.items()} == {
        "C06": "CHECK_2019",
        "C15": "GUIZHOU_2025Q2",
        "C16": "OPINION_2023",  # the word 空壳 is of 2023; 国办发〔2018〕123号 does not have it
    }
    assert "2018" not in said["C16"][1]
    assert [(part.part, part.label) for part in pack.rules[2].established] == [
        ("nothing was ever posted", "FOUND"),
        ("30 days after opening", "ASSUMED"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p["rules"][1].update(when="likes > 3"), "rule C15: 'likes' is no signal"),
        (lambda p: p["rules"][2].update(code="C06"), "rule C06 stands twice"),
        (lambda p: p["rules"][0]["basis"].update(source="NOBODY"), "rule C06 rests on 'NOBODY'"),
        (lambda p: p["rules"][0].update(verdict="ACTIVE"), "rule C06: verdict"),
        (lambda p: p["rules"][0].update(established=[]), "rule C06: established"),
        (lambda p: p["rules"][0]["established"][0].update(label="SURE"), "rule C06: established.0.label"),
        (lambda p: p["rules"][0].update(color="red"), "rule C06: color"),
        (lambda p: p.update(version="one"), "version"),
        (lambda p: p.update(rules=[]), "rules"),
    ],
)
def test_a_pack_is_refused_by_the_rule_at_fault(change: object, said: str) -> None:
    pack = yaml.safe_load(PACK)
    change(pack)  # type: ignore[operator]
    with pytest.raises(policy.PackRefused, match=said):
        policy.load(yaml.safe_dump(pack, allow_unicode=True))


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(policy.PackRefused, match="no YAML"):
        policy.load("a: [1")


def test_two_packs_may_not_carry_one_code() -> None:
    pack = policy.load(PACK)
    with pytest.raises(policy.PackRefused, match="already in another pack"):
        rulebook.RuleBook([pack, pack])


def test_a_rule_for_what_is_not_watched_is_refused() -> None:
    pack = yaml.safe_load(PACK)
    pack["rules"][0]["kind"] = "app"
    with pytest.raises(policy.PackRefused, match="C06: assets of kind app are not watched"):
        rulebook.RuleBook([policy.load(yaml.safe_dump(pack))])


def test_every_pack_in_the_folder_is_in_force() -> None:
    assert [path.name for path in sorted(Path(PACKS).iterdir())] == ["cn-accounts.yaml"]


@given(st.text(max_size=60))
def test_no_text_brings_down_the_check(text: str) -> None:
    """Whatever is written, the answer is a condition over known signals or a refusal."""
    with suppress(policy.PackRefused):
        assert set(policy.condition(text).signals) <= set(policy.SIGNALS)


def test_a_condition_too_deep_to_run_is_refused() -> None:
    with pytest.raises(policy.PackRefused, match="cannot be read"):
        policy.condition("(" * 240 + "followers > 1" + ")" * 240)
