"""What reaches a person: a text in Chinese and in English, with its code and parameters. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Text:
    """One text in two languages; a template until `format` fills it.

    `code` names the text where machines read it, in bodies, logs and files; it never changes. `params` is what the
    template was filled with.
    """

    zh: str
    en: str
    code: str | None = None
    params: Mapping[str, object] = field(default_factory=dict, compare=False)

    def format(self, **params: object) -> "Text":
        """The text filled. A parameter that is itself a Text is said in the language of the rest."""
        zh = {name: value.zh if isinstance(value, Text) else value for name, value in params.items()}
        en = {name: value.en if isinstance(value, Text) else value for name, value in params.items()}
        return replace(self, zh=self.zh.format(**zh), en=self.en.format(**en), params=params)

    def in_(self, language: str) -> str:
        """The text for a caller of this language (RFC 9110 Accept-Language): Chinese where it asks first for that."""
        return self.zh if language.lower().startswith("zh") else self.en


def joined(texts: Iterable[Text]) -> Text:
    """Several texts as one, separated as each language does."""
    given = list(texts)
    return Text(";".join(text.zh for text in given), "; ".join(text.en for text in given))


def in_one_language(texts: Iterable[tuple[str, str]]) -> str | None:
    """Of (language, text) the text that is shown where one line has to do: Chinese if there is any, else the first."""
    given = list(texts)
    return next((text for language, text in given if language.lower().startswith("zh")), given[0][1] if given else None)
