"""The open vocabularies: one list each, which the writers, the schemas and the page agree on."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.common.events import intake, monitor, registry, vocabularies
from libs.common.events.vocabularies import KNOWN, NAME, VOCABULARIES, Vocabulary
from services.decommission.notices import answers
from services.monitor.deps import rules_of
from services.monitor.policy import pack
from tests.contract import vocabularies as published_words

ANSWER: TypeAdapter[str] = TypeAdapter(vocabularies.Answer)


def test_the_page_is_what_the_code_says() -> None:
    assert published_words.PAGE.read_text() == published_words.page(), (
        "run python -m tests.contract.update vocabularies"
    )


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda each: each.name)
def test_each_is_used_and_each_word_has_both_languages(vocabulary: Vocabulary) -> None:
    assert published_words.fields()[vocabulary.name]
    for word, (zh, en) in vocabulary.words.items():
        assert TypeAdapter(vocabularies.Answer).validate_python(word) == word  # a word of any vocabulary has this form
        assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
        assert en


@pytest.mark.parametrize(
    ("vocabulary", "written"),
    [
        (vocabularies.ANSWERS, answers.AnswerKind),
        (vocabularies.VERDICTS, pack.FlagVerdict),
        (vocabularies.PROPOSALS, monitor.Proposal),
        (vocabularies.LABELS, monitor.Label),
        (vocabularies.KINDS, intake.Kind),
        (vocabularies.RECORD_STATES, registry.RecordState),
        (vocabularies.RUNNING_STATES, registry.RunningState),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_what_the_services_write_is_what_is_listed(vocabulary: Vocabulary, written: object) -> None:
    assert tuple(vocabulary.words) == get_args(written)


def test_the_rules_are_those_of_the_packs_with_their_titles() -> None:
    titles = {code: (rule.title.zh, rule.title.en) for code, rule in rules_of().rules.items()}
    assert titles == vocabularies.RULES.words


@pytest.mark.parametrize("word", ["migrate", "not_mine", "A01", "SECOND-HAND", "x" * 60])
def test_a_reader_keeps_a_word_that_it_does_not_know(word: str) -> None:
    assert ANSWER.validate_python(word) == word


@pytest.mark.parametrize("word", ["", "x" * 61, "1a", "two words", "关停", "a\n", "a\0", 3, None, "-a", "<b>"])
def test_what_is_no_word_is_refused(word: object) -> None:
    with pytest.raises(ValidationError):
        ANSWER.validate_python(word)


def test_the_schema_names_the_vocabulary_and_its_words() -> None:
    schema = ANSWER.json_schema()
    assert (schema["type"], schema["maxLength"], "enum" in schema) == ("string", 60, False)
    assert (schema[NAME], schema[KNOWN]) == ("answers", ["keep", "fix", "close"])
