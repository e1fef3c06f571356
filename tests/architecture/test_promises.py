"""Page one tells the truth: the tests it names exist, in both languages alike, and its links lead somewhere."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, tracked

ROW = re.compile(r"^\| (\d+) \| .+? \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PAGES = ("README.md", "README.zh-CN.md")


def promised(page: str) -> dict[int, list[tuple[str, str]]]:
    """Number of the promise → the tests that keep it."""
    return {int(number): TEST.findall(cell) for number, cell in ROW.findall((ROOT / page).read_text())}


@pytest.mark.parametrize("page", PAGES)
def test_there_are_ten_promises(page: str) -> None:
    assert sorted(promised(page)) == list(range(1, 11))


def test_both_languages_name_the_same_tests() -> None:
    assert promised(PAGES[0]) == promised(PAGES[1])


@pytest.mark.parametrize("promise", range(1, 11))
def test_every_test_that_keeps_a_promise_exists(promise: int) -> None:
    for file, name in promised(PAGES[0])[promise]:
        tree = ast.parse((ROOT / file).read_text())
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        assert name in {function.name for function in functions}, f"{file} has no {name}"


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]
    broken = [
        f"{page.relative_to(ROOT)} → {link}"
        for page in pages
        for link in LINK.findall(page.read_text())
        if not (page.parent / Path(link)).exists()
    ]
    assert broken == []
