"""A unit reads what is its own and its subtree's, and of nobody else a row, a count or that it exists."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.integration.registry.conftest import Registry, bearer, declared
from tests.kit.own import admitting_units

P = "/registry/v1"
NOBODYS = {
    "no unit": bearer("unit"),
    "no such unit": bearer("unit", unit="ca-name:Nobody"),
    "half a unit": bearer("unit", unit="ca-name: "),
    "unit of no role": bearer("agent", unit="ca-name:County"),
}
ITEMS = ("asset_id", "unit_id")


def of(unit: str, *more: str) -> dict[str, str]:
    return bearer("unit", *more, unit=f"ca-name:{unit}")


@pytest.fixture
async def tree(registry: Registry, http: httpx.AsyncClient) -> dict[str, UUID]:
    """A county with an office below it, and another county: three assets each."""
    recorded: dict[str, UUID] = {}
    for unit, parent in (("County", None), ("Office", "County"), ("Other", None)):
        body: dict[str, Any] = {"scheme": "ca-name", "value": unit, "names": [{"language": "en", "text": unit}]}
        if parent:
            body["parent"] = {"scheme": "ca-name", "value": parent}
        answer = await http.post("/units", json=body, headers=bearer("registrar"))
        recorded[unit] = UUID(answer.json()["unit_id"])
        for number in range(3):
            taken = await registry.take(declared(f"{unit.lower()}{number}", unit=unit))
            recorded[f"{unit}{number}"] = taken.asset_id
    return recorded


def named(answer: httpx.Response) -> set[str]:
    return {str(next(item[name] for name in ITEMS if name in item)) for item in answer.json()["items"]}


async def test_each_route_that_admits_a_unit_is_in_this_matrix(http: httpx.AsyncClient) -> None:
    assert admitting_units(http) == {
        f"{P}/dead-letters",
        f"{P}/refusals",
        f"{P}/assets",
        f"{P}/assets/{{asset_id}}",
        f"{P}/assets/{{asset_id}}/history",
        f"{P}/summary",
        f"{P}/units",
        f"{P}/units/{{unit_id}}",
    }


async def test_a_unit_reads_its_own_rows_and_those_below_it(http: httpx.AsyncClient, tree: dict[str, UUID]) -> None:
    for unit, mine in (("County", ("County", "Office")), ("Office", ("Office",)), ("Other", ("Other",))):
        assets = {str(tree[f"{name}{number}"]) for name in mine for number in range(3)}
        assert named(await http.get("/assets", headers=of(unit))) == assets
        assert named(await http.get("/units", headers=of(unit))) == {str(tree[name]) for name in mine}
        counts = (await http.get("/summary", headers=of(unit))).json()["items"]
        assert sum(row["assets"] for row in counts) == len(assets)
        for name in ("County", "Office", "Other"):
            well = 200 if name in mine else 404
            for path in (f"/units/{tree[name]}", *(f"/assets/{tree[f'{name}0']}{more}" for more in ("", "/history"))):
                assert (await http.get(path, headers=of(unit))).status_code == well, (unit, path)
    everything = await http.get("/assets", headers=of("County", "viewer"))
    assert len(named(everything)) == 9, "a viewer's role reads all, whatever unit stands beside it"


async def test_filters_and_pages_tell_nothing_of_another_unit(http: httpx.AsyncClient, tree: dict[str, UUID]) -> None:
    assert named(await http.get(f"/assets?sponsor={tree['Other']}", headers=of("County"))) == set()
    assert named(await http.get("/units?scheme=ca-name&value=Other", headers=of("County"))) == set()
    assert named(await http.get("/units?name=Oth", headers=of("County"))) == set()
    pages: list[str] = []
    cursor = ""
    while True:
        page = (await http.get(f"/assets?limit=1{cursor}", headers=of("Office"))).json()
        pages += [item["asset_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(pages) == sorted(str(tree[f"Office{number}"]) for number in range(3))
    others = await http.get(f"/assets/{tree['Other0']}", headers=of("County"))
    unknown = uuid4()
    nobodys = await http.get(f"/assets/{unknown}", headers=of("County"))
    assert others.text.replace(str(tree["Other0"]), str(unknown)) == nobodys.text, "no word tells that it exists"


@pytest.mark.parametrize("who", NOBODYS)
async def test_without_a_unit_that_is_recorded_a_unit_reads_nothing(
    http: httpx.AsyncClient, tree: dict[str, UUID], who: str
) -> None:
    paths = [f"/assets/{tree['County0']}/history", "/summary", "/units", f"/units/{tree['County']}"]
    if who != "unit of no role":  # an agent reads assets, to know their ids
        paths += ["/assets", f"/assets/{tree['County0']}"]
    for path in paths:
        assert (await http.get(path, headers=NOBODYS[who])).status_code == 403, path


async def test_a_unit_reads_the_versions_in_which_an_asset_was_its_own(
    registry: Registry, http: httpx.AsyncClient, tree: dict[str, UUID]
) -> None:
    asset = tree["County0"]
    await registry.take(declared("county0", unit="Other"))
    assert (await http.get(f"/assets/{asset}", headers=of("County"))).status_code == 404
    assert (await http.get(f"/assets/{asset}/history", headers=of("County"))).status_code == 404
    versions = (await http.get(f"/assets/{asset}/history", headers=of("Other"))).json()["items"]
    assert {version["record"]["sponsor_id"] for version in versions} == {str(tree["Other"])}
    whole = (await http.get(f"/assets/{asset}/history", headers=bearer("viewer"))).json()["items"]
    assert len(whole) > len(versions)
