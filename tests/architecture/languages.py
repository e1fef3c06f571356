"""What is told in two languages is Chinese in the one and English in the other: read from code and models."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import libs
import services
from libs.common.errors import DomainError
from services.decommission.reasons import Reasoned
from tests.architecture.tree import ROOT, below

HAN = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]{2,}(?: [a-z]+)+")  # two words in a row: a name, a field or a code is one
SAID = ("why", "what")


def errors() -> dict[str, type[DomainError]]:
    """Every kind of refusal, by its name."""
    for package in (libs, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, ahead = {}, [DomainError]
    while ahead:
        kind = ahead.pop()
        found[kind.__name__] = kind
        ahead += kind.__subclasses__()
    return found


def templates() -> Iterator[str]:
    """The texts of refusals that are not in their language."""
    for name, kind in errors().items():
        # what is between braces is filled in, and an option is typed as it stands whatever one speaks
        zh, en = (re.sub(r"\{[^}]*\}|--[a-z]+( [a-z]+)?", "", text) for text in (kind.says.zh, kind.says.en))
        if not HAN.search(zh) or ENGLISH.search(zh) or HAN.search(en):
            yield f"{name}: {kind.says.zh} | {kind.says.en}"
        yield from (f"{name}: {word} is {said}" for word, said in kind.words.items() if not HAN.search(said))


def arguments(root: Path = ROOT) -> Iterator[str]:
    """Arguments of refusals that are told in English to a Chinese reader, as `path:line: argument`.

    Those of a `Reasoned` stand in its catalogue, which a test of its own compares.
    """
    kinds = errors()
    for path in (*below(root, "libs", suffix=".py"), *below(root, "services", suffix=".py")):
        for node in ast.walk(ast.parse(path.read_text())):
            kind = kinds.get(ast.unparse(node.func).rpartition(".")[2]) if isinstance(node, ast.Call) else None
            if kind is None or issubclass(kind, Reasoned):
                continue
            for word in node.keywords:
                if word.arg in SAID and not _fits(word.value):
                    yield f"{path.relative_to(root)}:{node.lineno}: {ast.unparse(word.value)}"


def _fits(given: ast.expr) -> bool:
    """Whether an argument is a Text of Chinese and English, or no text of ours at all."""
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "Text":
        texts = [_text(each) for each in given.args]
        return len(texts) == 2 and (texts[0] is None or bool(HAN.search(texts[0]))) and not HAN.search(texts[1] or "")
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "str" and "error" in ast.unparse(given):
        return False
    return not re.search("[A-Za-z]{2,}", _text(given) or "")


def _text(given: ast.expr) -> str | None:
    """What a text says outside its braces; None for what is no text written out."""
    if isinstance(given, ast.JoinedStr):
        return "".join(str(part.value) for part in given.values if isinstance(part, ast.Constant))
    return str(given.value) if isinstance(given, ast.Constant) else None
