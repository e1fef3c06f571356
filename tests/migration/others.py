"""What waits in the databases of the registry and the monitor, and every event that the services have told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from deploy.kafka import asyncapi
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.events import ids
from libs.common.events.decommission import CaseStopped, RecheckRequested
from libs.common.events.envelope import pack
from libs.common.events.intake import AssetCorrected, FromOutside
from libs.common.events.registry import UnitName, UnitRecorded
from libs.common.ids import derive
from services.monitor.assets import usecases as watched
from services.monitor.rechecks import usecases as rechecks
from services.monitor.units import usecases as units
from services.registry.tombstones import usecases as tombstones
from tests.contract import published
from tests.integration.monitor.conftest import START as FIRST
from tests.integration.monitor.conftest import ZONE, Monitor, noon
from tests.integration.registry.conftest import Registry, declared, delisted

SILENT = 16  # days after which an account that does not post has a finding
LAST_DAY = SILENT + 4  # of the monitor's story


class Told:
    """One event of each type, the earliest, as Kafka was to have it."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}

    async def take(self, database: Database) -> None:
        """Look at what waits in an outbox, and leave it there."""
        for row in await database.pool.fetch("select topic, key, payload, headers from outbox order by id"):
            headers = msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]])
            self.note(row["topic"], row["key"], row["payload"], headers)

    def note(self, topic: str, key: bytes, body: bytes, headers: Any) -> None:
        found = {name: value.decode() for name, value in headers if value is not None}
        event = {"topic": topic, "key": key.decode(), "headers": found, "body": json.loads(body)}
        held = self.events.get(found["ce_type"], event)  # in which order two cases tell of the same is a matter of luck
        self.events[found["ce_type"]] = min(
            held, event, key=lambda one: (one["headers"]["ce_time"], one["headers"]["ce_id"])
        )

    def from_outside(self) -> None:
        """What departments send, as the documents show it."""
        for cls in published.event_classes():
            if issubclass(cls, FromOutside):
                event = cls.model_validate(asyncapi._examples(cls)[0]["payload"])
                message = pack(event, sequence=1, time=datetime(2025, 6, 2, tzinfo=UTC))
                self.note(message.topic, message.key, message.body, message.headers)

    def write(self, file: Path) -> None:
        """One event a line, by type."""
        lines = (json.dumps(self.events[kind], ensure_ascii=False) for kind in sorted(self.events))
        file.write_text("".join(f"{line}\n" for line in lines))


async def registry(database: Database, told: Told) -> None:
    """Accounts that are online, corrected, stopped, back, gone, held by the guard, restored and closed."""
    story = Registry(database)
    names = ("online", "amended", "stopped", "back", "gone", "gone2", "held", "closed", "relisted")
    known: dict[str, UUID] = {}
    for name in names:
        known[name] = UUID(str((await story.take(declared(name), event=f"declared {name}")).asset_id))
    await story.take(AssetCorrected(**declared("amended").model_dump() | {"name": "Amended"}), event="corrected")
    for name, moves in (
        ("stopped", (tombstones.stop,)),
        ("back", (tombstones.stop, tombstones.resume)),
        ("closed", (tombstones.stop,)),
    ):
        for move in moves:
            await move(database, known[name], f"{move.__name__} {name}", now=story.now)
    await story.take(delisted("relisted"), event="delisted relisted")
    await story.take(declared("relisted"), event="declared relisted again")
    story.now += timedelta(days=2)
    for name in ("gone", "gone2", "held"):
        await story.take(delisted(name), event=f"delisted {name}")
    await story.close(
        known["closed"], title="标题 / Title", basis="依据 / Basis", label="FOUND", pack="p", pack_version="1"
    )
    await told.take(database)


async def monitor(database: Database, told: Told) -> None:
    """Accounts with an open finding, a cleared one, none, one that a case has stopped; a source that went blind."""
    clock = SteppedClock(ZONE, noon(FIRST))
    story = Monitor(database, clock)
    found = [await story.record(name) for name in ("silent", "posted", "alive", "stopped")]
    silent, posted, alive, stopped = found
    unit = UnitRecorded(unit_id=silent, version=1, scheme="t", value="v", names=(UnitName(language="en", text="U"),))
    await units.record_unit(database, unit)
    for number in range(SILENT):
        await story.full_day(number, found, [alive])
        await story.sweep()
    await story.full_day(SILENT, found, [alive, posted])
    await story.sweep()
    for asset in (silent, posted, alive):
        await rechecks.answer_recheck(database, story.book, question(asset, clock), clock, event_id=f"q {asset}")
    await watched.mark_stopped(database, _stopped(stopped, clock.now()), event_id="s1")
    for number in range(SILENT + 1, LAST_DAY):  # nothing comes, so nothing is known
        story.at(number)
        await story.sweep()
    await told.take(database)
    await story.full_day(LAST_DAY, found, [alive])
    for number in range(SILENT + 1, LAST_DAY):
        await story.state("s", number, found, 0, revision=1)
    await story.sweep()
    await told.take(database)


def question(asset: UUID, clock: SteppedClock) -> RecheckRequested:
    """Whether an account's first finding of C06 is still true today."""
    finding, case = ids.finding_id(asset, "C06", 1), ids.case_id(asset, 1)
    return RecheckRequested(
        request_id=derive("recheck", case, finding, clock.today()),
        case_id=case,
        finding_id=finding,
        asset_id=asset,
        rule="C06",
        business_day=clock.today(),
    )


def _stopped(asset: UUID, at: datetime) -> CaseStopped:
    return CaseStopped(case_id=ids.case_id(asset, 1), asset_id=asset, version=9, at=at)
