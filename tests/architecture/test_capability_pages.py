"""Each capability of a service that has pages has one, and what a page or a recipe names is there."""

import configparser
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*(DOCS / "architecture").glob("*/*.md"), *(DOCS / "recipes").glob("*.md")])
SERVICES = ("registry",)  # whose capabilities all have pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    if page.parent.name == "recipes":  # the files that a recipe touches may be new: a test follows it
        text = re.sub(r"^\d+\. `[^`]+`", "", text, flags=re.MULTILINE)
    named = re.findall(r"`((?:services|tests|libs|docs|deploy)/[\w/.\-]+)(?:::(\w+))?`", text)
    for path, test in named:
        assert (ROOT / path).exists() or Path(path).stem == "toy", path  # what a recipe adds
        assert not test or re.search(rf"def {test}\b", (ROOT / path).read_text()), test
    for link in re.findall(r"\]\(([\w/.\-]+)\)", text):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("service", SERVICES)
def test_each_capability_has_its_page(service: str) -> None:
    capabilities = {path.parent.name for path in (ROOT / "services" / service).glob("*/__init__.py")}
    pages = {page.stem for page in (DOCS / "architecture" / service).glob("*.md")} - {"README"}
    assert pages == capabilities


@pytest.mark.parametrize("service", SERVICES)
def test_the_order_of_capabilities_on_the_page_is_that_of_the_contract(service: str) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    layers = config[f"importlinter:contract:order-{service}"]["layers"].split("\n")
    contract = [set(re.findall(r"\w+", layer)) for layer in layers if layer]
    capabilities = {path.parent.name for path in (ROOT / "services" / service).glob("*/__init__.py")}
    rows = re.findall(r"^\| \d+ \|(.*?)\|", (DOCS / "architecture" / service / "README.md").read_text(), re.MULTILINE)
    shown = [set(re.findall(r"\[(\w+)\]", row)) for row in rows]
    assert shown == [layer for layer in contract if layer & capabilities]
