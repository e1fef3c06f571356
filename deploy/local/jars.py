"""Kafka's jars: fetched through jgo by the committed lock, and compared with it before every start.

jgo itself never compares the hashes of its lock, and rewrites a lock that disagrees; so it works on a copy.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from deploy.local import datadir
from deploy.terminal import StackError, say

COMMITTED = Path(__file__).parents[1] / "kafka"


def cache() -> Path:
    """Where the jars live between runs: JIANFU_CACHE_DIR, else the user's cache directory."""
    if chosen := os.environ.get("JIANFU_CACHE_DIR"):
        return Path(chosen).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jianfu" / "kafka"


def locked(lock: Path = COMMITTED / "jgo.lock.toml") -> dict[str, str]:
    """Path below the repository cache → sha256, for every jar of the lock. Raises StackError on one without a hash."""
    found = {}
    for entry in tomllib.loads(lock.read_text())["dependencies"]:
        name = f"{entry['artifactId']}-{entry['version']}.jar"
        if not entry.get("sha256"):
            raise StackError(f"{lock} gives no sha256 for {name}; nothing is started by such a lock")
        folder = Path(*entry["groupId"].split("."), entry["artifactId"], entry["version"])
        found[str(folder / name)] = entry["sha256"]
    return found


def verified(folder: Path | None = None) -> list[Path]:
    """Every jar of the lock, each with the hash the lock gives. Raises StackError naming the first that differs."""
    folder = folder or cache()
    jars = []
    for name, sha256 in locked().items():
        jar = folder / name
        if not jar.exists():
            raise StackError(f"{jar.name} is missing from {folder}; run `jianfu fetch`")
        with jar.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != sha256:
            raise StackError(
                f"{jar} is not the file the lock names (sha256 differs): it is damaged or has been replaced. "
                "Delete it and run `jianfu fetch`; Kafka is not started with it"
            )
        jars.append(jar)
    return jars


def fetch(folder: Path | None = None) -> list[Path]:
    """Fetch what is missing and verify all. Raises StackError when the repository cannot be reached or differs."""
    folder = folder or cache()
    if _missing(folder):
        with datadir.turn(folder, "jianfu fetch"):
            _fetch(folder)
    return verified(folder)


def _missing(folder: Path) -> list[str]:
    return [name for name in locked() if not (folder / name).exists()]


def _fetch(folder: Path) -> None:
    if missing := _missing(folder):  # another set-up may have fetched them meanwhile
        say(f"fetching {len(missing)} of Kafka's {len(locked())} jars into {folder}")
        with tempfile.TemporaryDirectory() as scratch:
            for file in ("jgo.toml", "jgo.lock.toml"):
                shutil.copy(COMMITTED / file, scratch)
            # a cache of environments of its own: jgo takes one it has built before for whole, whatever is missing
            done = subprocess.run(
                [_jgo(), "--repo-cache", folder, "--cache-dir", Path(scratch) / "built", "sync"],
                cwd=scratch,
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        if done.returncode:
            raise StackError(
                "Kafka's jars could not be fetched from Maven Central. Check the network, or set "
                f"KAFKA_BOOTSTRAP_SERVERS to use a Kafka of your own.\n{(done.stderr or done.stdout).strip()[-1500:]}"
            )


def _jgo() -> Path:
    program = Path(sys.executable).with_name("jgo")
    if not program.exists():
        raise StackError("`jgo` is not installed, which fetches Kafka: run `make setup`")
    return program
