"""Archive packages: BagIt bags (RFC 8493), written and read back in a child process.

`bagit` changes the working directory of its whole process, so it never runs in this one. What this module's functions
take and give is plain data, since it crosses to the child.
"""

import asyncio
import hashlib
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from uuid import UUID

import bagit

PAYLOAD = "data"
CHECKS = ("authenticity", "integrity", "usability", "security")  # 档案法实施条例 art. 40


def write(folder: str, files: dict[str, bytes], info: dict[str, str]) -> None:
    """Make a bag from files; what stood there from an attempt that was cut short is replaced."""
    bag, fresh = Path(folder), Path(folder + ".writing")
    for old in (fresh, bag):
        shutil.rmtree(old, ignore_errors=True)
    for name, content in files.items():
        file = fresh / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    bagit.make_bag(str(fresh), bag_info=info, checksums=["sha256"])
    fresh.rename(bag)


def read_back(folder: str, expected: list[str]) -> tuple[str, dict[str, bool]]:
    """(sha256 of the bag's tag manifest, the four checks). The tag manifest covers every other file of the bag."""
    checks = dict.fromkeys(CHECKS, False)
    try:
        bag = bagit.Bag(folder)
        bag.validate(processes=1)
    except (bagit.BagError, bagit.BagValidationError, OSError, ValueError):
        return "", checks
    names = {str(Path(name).relative_to(PAYLOAD)) for name in bag.payload_entries()}
    manifest = (Path(folder) / "tagmanifest-sha256.txt").read_bytes()
    checks["integrity"] = True
    checks["authenticity"] = bool(bag.info.get("Source-Organization")) and "case/log.json" in names
    checks["usability"] = set(expected) <= names
    checks["security"] = not any(word in name for name in names for word in ("contact", "token", "private"))
    return hashlib.sha256(manifest).hexdigest(), checks


class Archive:
    """The bags of one deployment and the child that makes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool: ProcessPoolExecutor | None = None

    def _child(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        return self._pool

    def place(self, case_id: UUID) -> Path:
        return self._folder / str(case_id)

    async def keep(self, case_id: UUID, files: dict[str, bytes], *, day: date, title: str) -> None:
        """Write a case's package. Raises OSError or bagit.BagError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        info = {
            "Source-Organization": "Jianfu",
            "External-Identifier": str(case_id),
            "External-Description": title,
            "Bagging-Date": day.isoformat(),
            "Bag-Software-Agent": "jianfu",
        }
        await self._run(write, str(self.place(case_id)), files, info)

    async def check(self, case_id: UUID, expected: list[str]) -> tuple[str, dict[str, bool]]:
        """Read a package back: its hash and the four checks; an empty hash where it is damaged."""
        found: tuple[str, dict[str, bool]] = await self._run(read_back, str(self.place(case_id)), expected)
        return found

    async def _run(self, work: object, *arguments: object) -> tuple[str, dict[str, bool]]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._child(), work, *arguments)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except Exception:
            self._pool, broken = None, self._pool
            if broken is not None:
                broken.shutdown(wait=False, cancel_futures=True)
            raise

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
