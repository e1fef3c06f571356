"""A decommission service over a database of any age, with the same world outside as when the database was written."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.verify import jianfu_verify
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.outbound.egress import Egress, Reply
from libs.common.outbound.targets import Targets
from libs.common.security import tokens
from services.decommission.archives.store import Archive
from services.decommission.calls.client import DOORS
from services.decommission.deps import Deps
from services.decommission.limits.domain import Limits
from tests.acceptance.world import unit_key
from tests.conftest import Urls
from tests.integration.decommission import outside
from tests.integration.decommission.conftest import SHORT, ZONE, Story, noon

SERVICE_KEY = unit_key("decommission")  # the same for every recording
LIMITS = Limits(per_unit_per_day=3)
PORT = 18_009  # of the world outside, as all rows and notices name it; nobody listens there


class Redirected(Egress):
    """The door, behind which the recorded address leads to where the world outside stands now."""

    to = PORT

    async def request(self, method: str, url: str, **more: Any) -> Reply:
        return await super().request(method, url.replace(f":{PORT}/", f":{self.to}/"), **more)


@dataclass
class Waiting(Story):
    """The story of a database in which cases wait; `before_taken` looks at the outbox before it is emptied."""

    before_taken: Callable[[], Awaitable[None]] | None = None

    async def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        if self.before_taken is not None:
            await self.before_taken()
        return await super().outbox()

    async def fault(self, case: UUID) -> list[str]:
        """What the verifier finds wrong with a case's file."""
        service = jianfu_verify.read_key(tokens.public_key(SERVICE_KEY))
        units = [jianfu_verify.read_key(self.world.public_key(name)) for name in self.units.values()]
        return jianfu_verify.check(await self.file(case), [service], units).faults


@asynccontextmanager
async def service(urls: Urls, folder: Path, now: datetime) -> AsyncIterator[Waiting]:
    """The service at an instant; its packages lie in `folder/archive`."""
    async with outside.running(folder, SERVICE_KEY) as world:
        world.address = f"http://127.0.0.1:{PORT}"
        database = await Database.connect(urls.service, name="decommission")
        places = (f"127.0.0.1:{world.port}", f"127.0.0.1:{PORT}", "127.0.0.1:9")
        egress = Redirected(dict.fromkeys(DOORS, places), timeout=2, targets=Targets(longest_rest=0.2))
        egress.to = world.port
        archive = Archive(folder / "archive")
        clock = SteppedClock(ZONE, now)
        deps = Deps(
            database=database,
            clock=clock,
            egress=egress,
            signing_key=SERVICE_KEY,
            limits=LIMITS,
            archive=archive,
            windows=SHORT,
        )
        story = Waiting(database, urls, deps, clock, world, SHORT)
        story.start()
        try:
            yield story
        finally:
            if story.http is not None:
                await story.http.aclose()
            await archive.close()
            await egress.close()
            await database.close()


def remember(story: Waiting, file: Path, names: dict[str, str]) -> None:
    """Write down what the outside holds, and what else is needed to go on: the day, the units, the names of cases."""
    world = story.world.world
    held = {
        "day": story.day.isoformat(),
        "units": {str(which): name for which, name in sorted(story.units.items())},
        "lives": dict(sorted(names.items(), key=lambda pair: pair[1])),
        "stopped": sorted(world.stopped),
        "answers": dict(sorted(world.answers.items())),
    }
    file.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n")


def recall(story: Waiting, file: Path) -> None:
    """The outside as it was; everybody behaves well from now on."""
    held = json.loads(file.read_text())
    story.units = {UUID(which): name for which, name in held["units"].items()}
    story.world.world.stopped = set(held["stopped"])
    story.world.world.answers = held["answers"]


def day_of(file: Path) -> datetime:
    """The instant at which a database was recorded."""
    return noon(date.fromisoformat(json.loads(file.read_text())["day"]))
