"""Before the first day: sources, connectors, the register of 2024-10-24, units' systems, and the log up to the play."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from client import SERVICES, Client
from names import asset_id
from register import AS_OF, HOSTS, Identity, Row
from rich.console import Console
from scenario import COVERS, SOURCES, Scenario
from signing import public, unit_key
from stack import World
from streams import REGISTER, Streams
from usage import ZONE

AGENT = "jianfu-local|agent"  # whose token the beacons and statements carry: the local issuer's, for this subject
EVENING = time(20)  # business time of a day's work; the day's posts were made before


class Disagreement(RuntimeError):
    """The product and the inputs say different things where the demo cannot go on."""


async def step_clock(client: Client, world: World, day: date) -> datetime:
    """It is the evening of this day, in all three services and in the world."""
    now = datetime.combine(day, EVENING, ZONE)
    body = {"now": now.isoformat()}
    world.tell("day", day.isoformat())
    await asyncio.gather(*(client.post(f"/{name}/v1/clock", body, "clock") for name in SERVICES))
    return now


async def configure(client: Client, world: World) -> None:
    """Who sends usage, and how each platform is told to stop an account."""
    world.tell("keys", (await client.get("/decommission/v1/keys", None))["keys"])
    for source in SOURCES:
        await client.put(f"/monitor/v1/sources/{source}", {"rhythm_days": 1, "floor_share": 0.8}, "operator")
        admission = {
            "agents": [AGENT],
            "measures": ["posts", "posts_total", "views"],
            "covers": {"kinds": ["account"], "platforms": COVERS[source]},
        }
        await client.put(f"/monitor/v1/sources/{source}/admission", admission, "operator")
    for platform in sorted(set(HOSTS.values())):
        connector = {
            "stop_url": f"{world.address}/switches/stop",
            "restore_url": f"{world.address}/switches/restore",
            "probe_url": f"{world.address}/{{platform}}/{{identity}}",
            "honours_keys": True,
        }
        await client.put(f"/decommission/v1/connectors/{platform}", connector, "operator")


async def import_register(client: Client, content: bytes, console: Console) -> dict[str, int]:
    """The register's file: first what it would do, then do it. Raises Disagreement when the two differ."""
    where = f"/registry/v1/imports?source={REGISTER}&on={AS_OF}&unit_scheme=ca-name"
    headers = {"Content-Type": "text/csv; charset=utf-8"}

    async def run(mode: str) -> dict[str, Any]:
        answer: dict[str, Any] = await client.call(
            "POST", f"{where}&mode={mode}", "registrar", content=content, headers=headers
        )
        return answer

    told, done = await run("dry-run"), await run("apply")
    if told["summary"] != done["summary"]:
        raise Disagreement(f"the dry run said {told['summary']}, the import did {done['summary']}")
    for verdict in done["verdicts"]:
        if verdict["verdict"] == "duplicate":
            console.print(f"  line {verdict['row']}: a twin of line {verdict['twin_row']}, refused")
    summary: dict[str, int] = done["summary"]
    return summary


async def check_ids(client: Client, expected: Iterable[Identity]) -> None:
    """The register holds exactly these accounts, under the ids made from what they are. Raises Disagreement."""
    held = {a["asset_id"]: f"{a['platform']}/{a['identity']}" async for a in client.items("/registry/v1/assets")}
    wanted = {asset_id(identity): "/".join(identity) for identity in expected}
    if held != wanted:
        missing = sorted(wanted[k] for k in wanted.keys() - held.keys())[:5]
        surplus = sorted(held[k] for k in held.keys() - wanted.keys())[:5]
        raise Disagreement(f"the register holds {len(held)}, expected {len(wanted)}; lacks {missing}, has {surplus}")


class Switchboard:
    """Where notices go: a webhook and a key for each unit as soon as it is known.

    An operator proposes it, the unit's system is challenged and proves that it holds the key, a registrar confirms it.
    """

    def __init__(self, client: Client, world: World, scenario: Scenario, nowhere: str) -> None:
        self._client = client
        self._world = world
        self._scenario = scenario
        self._nowhere = nowhere
        self.units: dict[str, str] = {}

    async def connect(self) -> None:
        """Give every new unit its endpoint; one unit's system is away, one signs for nothing."""
        new: dict[str, str] = {}
        async for unit in self._client.items("/registry/v1/units"):
            if unit["unit_id"] not in self.units:
                new[unit["unit_id"]] = unit["value"]
        manners = {unit: {"receipt": False} for unit, name in new.items() if same(name, self._scenario.mute)}
        if manners:
            self._world.tell("manners", manners)
        for start in range(0, len(new), 8):
            await asyncio.gather(*(self._endpoint(unit, new[unit]) for unit in list(new)[start : start + 8]))
        self.units |= new

    async def _endpoint(self, unit: str, name: str) -> None:
        away = same(name, self._scenario.unreachable)
        body = {
            "url": f"{self._nowhere if away else self._world.address}/units/{unit}/notices",
            "public_key": public(unit_key(self._scenario.seed, unit)),
            "contact": f"web team of {name}",
        }
        place = f"/decommission/v1/endpoints/{unit}"
        key = await self._client.put(place, body, "operator")
        seen = {"thumbprint": key["thumbprint"], "url": body["url"]}
        await self._client.post(f"{place}/confirmation", seen, "registrar")


def same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


async def apply_rows(client: Client, streams: Streams, rows: Sequence[Row], now: datetime, board: Switchboard) -> None:
    """One day's lines of the log, to quiet; new units get their endpoint."""
    await streams.lifecycle(rows, now)
    await client.quiet()
    await board.connect()
