"""Archive packages: BagIt bags (RFC 8493), written and read back in a child process.

`bagit` changes the working directory of its whole process, so it never runs in this one. What this module's functions
take and give is plain data, since it crosses to the child.
"""

import asyncio
import hashlib
import json
import multiprocessing
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path
from typing import IO, TypeVar
from uuid import UUID

import bagit
import structlog

from libs.common.db.queries import load_queries
from libs.common.process.parent import die_with_parent

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))

log = structlog.get_logger()
T = TypeVar("T")
PAYLOAD = "data"
TAG_MANIFEST = "tagmanifest-sha256.txt"
WITHIN = 120.0  # seconds for one package; a child that hangs is replaced
CHECKS = ("authenticity", "integrity", "usability", "security")  # 档案法实施条例 art. 40


class ArchiveFailed(Exception):
    """A package could not be written or looked at."""


def write(folder: str, files: dict[str, bytes], info: dict[str, str]) -> None:
    """Make a bag from files; what stood there from an attempt that was cut short is replaced. Raises ArchiveFailed."""
    bag, fresh = Path(folder), Path(folder + ".writing")
    try:
        for old in (fresh, bag):
            if old.exists():
                shutil.rmtree(old)
        for name, content in files.items():
            file = fresh / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        bagit.make_bag(str(fresh), bag_info=info, checksums=["sha256"])
        fresh.rename(bag)
    except (OSError, bagit.BagError) as error:
        raise ArchiveFailed(type(error).__name__) from None  # its text names paths of this machine


def read_back(folder: str, expected: list[str]) -> tuple[str, dict[str, bool]]:
    """(sha256 of the bag's tag manifest, the four checks). The tag manifest covers every other file of the bag.

    Authenticity: it says where it comes from and holds the log. Integrity: every hash fits. Usability: all that is
    expected is there, and can be read as what it is. Security: no name speaks of a person's contact or a secret.
    """
    checks = dict.fromkeys(CHECKS, False)
    try:
        bag = bagit.Bag(folder)
        bag.validate(processes=1)
        names = {str(Path(name).relative_to(PAYLOAD)) for name in bag.payload_entries()}
        manifest = (Path(folder) / TAG_MANIFEST).read_bytes()
        checks["integrity"] = set(_listed(folder)) == {*bag.entries, TAG_MANIFEST}  # and nothing beside them
        checks["authenticity"] = bool(bag.info.get("Source-Organization")) and "case/log.json" in names
        checks["usability"] = set(expected) <= names and all(
            _readable(Path(folder) / PAYLOAD / name) for name in names if name.endswith(".json")
        )
        checks["security"] = not any(word in name for name in names for word in ("contact", "token", "private"))
    except (bagit.BagError, ArchiveFailed, OSError, ValueError, LookupError):
        return "", checks
    return hashlib.sha256(manifest).hexdigest(), checks


def _listed(folder: str) -> list[str]:
    """The names of all files of a bag, in order. Raises ArchiveFailed where a link or a device is among them."""
    found = []
    for place, below, names in os.walk(folder):
        for name in (*below, *names):
            path = Path(place) / name
            if not stat.S_ISREG(mode := path.lstat().st_mode) and not stat.S_ISDIR(mode):
                raise ArchiveFailed("something in the package is no plain file")
            if stat.S_ISREG(mode):
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def pack(folder: str) -> IO[bytes]:
    """The bag as a zip, the same bytes for the same bag: nothing compressed, no times, names in order.

    Raises ArchiveFailed. The caller closes what it gets.
    """
    packed = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    try:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as into:
            for name in _listed(folder):
                with (Path(folder) / name).open("rb") as source, into.open(zipfile.ZipInfo(name), "w") as target:
                    shutil.copyfileobj(source, target)
    except (OSError, ArchiveFailed) as error:
        packed.close()
        raise ArchiveFailed(str(error) if isinstance(error, ArchiveFailed) else type(error).__name__) from None
    packed.seek(0)
    return packed


def _readable(file: Path) -> bool:
    json.loads(file.read_bytes())
    return True


class Archive:
    """The bags of one deployment and the child that makes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool: ProcessPoolExecutor | None = None

    def _child(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn"), initializer=die_with_parent, initargs=(os.getpid(),)
            )
        return self._pool

    def place(self, case_id: UUID) -> Path:
        return self._folder / str(case_id)

    async def keep(self, case_id: UUID, files: dict[str, bytes], *, day: date, title: str) -> None:
        """Write a case's package. Raises ArchiveFailed."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArchiveFailed(type(error).__name__) from None
        info = {
            "Source-Organization": "Jianfu",
            "External-Identifier": str(case_id),
            "External-Description": title,
            "Bagging-Date": day.isoformat(),
            "Bag-Software-Agent": "jianfu",
        }
        await self._run(write, str(self.place(case_id)), files, info)

    async def check(self, case_id: UUID, expected: list[str]) -> tuple[str, dict[str, bool]]:
        """Read a package back: its hash and the four checks; no hash where it is damaged. Raises ArchiveFailed."""
        return await self._run(read_back, str(self.place(case_id)), expected)

    async def packed(self, case_id: UUID) -> IO[bytes]:
        """A package as a zip, from its first byte; the caller closes it. Raises ArchiveFailed."""
        return await asyncio.to_thread(pack, str(self.place(case_id)))

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        for last in (False, True):
            pool = self._child()
            try:
                async with asyncio.timeout(WITHIN):
                    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
            except (BrokenProcessPool, TimeoutError) as error:
                log.warning("archive-child-lost", error=type(error).__name__)
                if self._pool is pool:
                    self._pool = None
                    self._end(pool)
                if last or isinstance(error, TimeoutError):
                    raise ArchiveFailed("the child process was lost") from None
        raise AssertionError("the last try returned or raised")

    def _end(self, pool: ProcessPoolExecutor) -> None:
        children = list((pool._processes or {}).values())  # a child that hangs answers to nothing but a signal
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.terminate()

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            self._end(pool)
