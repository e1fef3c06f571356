"""Squawk over every migration: what would lock a table for long or break the release before this one."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT, below


def check(root: Path = ROOT) -> list[str]:
    """Squawk's findings, one text; empty when there are none or no migration exists yet."""
    files = [path for path in below(root, "services", "libs", suffix=".sql") if path.parent.name == "migrations"]
    if not files:
        return []
    squawk = Path(sys.executable).parent / "squawk"
    ran = subprocess.run([squawk, *files], cwd=root, capture_output=True, text=True, check=False)
    return [] if ran.returncode == 0 else [(ran.stdout + ran.stderr).strip()]


if __name__ == "__main__":
    found = check()
    print("\n".join(found) if found else "no migration locks a table for long")
    sys.exit(bool(found))
