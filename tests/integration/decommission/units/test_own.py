"""A unit reads the cases and the endpoint that are its own or its subtree's, and of nobody else that they exist."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.decommission.conftest import Story
from tests.kit.own import admitting_units

P = "/decommission/v1"


@pytest.fixture
async def tree(story: Story) -> dict[str, UUID]:
    """A county with an office below it, and another county: two cases each."""
    found: dict[str, UUID] = {"county": await story.unit("county")}
    found["office"] = await story.unit("office", parent=found["county"])
    found["other"] = await story.unit("other")
    for unit in ("county", "office", "other"):
        for number in range(2):
            _, found[f"{unit}{number}"] = await story.flagged(f"{unit}{number}", found[unit])
    return found


async def cases(story: Story, query: str = "", **who: Any) -> set[str]:
    return {item["case_id"] for item in (await story.call("GET", f"/cases{query}", role="unit", **who))["items"]}


async def test_each_route_that_admits_a_unit_is_in_this_matrix(story: Story) -> None:
    assert story.http is not None
    assert admitting_units(story.http) == {
        f"{P}/dead-letters",
        f"{P}/refusals",
        f"{P}/cases",
        f"{P}/cases/{{case_id}}",
        f"{P}/endpoints/{{unit_id}}",
    }


async def test_a_unit_reads_its_own_rows_and_those_below_it(story: Story, tree: dict[str, UUID]) -> None:
    for unit, mine in (("county", ("county", "office")), ("office", ("office",)), ("other", ("other",))):
        who = {"role": "unit", "unit": f"test:{unit.upper()}"}
        assert await cases(story, unit=who["unit"]) == {str(tree[f"{name}{n}"]) for name in mine for n in range(2)}
        for name in ("county", "office", "other"):
            well = name in mine
            found = await story.request("GET", f"/cases/{tree[f'{name}0']}", **who)
            assert found.status_code == (200 if well else 404), (unit, name)
            found = await story.request("GET", f"/endpoints/{tree[name]}", **who)
            assert found.status_code == (200 if well else 403), (unit, name)
    assert len((await story.call("GET", "/cases", role="unit viewer", unit="test:office"))["items"]) == 6


async def test_filters_and_pages_tell_nothing_of_another_unit(story: Story, tree: dict[str, UUID]) -> None:
    other = await story.case(tree["other0"])
    assert await cases(story, f"?asset_id={other['asset_id']}", unit="test:county") == set()
    first = await story.call("GET", "/cases?limit=1", role="unit", unit="test:office")
    second = await story.call("GET", f"/cases?limit=1&cursor={first['next']}", role="unit", unit="test:office")
    assert {page["items"][0]["case_id"] for page in (first, second)} == {str(tree["office0"]), str(tree["office1"])}
    unknown = uuid4()
    theirs = await story.request("GET", f"/cases/{tree['other0']}", role="unit", unit="test:county")
    nobodys = await story.request("GET", f"/cases/{unknown}", role="unit", unit="test:county")
    assert theirs.text.replace(str(tree["other0"]), str(unknown)) == nobodys.text, "no word tells that it exists"


@pytest.mark.parametrize("unit", [None, "test:nobody", "test: ", "county"])
async def test_without_a_unit_that_is_known_a_unit_reads_nothing(
    story: Story, tree: dict[str, UUID], unit: str | None
) -> None:
    for path in ("/cases", f"/cases/{tree['county0']}", f"/endpoints/{tree['county']}"):
        assert (await story.request("GET", path, role="unit", unit=unit)).status_code == 403, path


async def test_a_case_whose_asset_is_not_known_belongs_to_nobody(story: Story, tree: dict[str, UUID]) -> None:
    case = await story.flag(uuid4())
    assert (await story.request("GET", f"/cases/{case}", role="unit", unit="test:county")).status_code == 404
    assert str(case) not in await cases(story, unit="test:county")
