"""What a finding says of its rule: what the version of the pack says that judged it."""

from services.monitor.deps import rules_of


def test_a_finding_says_its_rule_in_the_words_of_its_pack() -> None:
    book = rules_of()
    for pack in book.packs:
        for rule in pack.rules:
            told = book.fields(rule.code)
            assert told["title"] == f"{rule.title.zh} / {rule.title.en}"
            assert told["basis"] == f"{rule.basis.text.zh} / {rule.basis.text.en}"
            assert (told["pack"], told["pack_version"], told["label"]) == (pack.name, pack.version, rule.label)
