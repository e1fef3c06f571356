"""Following a recipe step by step: each file that is touched has to be one that the recipe names."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.recipes.followed import ROOT, Copy, files_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A copy of the tree, and the paths that a recipe allows to be touched in it."""

    copy: Copy
    allowed: tuple[re.Pattern[str], ...]

    def write(self, path: str, text: str) -> None:
        """Add a file. Raises AssertionError for one that the recipe does not name."""
        self._allow(path)
        assert not (self.copy.root / path).exists(), f"{path} exists already"
        (self.copy.root / path).write_text(text)

    def change(self, path: str, *changes: tuple[str, str]) -> None:
        """Replace texts that occur once each. Raises AssertionError for a file that the recipe does not name."""
        self._allow(path)
        text = (self.copy.root / path).read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{path}: expected once, found {text.count(old)} times: {old!r}"
            text = text.replace(old, new)
        (self.copy.root / path).write_text(text)

    def probe(self, path: str, text: str) -> None:
        """Add a test that looks whether the recipe worked; that is no part of the recipe."""
        (self.copy.root / path).write_text(text)

    def test(self, *arguments: str) -> str:
        """What pytest prints in the copy. Raises AssertionError with all of it when a test fails."""
        return self.copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)

    def _allow(self, path: str) -> None:
        assert any(pattern.fullmatch(path) for pattern in self.allowed), f"the recipe does not name {path}"


def follow(recipe: str, folder: Path, *, most: int, beside: tuple[str, ...] = ()) -> Following:
    """A copy of the tree in which a recipe may be followed. It may name `most` files, each of which exists or is new.

    `beside` are paths that a further section of the recipe names.
    """
    text = (ROOT / "docs" / "recipes" / f"{recipe}.md").read_text()
    named = files_of(f"{recipe}.md")
    assert 0 < len(named) <= most, named
    for path in (*named, *beside):
        assert f"`{path}`" in text, f"the recipe does not name {path}"
        assert "<" in path or (ROOT / path).exists(), f"{path} does not exist"
    patterns = (re.escape(re.sub(r"<\w+>", "@", path)).replace("@", r"[\w.\-]+") for path in (*named, *beside))
    return Following(copy=Copy.into(folder), allowed=tuple(re.compile(pattern) for pattern in patterns))
