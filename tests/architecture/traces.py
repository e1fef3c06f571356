"""A tracked file names neither a path of the machine it was written on nor the host of a package registry."""

import re
import sys
from pathlib import Path

from tests.architecture.tree import ROOT, tracked

# In pieces, or this file would be its own first finding.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("central", "sonatype", "com"),
        ("registry", "npmjs", "org"),
        ("registry-1", "docker", "io"),
        ("index", "docker", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    )
]
_HOMES = re.compile(r"(?<![\w./:-])/(?:(?:home|Users|work)/[A-Za-z_]|(?:root)/)[\w.-]*")


def check(root: Path = ROOT) -> list[str]:
    """Every trace of a machine or a registry, as `path:line: what`."""
    here = [str(path) for path in {root, ROOT, Path(sys.prefix)} if len(path.parts) > 2]
    problems = []
    for path in tracked(root):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a binary file: nothing a person wrote
        for number, line in enumerate(text.splitlines(), start=1):
            found = [host for host in _HOSTS if host in line] + [place for place in here if place in line]
            found += [hit.group() for hit in [_HOMES.search(line)] if hit]
            problems += [f"{path.relative_to(root)}:{number}: names {what!r}" for what in found]
    return problems
