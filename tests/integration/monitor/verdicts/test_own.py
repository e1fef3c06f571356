"""A unit reads the verdicts, findings and reasons of its own assets and its subtree's, and of nobody else's."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from deploy.local.issuer import issue
from libs.common.events.registry import UnitRecorded
from services.monitor.units import usecases as unit_usecases
from tests.integration.monitor.conftest import KEY, Monitor
from tests.kit.own import admitting_units

P = "/monitor/v1"
UNITS = {name: uuid4() for name in ("county", "office", "other")}
READ = ("/verdicts", "/findings")


def of(unit: str | None, *more: str) -> dict[str, str]:
    return {"Authorization": "Bearer " + issue(KEY, "clerk", ("unit", *more), unit=unit and f"test:{unit}")}


async def know(monitor: Monitor, name: str, *, version: int = 1, parent: UUID | None = None) -> None:
    event = UnitRecorded(
        unit_id=UNITS[name], version=version, scheme="test", value=name.upper(), names=(), parent_id=parent
    )
    await unit_usecases.record_unit(monitor.database, event)


@pytest.fixture
async def owned(monitor: Monitor) -> dict[str, Any]:
    """A county with an office below it, and another county: two assets each, silent for so long that each is owned."""
    await know(monitor, "county")
    await know(monitor, "office", parent=UNITS["county"])
    await know(monitor, "other")
    owned: dict[str, Any] = {}
    for unit, unit_id in UNITS.items():
        owned[unit] = [await monitor.record(f"{unit}{number}", sponsor_id=unit_id) for number in range(2)]
    assets = [asset for unit in UNITS for asset in owned[unit]]
    for on in range(16):
        await monitor.full_day(on, assets)
    await monitor.sweep()
    return owned


async def listed(http: httpx.AsyncClient, path: str, who: dict[str, str]) -> list[str]:
    answer = await http.get(path, headers=who)
    assert answer.status_code == 200, answer.text
    return [item["asset_id"] for item in answer.json()["items"]]


async def test_each_route_that_admits_a_unit_is_in_this_matrix(http: httpx.AsyncClient) -> None:
    assert admitting_units(http) == {
        f"{P}/dead-letters",
        f"{P}/refusals",
        f"{P}/verdicts",
        f"{P}/findings",
        f"{P}/findings/{{finding_id}}",
        f"{P}/assets/{{asset_id}}/why",
    }


async def test_a_unit_reads_its_own_rows_and_those_below_it(http: httpx.AsyncClient, owned: dict[str, Any]) -> None:
    everything = (await http.get("/findings?limit=500", headers=of(None, "viewer"))).json()["items"]
    assert {item["asset_id"] for item in everything} == {str(a) for unit in UNITS for a in owned[unit]}
    for unit, mine in (("county", ("county", "office")), ("office", ("office",)), ("other", ("other",))):
        assets = {str(asset) for name in mine for asset in owned[name]}
        for path in READ:
            assert set(await listed(http, path, of(unit))) == assets, (unit, path)
        for item in everything:
            well = 200 if item["asset_id"] in assets else 404
            for path in (f"/findings/{item['finding_id']}", f"/assets/{item['asset_id']}/why"):
                assert (await http.get(path, headers=of(unit))).status_code == well, (unit, path)


async def test_filters_and_pages_tell_nothing_of_another_unit(http: httpx.AsyncClient, owned: dict[str, Any]) -> None:
    other, mine = owned["other"][0], sorted(str(asset) for asset in owned["office"])
    assert await listed(http, f"/findings?asset_id={other}", of("county")) == []
    for path in READ:
        first = (await http.get(f"{path}?limit=1", headers=of("office"))).json()
        second = (await http.get(f"{path}?limit=1&cursor={first['next']}", headers=of("office"))).json()
        assert sorted(page["items"][0]["asset_id"] for page in (first, second)) == mine
    unknown = uuid4()
    theirs = await http.get(f"/assets/{other}/why", headers=of("county"))
    nobodys = await http.get(f"/assets/{unknown}/why", headers=of("county"))
    assert theirs.text.replace(str(other), str(unknown)) == nobodys.text, "no word tells that it exists"


@pytest.mark.parametrize("unit", [None, "nobody", " "])
async def test_without_a_unit_that_is_known_a_unit_reads_nothing(
    http: httpx.AsyncClient, owned: dict[str, Any], unit: str | None
) -> None:
    for path in (*READ, f"/findings/{uuid4()}", f"/assets/{owned['county'][0]}/why"):
        assert (await http.get(path, headers=of(unit))).status_code == 403, path


async def test_units_that_were_told_without_their_codes_are_read_again(
    monitor: Monitor, http: httpx.AsyncClient, owned: dict[str, Any]
) -> None:
    assert not await unit_usecases.units_incomplete(monitor.database)
    await monitor.database.pool.execute("update units set scheme = null, value = null")
    assert await unit_usecases.units_incomplete(monitor.database)
    assert (await http.get("/findings", headers=of("other"))).status_code == 403
    await know(monitor, "other")  # the same version as before
    assert len(set(await listed(http, "/findings", of("other")))) == 2
