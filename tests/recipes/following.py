"""Following a recipe: a copy of the tree in which only the files that the recipe names may be touched by hand."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.__main__ import copy

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the tree, and the paths that one section of a recipe allows to be touched in it."""

    folder: Path
    allowed: tuple[re.Pattern[str], ...]

    def write(self, path: str, text: str) -> None:
        """Add a file. Raises AssertionError for one that the recipe does not name."""
        self._allow(path)
        assert not (self.folder / path).exists(), f"{path} exists already"
        (self.folder / path).write_text(text)

    def change(self, path: str, *changes: tuple[str, str]) -> None:
        """Replace texts that occur once each. Raises AssertionError for a file that the recipe does not name."""
        self._allow(path)
        text = (self.folder / path).read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{path}: expected once, found {text.count(old)} times: {old!r}"
            text = text.replace(old, new)
        (self.folder / path).write_text(text)

    def probe(self, path: str, text: str) -> None:
        """Add a test that looks whether the recipe worked; that is no part of the recipe."""
        (self.folder / path).write_text(text)

    def python(self, *arguments: str) -> str:
        """What `python` prints in the copy. Raises AssertionError with all of it when it fails."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def test(self, *paths: str) -> str:
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)

    def _allow(self, path: str) -> None:
        assert any(pattern.fullmatch(path) for pattern in self.allowed), f"the recipe does not name {path}"


def follow(recipe: str, folder: Path, *, most: int, beside: tuple[str, ...] = ()) -> Copy:
    """A copy of the tree in which a recipe may be followed. It may name `most` files, each of which exists or is new.

    `beside` are paths that a further section of the recipe names.
    """
    text = (ROOT / "docs" / "recipes" / f"{recipe}.md").read_text()
    named = re.findall(r"^\d+\. `([^`]+)`", text, re.MULTILINE)
    assert 0 < len(named) <= most, named
    for path in (*named, *beside):
        assert f"`{path}`" in text, f"the recipe does not name {path}"
        assert "<" in path or (ROOT / path).exists(), f"{path} does not exist"
    copy(folder)
    patterns = (re.sub(r"<\w+>", "@", path) for path in (*named, *beside))
    return Copy(
        folder=folder, allowed=tuple(re.compile(re.escape(pattern).replace("@", r"[\w.\-]+")) for pattern in patterns)
    )
