"""Promise 9: what waited under a release, wherever it waited, goes on to its end under this code."""

import csv
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.database.migrations import migrate
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.events.envelope import unpack
from libs.common.events.registry import AssetRegistered
from libs.common.security import signing
from services import SERVICES
from services.decommission import executor
from services.decommission.cases import states
from services.monitor.rechecks import usecases as rechecks
from services.registry.guard import usecases as guard
from services.registry.tombstones import usecases as tombstones
from tests.acceptance.world import unit_key
from tests.conftest import ROOT, Urls, open_folder
from tests.contract import published
from tests.contract.additive import event_breaks
from tests.integration.monitor.conftest import ZONE, Monitor, day, noon
from tests.integration.registry.conftest import NOW, Registry, declared
from tests.migration import dump, lives
from tests.migration.lives import Waiting
from tests.migration.others import LAST_DAY, Told, question
from tests.migration.record import EVENTS, OUTSIDE, PACKAGES, SCHEMAS, TABLE, table

HERE = Path(__file__).parent
RELEASES = sorted(path.name for path in HERE.glob("v*") if path.is_dir())
RESTORES = ("accepted", "asked", "begun", "failed", "seen", "sent", "unanswered")
DAYS = 40  # of the calendar, within which every case has ended where the windows are those of the recording

# Cases that are held, and will be on this day: a hold that is over ends by itself.
HOLDS = """
select case_id from (
    select distinct on (case_id) case_id, kind, data->>'until' as until from case_log
    where kind in ('held', 'released') order by case_id, seq desc
) last where kind = 'held' and (until is null or until::date > $1::date)
"""
# How cases end that do not close: what was said of them before the upgrade is what counts after it.
ENDS = dict.fromkeys(("answered-keep", "cancelled", "cancelled-stopped", "cleared", "ended", "fix-refuted"), "ended")
ENDS |= dict.fromkeys(("refuted", "stop-cleared"), "ended")
ENDS |= dict.fromkeys(("lying", *(f"restore-{how}" for how in RESTORES), "restored"), "restored")


async def restored(server: LocalPostgres, release: str, service: str) -> Urls:
    """A service's database as it was under a release, brought to this code's schema."""
    name = f"{service}_{release}".replace(".", "_")
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"drop database if exists {name}")
    await admin.execute(f"create database {name} owner {OWNER}")
    await admin.close()
    await dump.read(server.url(name), HERE / release / service)
    owner = server.url(name, user=OWNER)
    await migrate(owner, ROOT / "services" / service / "migrations", service_role=f"jianfu_{service}")
    return Urls(server.url(name, user=f"jianfu_{service}"), owner)


@asynccontextmanager
async def upgraded(server: LocalPostgres, release: str, folder: Path) -> AsyncIterator[Waiting]:
    """The service of this code over the cases of a release, with its packages and the world outside as they were."""
    urls = await restored(server, release, "decommission")
    with tarfile.open(HERE / release / PACKAGES) as packed:
        packed.extractall(folder / "archive", filter="data")
    outside = HERE / release / OUTSIDE
    async with lives.service(urls, folder, lives.day_of(outside)) as story:
        lives.recall(story, outside)
        yield story


class People:
    """What people do day by day, so that whatever waits for somebody can go on."""

    def __init__(self, story: Waiting, names: dict[UUID, str]) -> None:
        self.story, self.names = story, names

    async def day(self) -> bool:
        """One day; whether every case has ended."""
        waiting = [case for case in await self.story.cases() if case["state"] not in states.ENDED]
        for row in await self.story.owner(HOLDS, self.story.day):
            await self.story.act(row["case_id"], "release")
        for case in waiting:
            await self.help(UUID(case["case_id"]), case["state"])
        await self.story.sign()
        await self.story.next_day()
        return not waiting

    async def help(self, case: UUID, state: str) -> None:
        """What a person does about a case that waits for one."""
        if state == "needs_person":
            await self.story.act(case, "resume")
        if state == "unverified":  # the target lied, so it is brought back
            await self.story.act(case, "restore")
        if state == "undelivered":
            await self.prove(case)

    async def prove(self, case: UUID) -> None:
        """The unit signs late for the last notice that it was sent."""
        rows = await self.story.owner(
            "select n.sha256, n.key_unit from notices n where case_id = $1 order by ordinal desc limit 1", case
        )
        claims = {"notice_sha256": rows[0]["sha256"], "asset_id": (await self.story.case(case))["asset_id"]}
        token = signing.sign(unit_key(self.story.units[rows[0]["key_unit"]]), claims)
        await self.story.call("POST", f"/notices/{case}/receipt", {"receipt": token}, role="public")


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The steps that are performed."""
    performed: set[str] = set()

    def noting(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        async def perform(*given: Any) -> None:
            performed.add(name)
            await step(*given)

        return perform

    for name, step in executor.STEPS.items():
        monkeypatch.setitem(executor.STEPS, name, noting(name, step))
    return performed


@pytest.mark.parametrize("release", RELEASES)
async def test_every_case_goes_on_to_its_end(
    postgres: LocalPostgres, folder: Path, steps: set[str], release: str
) -> None:
    """Restored, migrated and worked by the real executor; every case file verifies at the end."""
    expected = json.loads((HERE / release / OUTSIDE).read_text())["lives"]
    async with upgraded(postgres, release, folder) as story:
        await story.connector("tiktok")
        names = {UUID(case): name for case, name in expected.items()}
        await know_all(story)
        people = People(story, names)
        for _ in range(DAYS):
            if await people.day():
                break
        stranded = {
            names[UUID(case["case_id"])]: (case["state"], await story.kinds(UUID(case["case_id"])))
            for case in await story.cases()
            if case["state"] not in states.ENDED
        }
        assert stranded == {}
        ends = {names[case]: await story.state(case) for case in names}
        assert {name: end for name, end in ends.items() if end != ENDS.get(name, "closed")} == {}
        faults = {names[case]: found for case in names if (found := await story.fault(case))}
        assert faults == {}
        assert steps >= set(json.loads((HERE / release / TABLE).read_text())["steps"])


async def know_all(story: Waiting) -> None:
    """The registry tells of the account that it had not told of."""
    (row,) = await story.owner("select asset_id from cases where asset_id not in (select asset_id from subjects)")
    unit = next(which for which, name in story.units.items() if name == "other")
    record = story.record("asset-unknown", unit)
    assert record["asset_id"] == row["asset_id"]
    await story.hear(AssetRegistered(**record))


def rows(release: str, service: str, table: str) -> list[dict[str, str]]:
    """The rows of a recorded table."""
    with (HERE / release / service / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_release_is_recorded() -> None:
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_a_case_waits_in_every_place(release: str) -> None:
    """In every state, behind every entry, and of each effect before and after the call."""
    known = json.loads((HERE / release / TABLE).read_text())
    last: dict[str, dict[str, str]] = {}
    for row in rows(release, "decommission", "case_log"):
        if row["case_id"] not in last or int(row["seq"]) > int(last[row["case_id"]]["seq"]):
            last[row["case_id"]] = row
    places = {(row["state"], last[row["case_id"]]["kind"]) for row in rows(release, "decommission", "cases")}
    assert {state for state, _ in places} == set(known["states"])
    assert {entry for _, entry in places} == set(known["entries"])
    begun = [row["step"] for row in rows(release, "decommission", "effects") if row["state"] == "started"]
    assert set(begun) == {entry.removesuffix("_started") for entry in known["entries"] if entry.endswith("_started")}
    names = json.loads((HERE / release / OUTSIDE).read_text())["lives"].values()
    assert {f"{step}-{when}" for step in set(begun) for when in ("begun", "sent")} <= set(names)
    kinds = {row["state"] for row in rows(release, "decommission", "alarms")}
    assert kinds == {"open", "acknowledged", "ended"}


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_case_could_be_it_can_still_be(release: str) -> None:
    """A state, an entry or a step that a release knew is not taken away while a case may wait there."""
    known, now = json.loads((HERE / release / TABLE).read_text()), table()
    assert [(name, value) for name in known for value in known[name] if value not in now[name]] == []


@pytest.mark.parametrize("release", RELEASES)
def test_every_event_of_a_release_is_read(release: str) -> None:
    """By the models of this code, from the records of that one, with nothing lost; and their schemas still hold."""
    schemas = published.snapshots(HERE / release / SCHEMAS)
    classes = {cls.TYPE: cls for cls in published.event_classes()}
    told = [json.loads(line) for line in (HERE / release / EVENTS).read_text().splitlines()]
    assert {event["headers"]["ce_type"] for event in told} == set(schemas)
    for event in told:
        kind = event["headers"]["ce_type"]
        headers = [(name, value.encode()) for name, value in event["headers"].items()]
        body = json.dumps(event["body"]).encode()
        incoming = unpack(headers, key=event["key"].encode(), value=body)
        read = classes[kind].model_validate_json(incoming.body)
        assert (incoming.type, read.TOPIC) == (kind, event["topic"])
        assert event["body"].items() <= read.model_dump(mode="json").items()
        assert event_breaks(schemas[kind], published.event_snapshot(classes[kind])) == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("service", SERVICES)
async def test_what_waits_to_be_told_is_told(postgres: LocalPostgres, release: str, service: str) -> None:
    """Whatever an outbox held is still a message that this code's relay can take and its models can read."""
    urls = await restored(postgres, release, service)
    database = await Database.connect(urls.service, name=service)
    try:
        told = Told()
        await told.take(database)
        assert len(told.events) > 0
        async with database.transaction("take") as conn:
            taken = [row async for row in PLUMBING.outbox_take(conn, batch=1000)]
        assert len(taken) == len(rows(release, service, "outbox"))
    finally:
        await database.close()


@pytest.mark.parametrize("release", RELEASES)
async def test_the_register_goes_on(postgres: LocalPostgres, release: str) -> None:
    """Each account in the state it was in takes what comes next."""
    database = await Database.connect((await restored(postgres, release, "registry")).service, name="registry")
    story = Registry(database, now=NOW + timedelta(days=3))
    try:
        known = {row["identity"]: UUID(row["asset_id"]) for row in rows(release, "registry", "assets")}
        await tombstones.resume(database, known["stopped"], "back", now=story.now)
        await tombstones.stop(database, known["back"], "again", now=story.now)
        assert await story.outcome(declared("gone")) == "restored"
        assert await story.outcome(declared("online"), event="declared online") == "registered"  # the same answer again
        (held,) = await story.pending()
        done = await guard.decide_one(database, held, go=True, reason="seen", actor="op", now=story.now)
        assert done.outcome == "gone"
        for name in ("amended", "gone2", "relisted", "stopped"):
            await story.close(known[name])
        states = {name: await story.state(name) for name in sorted(known)}
        assert states == {
            "amended": "closed offline",
            "back": "draft suspended",
            "closed": "closed offline",
            "gone": "draft online",
            "gone2": "closed offline",
            "held": "draft gone",
            "online": "draft online",
            "relisted": "closed offline",
            "stopped": "closed offline",
        }
        story.now += timedelta(days=400)
        assert await story.outcome(declared("closed")) == "registered"  # a new record after the cooldown
    finally:
        await database.close()


@pytest.mark.parametrize("release", RELEASES)
async def test_the_monitor_goes_on(postgres: LocalPostgres, release: str) -> None:
    """Findings that were open are still the same ones; a post ends them, silence and a blind source do not."""
    database = await Database.connect((await restored(postgres, release, "monitor")).service, name="monitor")
    last = LAST_DAY
    story = Monitor(database, SteppedClock(ZONE, noon(day(last))), admitted={"s"})
    try:
        known = {row["identity"]: UUID(row["asset_id"]) for row in rows(release, "monitor", "assets")}
        assert await story.open_rules(known["silent"]) == ["C06"]
        await story.events()
        await story.full_day(last + 1, list(known.values()), [known["alive"]])
        await story.sweep()
        asked = question(known["silent"], story.clock)
        await rechecks.answer_recheck(database, story.book, asked, story.clock, event_id="after")
        assert ("finding.confirmed", str(asked.request_id)) in await story.events()
        await story.full_day(last + 2, list(known.values()), [known["silent"], known["alive"], known["stopped"]])
        await story.sweep()
        assert await story.events() == [("finding.cleared", str(asked.finding_id))]
        assert await story.open_rules(known["stopped"]) == ["C06"]  # nobody watches what a case has stopped
    finally:
        await database.close()
