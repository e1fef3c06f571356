"""The plumbing knows not one word of the glossary, except in the published language under events/."""

import io
import re
import tokenize
from pathlib import Path

from tests.architecture.tree import ROOT, below

# Glossary words that are ordinary words of programming (signal, source, plan, hold, plate inside template) are
# left out: nobody could write plumbing without them.
WORDS = {
    "asset",
    "unit",
    "sponsor",
    "filing",
    "verdict",
    "zombie",
    "finding",
    "case",
    "notice",
    "mandate",
    "exemption",
    "tombstone",
    "对象",
    "单位",
    "主办",
    "备案",
    "亮牌",
}
# Where a word stands for something else. Each says what for; a new line here is a decision, not a formality.
PHRASES = {
    "use case": "one thing a service can do: one transaction",
    "UseCase": "the same, as a name",
    "use_case": "the same, as a name",
    "case_sensitive": "letters",
    "case-insensitive": "letters",
    "lower case": "letters",
    "unit separator": "the name of the character U+001F",
    "a zombie cannot write": "a consumer that outlived its assignment, as Kafka's users call it",
}
WHOLE_FILES = {
    ("libs/common/security/roles.py", "unit"): "a role of the token, opaque here",
    (
        "libs/common/security/tokens.py",
        "unit",
    ): "a role and a claim of the token, opaque here: services say what it covers",
}
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[一-鿿]+")


def check(root: Path = ROOT) -> list[str]:
    """Every glossary word in libs/common outside events/, as `path:line: word`."""
    problems = []
    for suffix in (".py", ".sql"):
        for path in below(root, "libs", suffix=suffix):
            name = path.relative_to(root).as_posix()
            if "events" in path.relative_to(root).parts:
                continue
            text = path.read_text()
            for phrase in PHRASES:
                text = re.sub(re.escape(phrase), "x" * len(phrase), text)
            pieces = _python(text) if suffix == ".py" else _sql(text)
            for line, piece in pieces:
                problems += [
                    f"{name}:{line}: the word {word!r} belongs to a service"
                    for word in sorted(used(piece))
                    if (name, word) not in WHOLE_FILES
                ]
    return problems


def used(piece: str) -> set[str]:
    """The glossary words in one identifier or text, singular or plural, in any case style."""
    found = set()
    for part in _PART.findall(piece):
        word = part.lower()
        for candidate in (word, word.removesuffix("s")):
            if candidate in WORDS:
                found.add(candidate)
        found |= {word for word in WORDS if not word.isascii() and word in part}
    return found


def _python(text: str) -> list[tuple[int, str]]:
    """Names, strings and comments; `case` as the keyword of a match statement is no word of ours."""
    pieces = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT) or tokenize.tok_name[token.type] in (
            "FSTRING_MIDDLE",
        ):
            keyword = token.string == "case" and token.line.strip().startswith("case ")
            if not keyword:
                pieces.append((token.start[0], token.string))
    return pieces


def _sql(text: str) -> list[tuple[int, str]]:
    """Lines without the `case … when` of SQL."""
    return [
        (number, re.sub(r"\bcase\b(?=\s+(when|\w+\s+when)\b|\s*$)", " ", line, flags=re.IGNORECASE))
        for number, line in enumerate(text.splitlines(), start=1)
    ]
