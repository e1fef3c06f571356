"""One Chinese word for one thing: what the glossary says not to say stands in no text of the product."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, below

GLOSSARY = "docs/glossary.md"
FOLDERS = ("services", "libs", "deploy")
KINDS = (".py", ".html", ".yaml", ".sql")
PAGES = ("README.zh-CN.md", "README.md", "CHANGELOG.md")
# Rooms that hold words as other people write them, to be recognised; and words inside of longer ones.
QUOTED = {
    "services/registry/lists": "what lists say, so that their rows are read",
    "services/registry/identity/slips.py": "words beside a QR code, where an address should be",
    "services/registry/platforms": "what platforms and circulars are called",
    "services/registry/spelling/nothing.py": "what people write where they state nothing",
}
INSIDE = {"计划": ("计划单列市",)}
_CHINESE = re.compile(r"[一-鿿]+")


def unsaid() -> dict[str, str]:
    """word not to say → the glossary's word, from the last column of its tables."""
    found = {}
    for line in (ROOT / GLOSSARY).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 4:
            found |= dict.fromkeys(_CHINESE.findall(cells[3]), cells[1])
    return found


def check(root: Path = ROOT) -> list[str]:
    """Every word not to be said, as `path:line: word, say …`."""
    words = unsaid()
    paths = [path for folder in FOLDERS for suffix in KINDS for path in below(root, folder, suffix=suffix)]
    paths += [root / page for page in PAGES if (root / page).exists()]
    problems = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        if any(name == room or name.startswith(f"{room}/") for room in QUOTED):
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for word, instead in words.items():
                if word in _without(line, INSIDE.get(word, ())):
                    problems.append(f"{name}:{number}: {word!r} is not said here; the glossary says {instead!r}")
    return problems


def _without(line: str, longer: tuple[str, ...]) -> str:
    for each in longer:
        line = line.replace(each, "")
    return line
