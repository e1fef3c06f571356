"""A recipe of docs/recipes followed in a copy of the tree: only the files that it names are touched."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("services", "libs", "deploy", "tests", "docs", "pyproject.toml", ".importlinter")
_FILE = re.compile(r"^\d+\. `([^`]+)`", re.MULTILINE)


def files_of(recipe: str) -> list[str]:
    """The files that a recipe says to touch: those of its numbered list, in order."""
    return _FILE.findall((ROOT / "docs" / "recipes" / recipe).read_text("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the tree in a folder of its own."""

    root: Path

    @classmethod
    def into(cls, folder: Path) -> "Copy":
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / part, folder / part)
        return cls(root=folder)

    def insert(self, file: str, before: str, text: str) -> None:
        """Put text before the only place in a file that reads so."""
        path = self.root / file
        written = path.read_text("utf-8")
        assert written.count(before) == 1, f"{file}: {before!r} stands {written.count(before)} times"
        path.write_text(written.replace(before, text + before), "utf-8")

    def append(self, file: str, text: str) -> None:
        with (self.root / file).open("a", encoding="utf-8") as open_file:
            open_file.write(text)

    def changed(self) -> list[str]:
        """The files of the copy that are not what they are in the tree."""
        paths = (path for part in PARTS for path in [self.root / part, *(self.root / part).rglob("*")])
        files = sorted(path.relative_to(self.root) for path in paths if path.is_file() and path.suffix != ".pyc")
        return [
            file.as_posix()
            for file in files
            if not (ROOT / file).is_file() or (ROOT / file).read_bytes() != (self.root / file).read_bytes()
        ]

    def run(self, *arguments: str) -> str:
        """What Python prints in the copy, which stands before the tree on its path. It has to succeed."""
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout
