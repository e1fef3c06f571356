"""`python -m tests.migration.record NAME`: write down what waits under the code at hand, as files beside this one.

Done once for a release, with its code; what is recorded under a name is replaced. The tests of this folder then hold
that under any later code each case goes on to its end.
"""

import asyncio
import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import asyncpg

from deploy.database.migrations import migrate
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.db.pool import Database
from services.decommission import executor
from services.decommission.cases import states
from services.decommission.cases.entries.table import BY_KIND
from tests.conftest import CARELESS, ROOT, Urls
from tests.contract import published
from tests.integration.decommission.conftest import START, noon
from tests.migration import dump, lives, others
from tests.migration.others import Told
from tests.migration.parks import Recording

HERE = Path(__file__).parent
OUTSIDE, PACKAGES, TABLE = "outside.json", "packages.tar.xz", "table.json"
EVENTS, SCHEMAS = "events.jsonl", "events"


def table() -> dict[str, list[str]]:
    """Where a case can stand, what may come to its log and what can be done about it, by the code at hand."""
    found = {
        "states": (states.OPEN | states.ENDED) - {"new"},
        "entries": set(BY_KIND),
        "steps": set(executor.STEPS),
    }
    return {name: sorted(values) for name, values in found.items()}


async def database(server: LocalPostgres, service: str) -> Urls:
    """A database with a service's schema."""
    name = f"recorded_{service}"
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"create database {name} owner {OWNER}")
    await admin.close()
    owner = server.url(name, user=OWNER)
    await migrate(owner, ROOT / "services" / service / "migrations", service_role=f"jianfu_{service}")
    return Urls(server.url(name, user=f"jianfu_{service}"), owner)


async def decommission(server: LocalPostgres, into: Path, folder: Path, told: Told) -> None:
    """Cases in every place where one can wait."""
    urls = await database(server, "decommission")
    async with lives.service(urls, folder, noon(START)) as story:
        story.before_taken = lambda: told.take(story.database)
        recording = Recording(story)
        await recording.play()
        await told.take(story.database)
        lives.remember(story, into / OUTSIDE, {str(case): life.name for case, life in recording.lives.items()})
    (into / TABLE).write_text(json.dumps(table(), indent=1) + "\n")
    for life in recording.lives.values():  # what stood in the way of a package is gone
        place = folder / "archive" / str(life.case)
        if place.is_file():
            place.unlink()
    _pack(folder / "archive", into / PACKAGES)
    await dump.write(server.url("recorded_decommission"), into / "decommission")


def _pack(folder: Path, file: Path) -> None:
    """The same bytes for the same packages."""
    with tarfile.open(file, "w:xz", preset=9) as into:
        for path in sorted(folder.rglob("*")):
            info = into.gettarinfo(path, path.relative_to(folder).as_posix())
            info.uid = info.gid = info.mtime = 0
            info.uname = info.gname = ""
            info.mode = 0o755 if path.is_dir() else 0o644
            if path.is_file():
                with path.open("rb") as content:
                    into.addfile(info, content)
            else:
                into.addfile(info)


async def record(server: LocalPostgres, into: Path, folder: Path) -> None:
    """All of it."""
    await server.prepare()
    told = Told()
    await decommission(server, into, folder, told)
    for service, fill in (("registry", others.registry), ("monitor", others.monitor)):
        held = await Database.connect((await database(server, service)).service, name=service)
        try:
            await fill(held, told)
        finally:
            await held.close()
        await dump.write(server.url(f"recorded_{service}"), into / service)
    told.from_outside()
    told.write(into / EVENTS)
    shutil.copytree(published.EVENTS, into / SCHEMAS)


def main(name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="jianfu-record-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)
        work, written = Path(scratch) / "work", Path(scratch) / name
        work.mkdir()
        written.mkdir()
        server = LocalPostgres(Path(scratch) / "postgres", settings=CARELESS).start()
        try:
            asyncio.run(record(server, written, work))
        finally:
            server.stop()
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(written, HERE / name)  # only what is whole takes the place of what was there


if __name__ == "__main__":
    main(sys.argv[1])
