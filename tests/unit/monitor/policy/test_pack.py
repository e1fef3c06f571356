"""Policy packs: the accepted files, the refusal of all else, and how well each rule is established."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from services.monitor.deps import PACKS
from services.monitor.policy import pack as policy
from services.monitor.policy import rulebook
from services.monitor.policy.condition import PackRefused
from services.monitor.policy.rulebook import RuleBook

PACK = (PACKS / "cn-accounts.yaml").read_text("utf-8")


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
        (lambda p: p["rules"][1].update(when="likes > 3"), "rule C15: unknown signal 'likes'"),
        (lambda p: p["rules"][2].update(code="C06"), "rule C06 is listed twice"),
        (lambda p: p["rules"][0]["basis"].update(source="NOBODY"), "rule C06 rests on 'NOBODY'"),
        (lambda p: p["rules"][0].update(verdict="ACTIVE"), "rule C06: verdict"),
        (lambda p: p["rules"][0].update(established=[]), "rule C06: established"),
        (lambda p: p["rules"][0]["established"][0].update(label="SURE"), "rule C06: established.0.label"),
        (lambda p: p["rules"][0].update(color="red"), "rule C06: color"),
        (lambda p: p.update(version="one"), "version"),
        (lambda p: p.update(rules=[]), "rules"),
    ],
)
def test_a_refusal_of_a_pack_names_the_rule(change: object, said: str) -> None:
    pack = yaml.safe_load(PACK)
    change(pack)  # type: ignore[operator]
    with pytest.raises(PackRefused, match=said):
        policy.load(yaml.safe_dump(pack, allow_unicode=True))


def test_a_file_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(PackRefused, match="not YAML"):
        policy.load("a: [1")


def test_two_packs_may_not_carry_one_code() -> None:
    pack = policy.load(PACK)
    with pytest.raises(PackRefused, match="already in another pack"):
        RuleBook([pack, pack])


def test_a_rule_for_what_is_not_watched_is_refused() -> None:
    pack = yaml.safe_load(PACK)
    pack["rules"][0]["kind"] = "app"
    with pytest.raises(PackRefused, match="C06: assets of kind app are not watched"):
        RuleBook([policy.load(yaml.safe_dump(pack))])


def test_a_rule_reads_only_signals_that_assets_of_its_kind_have(monkeypatch: pytest.MonkeyPatch) -> None:
    total = replace(rulebook.BY_NAME["posts_total"], kinds=("app",))
    monkeypatch.setattr(rulebook, "BY_NAME", {**rulebook.BY_NAME, "posts_total": total})
    with pytest.raises(PackRefused, match="C16: posts_total is not known of assets of kind account"):
        RuleBook([policy.load(PACK)])


def test_every_pack_in_the_folder_is_in_force() -> None:
    assert [path.name for path in sorted(Path(PACKS).iterdir())] == ["cn-accounts.yaml"]
