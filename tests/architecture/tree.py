"""The files of the repository, as every rule of the house sees them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MADE = {".git", ".venv", "build", "node_modules", "__pycache__", ".jianfu"}


def tracked(root: Path = ROOT) -> Iterator[Path]:
    """Every file that is or would be committed; in a tree without git, all that set-up did not make."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout
        paths = [root / name.decode() for name in listed.split(b"\0") if name]
    else:
        paths = [path for path in root.rglob("*") if not _made(path.relative_to(root))]
    yield from sorted(path for path in paths if path.is_file())


def below(root: Path, *folders: str, suffix: str) -> Iterator[Path]:
    """The tracked files with this suffix in the named top folders."""
    for path in tracked(root):
        parts = path.relative_to(root).parts
        if parts[0] in folders and path.suffix == suffix:
            yield path


def _made(path: Path) -> bool:
    return any(part in _MADE or part.endswith((".egg-info", "_cache")) for part in path.parts)
