"""The wording of a rule in a finding: that of the pack version that judged it."""

from services.monitor.deps import rules_of


def test_a_finding_says_its_rule_in_the_words_of_its_pack() -> None:
    book = rules_of()
    for pack in book.packs:
        for rule in pack.rules:
            fields = book.fields(rule.code)
            assert fields["title"] == f"{rule.title.zh} / {rule.title.en}"
            assert fields["basis"] == f"{rule.basis.text.zh} / {rule.basis.text.en}"
            assert (fields["pack"], fields["pack_version"], fields["label"]) == (pack.name, pack.version, rule.label)
