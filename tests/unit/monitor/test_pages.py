"""The pages on the monitor name every capability, and nothing that does not exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "services" / "monitor"
PAGES = ROOT / "docs" / "architecture" / "monitor"
RECIPES = [ROOT / "docs" / "recipes" / name for name in ("add-a-signal.md", "add-a-rule.md")]


def test_every_capability_has_a_page() -> None:
    capabilities = {path.parent.name for path in SERVICE.glob("*/__init__.py")}
    shown = re.findall(r"^\| ([a-z_, ]+) \| \[", (PAGES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {name for line in shown for name in line.split(", ")} == capabilities


@pytest.mark.parametrize("page", [*sorted(PAGES.glob("*.md")), *RECIPES], ids=lambda page: page.name)
def test_a_page_names_files_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(r"`((?:tests|services|docs)/[^`*]+\.(?:py|md|yaml|sql))`", text)
    missing = [name for name in named if not (ROOT / name).is_file()]
    missing += [link for link in re.findall(r"\]\(([^)#:]+\.md)\)", text) if not (page.parent / link).is_file()]
    # A file without its folder stands in the room that the page is about, or beside a test named before it.
    folders = [path for path in SERVICE.iterdir() if path.is_dir()] + [SERVICE, *(ROOT / n for n in _folders(named))]
    plain = re.findall(r"`([a-z_]+\.(?:py|sql))`", text)
    missing += [name for name in plain if not any((folder / name).is_file() for folder in folders)]
    assert missing == []


def _folders(names: list[str]) -> set[str]:
    return {Path(name).parent.as_posix() for name in names}
